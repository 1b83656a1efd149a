"""A whole notify on real parts: the service as it is built, mail and webhook sinks, and a clock to step."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from services.notify.api.channels import Channels
from services.notify.app import build
from services.notify.kinds import ROUTES
from services.notify.sender import Sender
from services.notify.settings import NotifySettings
from shared.auth.keys import create_key
from shared.auth.scopes import SCOPES
from shared.bus.consumer import Delivery
from shared.bus.port import Received, Record
from shared.clock import SteppedClock
from shared.contracts import CloudEvent, decode, encode, registry, validate
from shared.db.database import Database, raw_connection
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.documents.kind import DocumentKind
from shared.documents.store import activate, create_draft, for_update
from shared.ids import new_id
from shared.service import Service
from tests.support.documents import install
from tests.support.kernel import running, until
from tests.support.sinks import HttpSink, MailSink, http_sink, mail_sink

NOON = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
CRISIS = "moat.crisis.v1"
CUSTOMERS = "moat.customers.v1"
NOTIFY = "moat.notify.v1"
SECRET = b"0123456789abcdef0123456789abcdef"
_NO_BUS = "postgresql://nobody@127.0.0.1:1/none"
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Notify:
    """The service and everything a test asks it. `started` says whether its background runs."""

    service: Service
    settings: NotifySettings
    client: httpx.AsyncClient
    clock: SteppedClock
    mail: MailSink
    http: HttpSink
    started: bool = False
    sequence: int = 0

    @property
    def database(self) -> Database:
        return self.service.base.database

    @property
    def uow(self) -> UnitOfWorkFactory:
        return self.service.base.uow

    @property
    def sender(self) -> Sender:
        sender: Sender = self.service.app.state.kernel.parts[Sender]
        return sender

    async def has(self, statement: str, *arguments: Any) -> None:
        """Run SQL."""
        async with self.database.begin() as connection:
            await (await raw_connection(connection)).execute(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.read() as connection:
            return [dict(row) for row in await (await raw_connection(connection)).fetch(statement, *arguments)]

    async def put(self, table: str, **fields: Any) -> None:
        """A row in the directory."""
        values = {**fields, "created_at": _SOME_DAY, "updated_at": _SOME_DAY}
        places = ", ".join(f"${place}" for place in range(1, 1 + len(values)))
        await self.has(f"insert into {table} ({', '.join(values)}) values ({places})", *values.values())

    async def person(self, id_: str, *, smtp: str | None = "", hook: bool = False, **fields: Any) -> None:
        """Somebody in the directory; with a mail address unless `smtp` is None, with the HTTP sink if `hook`."""
        known = {"name": f"Colleague {id_}", "locale": "en", "zone": "Asia/Shanghai", "active": True, **fields}
        await self.put("person", id=id_, **known)
        if smtp is not None:
            await self.contact_point(f"{id_}-mail", f"person:{id_}", "smtp", smtp or f"{id_.lower()}@example.com")
        if hook:
            await self.contact_point(f"{id_}-hook", f"person:{id_}", "webhook", self.http.url, SECRET)

    async def contact_point(
        self, id_: str, owner: str, channel: str, address: str, secret: bytes | None = None
    ) -> None:
        await self.put("contact_point", id=id_, owner=owner, channel=channel, address=address, secret=secret)

    async def role(self, role: str, person: str, *, customer: str = "*") -> None:
        await self.put("role_assignment", customer_id=customer, role=role, person_id=person)

    async def document(self, kind: DocumentKind, body: dict[str, Any]) -> None:
        """A document in force, instead of any with the same key."""
        kind.require_valid(body["key"], body)
        async with self.uow() as work:
            draft = await create_draft(work, kind.name, body["key"], body, by="test")
            await activate(work, await for_update(work, kind.name, draft.key, draft.version))

    async def only_route(self, **body: Any) -> None:
        """Let this be the only route in force."""
        await self.has("update document set state = 'retired' where kind = 'route' and state = 'active'")
        await self.document(ROUTES, {"key": "only", "events": ["crisis.case.opened.v1"], **body})

    def event(self, type_: str, *, customer: str = "C-10001", id_: str | None = None, **data: Any) -> CloudEvent:
        """An event of crisis or scoring: the published example with some fields changed."""
        self.sequence += 1
        extra: Any = registry[type_].model.model_config["json_schema_extra"]
        return CloudEvent(
            id=id_ or new_id(),
            source=f"/moat/{type_.split('.', maxsplit=1)[0]}",
            type=type_,
            subject=customer,
            time=self.clock.now(),
            data={**extra["examples"][0], "customer_id": customer, **data},
            sequence=self.sequence,
        )

    def opened(self, **data: Any) -> CloudEvent:
        """A case was opened."""
        return self.event("crisis.case.opened.v1", **{"account_manager": "E-1", "severity": "S3", **data})

    async def publish(self, *events: CloudEvent, topic: str = CRISIS) -> None:
        """Put events on the bus, as their producers do."""
        await self.service.bus.publish([Record(topic, *encode(event)) for event in events])

    async def happen(self, *events: CloudEvent) -> None:
        """Let the consumer handle events in one batch, without the bus."""
        (spec,) = [spec for spec in self.service.parts.consumers if spec.topics == (CRISIS,)]
        records = [Received(CRISIS, 0, 0, 0, event.subject.encode(), b"", ()) for event in events]
        async with self.uow() as work:
            await work.lock({event.subject for event in events})
            deliveries = [
                Delivery(event, validate(event), record) for event, record in zip(events, records, strict=True)
            ]
            await spec.handle(work, deliveries)

    async def published(self, *types: str) -> list[dict[str, Any]]:
        """What notify has published, in order: type and data; only of these types (without `notify.` and `.v1`)."""
        if self.started:
            records = await self.service.bus.read(NOTIFY, limit=10_000)
            events = [decode(record.key, record.value, record.headers) for record in records]
            found = [(event.type, event.data or {}) for event in events]
        else:
            rows = await self.rows("select type, payload from outbox order by seq")
            found = [(row["type"], orjson.loads(row["payload"])) for row in rows]
        named = [(type_.removeprefix("notify.").removesuffix(".v1"), data) for type_, data in found]
        return [{"event": name, **data} for name, data in named if not types or name in types]

    async def deliveries(self, **where: Any) -> list[dict[str, Any]]:
        conditions = " and ".join(f"{name} = ${place}" for place, name in enumerate(where, 1)) or "true"
        return await self.rows(f"select * from delivery where {conditions} order by id", *where.values())

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]

    async def settled(self, *, deliveries: int = 1, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until there are so many deliveries and all have ended; answers them."""

        async def done() -> bool:
            states = await self.states()
            return len(states) >= deliveries and not {"pending", "sending"} & set(states)

        await until(done, seconds=seconds)
        return await self.deliveries()


async def install_documents(database_url: str) -> None:
    """Install the shipped documents in a migrated database."""
    settings = NotifySettings(database_url=database_url, bus_url=_NO_BUS, profile="test", port=0)
    service = build(settings, clock=SteppedClock(NOON))
    await install(service, service.parts.presets)
    await service.base.database.close()


@asynccontextmanager
async def a_notify(database_url: str, *, bus_url: str | None = None, **given: Any) -> AsyncIterator[Notify]:
    """A notify on a migrated database with the shipped documents; it runs wholly when a bus is given, else not."""
    async with AsyncExitStack() as stack:
        mail, http = await stack.enter_async_context(mail_sink()), await stack.enter_async_context(http_sink())
        settings = NotifySettings(
            **{
                "database_url": database_url,
                "bus_url": bus_url or _NO_BUS,
                "profile": "test",
                "port": 0,
                "smtp_url": mail.url,
                "mail_from": "moat@example.com",
                "public_url": "https://moat.example.com",
                "allowed_private_hosts": "127.0.0.1",
                "send_timeout": 20.0,
                "retry_haste": 100.0,
                **given,
            }
        )
        clock = SteppedClock(NOON)
        service = build(settings, clock=clock)
        stack.push_async_callback(service.base.database.close)
        for channel in service.app.state.kernel.parts[Channels].by_name.values():
            stack.push_async_callback(channel.close)  # the sender, which closes them, runs in some tests only
        client = await stack.enter_async_context(_client(service, await _key(service)))
        notify = Notify(service, settings, client, clock, mail, http, started=bus_url is not None)
        if notify.started:
            await service.start()
            stack.push_async_callback(service.stop)
        else:
            await install(service, service.parts.presets)
        yield notify


@asynccontextmanager
async def going(notify: Notify) -> AsyncIterator[None]:
    """Run the sender alone."""
    async with running(*(worker.run for worker in notify.service.parts.workers)):
        yield


def _client(service: Service, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
    headers = {"X-API-Key": key}
    return httpx.AsyncClient(transport=transport, base_url="http://notify", headers=headers)


async def _key(service: Service) -> str:
    async with service.base.database.begin() as connection:
        raw = await raw_connection(connection)
        key = await create_key(raw, name="test", scopes=SCOPES, now=datetime.now(UTC))
    return key.plain
