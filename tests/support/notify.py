"""A whole notify on real parts: database, embedded bus, mail and webhook sinks, the sender and the consumers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from services.notify.channels.outbound import Allowance
from services.notify.channels.port import Channel
from services.notify.channels.smtp import SmtpChannel, SmtpServer
from services.notify.channels.webhook import WebhookChannel
from services.notify.consumers import consumers
from services.notify.kinds import PRESETS, ROUTES, TEMPLATES, Books
from services.notify.names import SENDER
from services.notify.sender import Sender, SenderSettings
from shared.bus.consumer import Consumer
from shared.bus.open import open_bus
from shared.bus.port import Bus, Record, TopicSpec
from shared.bus.relay import Relay
from shared.clock import SteppedClock
from shared.contracts import CloudEvent, decode, encode, registry
from shared.db.database import Database, raw_connection
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory, unit_of_work_factory
from shared.documents.presets import load_presets
from shared.ids import new_id
from tests.support.kernel import running, until
from tests.support.sinks import HttpSink, MailSink, http_sink, mail_sink

NOON = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
CRISIS = "moat.crisis.v1"
CUSTOMERS = "moat.customers.v1"
NOTIFY = "moat.notify.v1"
SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass
class Notify:
    """What a test works with."""

    database: Database
    uow: UnitOfWorkFactory
    bus: Bus
    clock: SteppedClock
    mail: MailSink
    http: HttpSink
    books: Books
    channels: dict[str, Channel]
    sender: Sender
    relay: Relay
    consumers: list[Consumer]
    sequence: int = 0
    settings: SenderSettings = field(default_factory=lambda: _settings({}))

    def new_sender(self, **settings: Any) -> Sender:
        """Another sender on the same database, as another replica has."""
        return Sender(self.database, self.uow, self.clock, self.channels, self.books, _settings(settings))

    async def has(self, *statements: tuple[Any, ...]) -> None:
        """Run SQL: a statement with its arguments each."""
        async with self.database.begin() as connection:
            raw = await raw_connection(connection)
            for statement, *arguments in statements:
                await raw.execute(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.read() as connection:
            return [dict(row) for row in await (await raw_connection(connection)).fetch(statement, *arguments)]

    async def person(self, id_: str, *, smtp: str | None = "", hook: bool = False, **fields: Any) -> None:
        """Somebody in the directory; with a mail address unless `smtp` is None, with the HTTP sink if `hook`."""
        known = {"name": f"{id_} Li", "locale": "en", "zone": "Asia/Shanghai", "active": True, **fields}
        columns = ", ".join(known)
        places = ", ".join(f"${place}" for place in range(2, 2 + len(known)))
        await self.has(
            (
                f"insert into person (id, created_at, updated_at, {columns})"
                f" values ($1, '2026-01-01Z', '2026-01-01Z', {places})",
                id_,
                *known.values(),
            )
        )
        if smtp is not None:
            await self.contact_point(f"{id_}-mail", f"person:{id_}", "smtp", smtp or f"{id_.lower()}@example.com")
        if hook:
            await self.contact_point(f"{id_}-hook", f"person:{id_}", "webhook", self.http.url, secret=SECRET)

    async def contact_point(self, id_: str, owner: str, channel: str, address: str, **fields: Any) -> None:
        await self.has(
            (
                "insert into contact_point (id, owner, channel, address, secret, created_at, updated_at)"
                " values ($1, $2, $3, $4, $5, '2026-01-01Z', '2026-01-01Z')",
                id_,
                owner,
                channel,
                address,
                fields.get("secret"),
            )
        )

    async def role(self, role: str, person: str, *, customer: str = "*") -> None:
        await self.has(
            (
                "insert into role_assignment (customer_id, role, person_id, created_at, updated_at)"
                " values ($1, $2, $3, '2026-01-01Z', '2026-01-01Z')",
                customer,
                role,
                person,
            )
        )

    async def document(self, kind: str, body: dict[str, Any]) -> None:
        """A document in force, instead of any with the same key."""
        known = {"route": ROUTES, "template": TEMPLATES}[kind]
        known.require_valid(body["key"], body)
        await self.has(
            ("update document set state = 'retired' where kind = $1 and key = $2", kind, body["key"]),
            (
                "insert into document (kind, key, version, state, body, origin, digest, created_by, created_at)"
                " select $1, $2, coalesce(max(version), 0) + 1, 'active', $3, 'operator', 'test', 'test', '2026-01-01Z'"
                " from document where kind = $1 and key = $2",
                kind,
                body["key"],
                orjson.dumps(body).decode(),
            ),
        )

    async def only_route(self, **body: Any) -> None:
        """Let this be the only route in force."""
        await self.has(("update document set state = 'retired' where kind = 'route' and state = 'active'",))
        await self.document("route", {"key": "only", **body})

    def event(self, type_: str, *, customer: str = "C-10001", id_: str | None = None, **data: Any) -> CloudEvent:
        """An event of crisis or scoring: the published example with some fields changed."""
        self.sequence += 1
        example = registry[type_].model.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
        return CloudEvent(
            id=id_ or new_id(),
            source=f"/moat/{type_.split('.', maxsplit=1)[0]}",
            type=type_,
            subject=customer,
            time=self.clock.now(),
            data={**example, "customer_id": customer, **data},
            sequence=self.sequence,
        )

    async def publish(self, *events: CloudEvent, topic: str = CRISIS) -> None:
        await self.bus.publish([Record(topic, *encode(event)) for event in events])

    async def published(self, type_: str | None = None) -> list[CloudEvent]:
        """What notify has published."""
        records = await self.bus.read(NOTIFY, limit=10_000)
        events = [decode(record.key, record.value, record.headers) for record in records]
        return [event for event in events if type_ is None or event.type == type_]

    async def happen(self, *events: CloudEvent) -> None:
        """Handle events as the consumer does, without the bus."""
        from services.notify.reading import happening_of, standings_of
        from services.notify.usecases.tell import tell

        async with self.uow() as work:
            await work.lock({event.subject for event in events})
            happenings = [happening_of(event) for event in events]
            told = [
                standing
                for event, happening in zip(events, happenings, strict=True)
                for standing in standings_of(event, happening, work.now)
            ]
            await tell(work, happenings, told, books=self.books, wall=datetime.now(UTC))

    async def deliveries(self, **where: Any) -> list[dict[str, Any]]:
        conditions = " and ".join(f"{name} = ${place}" for place, name in enumerate(where, 1)) or "true"
        return await self.rows(f"select * from delivery where {conditions} order by id", *where.values())

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]

    async def settled(self, *, deliveries: int | None = None, seconds: float = 20.0) -> list[dict[str, Any]]:
        """Wait until no delivery is open (and there are so many); answers them all."""

        async def done() -> bool:
            states = await self.states()
            enough = deliveries is None or len(states) >= deliveries
            return enough and not {"pending", "sending"} & set(states)

        await until(done, seconds=seconds)
        return await self.deliveries()

    async def transact(self, step: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        async with self.uow() as work:
            return await step(work)


def _settings(given: dict[str, Any]) -> SenderSettings:
    return SenderSettings(**{"public_url": "https://moat.example.com", "haste": 100.0, **given})


@asynccontextmanager
async def a_notify(database_url: str, bus_url: str, **settings: Any) -> AsyncIterator[Notify]:
    """A notify whose loops do not run yet; see `going`."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    async with AsyncExitStack() as stack:
        mail, http = await stack.enter_async_context(mail_sink()), await stack.enter_async_context(http_sink())
        database = Database(database_url, pool_size=8)
        stack.push_async_callback(database.close)
        bus = await open_bus(bus_url, client_id="notify-test")
        stack.push_async_callback(bus.close)
        topics = (TopicSpec(CRISIS), TopicSpec(CUSTOMERS, compacted=True, retention_hours=None), TopicSpec(NOTIFY))
        await bus.ensure_topics([*topics, TopicSpec("moat.dead.notify-crisis", 1)])
        clock = SteppedClock(NOON)
        relay = Relay(database, bus, clock)
        wakers: dict[str, Callable[[], None]] = {"outbox": relay.wake}

        def wake(work: UnitOfWork) -> None:
            for name in work.touched & wakers.keys():
                wakers[name]()

        uow = unit_of_work_factory(database, clock, wake=wake)
        await load_presets(uow, ROUTES, PRESETS / "routes")
        await load_presets(uow, TEMPLATES, PRESETS / "templates")
        books = Books()
        channels: dict[str, Channel] = {
            "smtp": SmtpChannel(SmtpServer.from_url(mail.url), sender="moat@example.com", timeout=5.0),
            "webhook": WebhookChannel(Allowance.parse("127.0.0.1"), timeout=2.0),
        }
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        made = _settings(settings)
        sender = Sender(database, uow, clock, channels, books, made)
        wakers[SENDER] = sender.wake
        groups = [Consumer(bus, uow, spec) for spec in consumers(books)]
        yield Notify(
            database, uow, bus, clock, mail, http, books, channels, sender, relay, groups, settings=made
        )  # fmt: skip


@asynccontextmanager
async def going(notify: Notify, *, sender: bool = True, bus: bool = True) -> AsyncIterator[None]:
    """Run the sender, and relay and consumers if `bus`."""
    loops: list[Callable[[], Awaitable[None]]] = [notify.sender.run] if sender else []
    if bus:
        loops += [notify.relay.run, *(consumer.run for consumer in notify.consumers)]
    async with running(*loops):
        yield
