"""What lies before the judges after a run: the three databases, every event on the bus, the mailboxes, the tellers."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import asyncpg

from services.commands.demo.mailbox import Mail
from services.commands.names import ServiceName
from services.commands.platform import Platform
from shared.bus.open import open_bus
from shared.bus.port import Bus, Received
from shared.contracts import TOPICS, CloudEvent, decode
from tests.support.faults.doors import Ledger

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """An event on the bus; `first` and `last` are its first and its last place among all that was read."""

    topic: str
    record: Received
    event: CloudEvent
    first: int
    last: int

    @property
    def data(self) -> Mapping[str, Any]:
        return self.event.data or {}


@dataclass
class Evidence:
    """Read when everything is quiet. `events` has each event once, in the order of first deliveries per partition."""

    databases: Mapping[ServiceName, "asyncpg.Connection[asyncpg.Record]"]
    events: list[Event]
    deliveries: int
    """Records on the bus, repeats included."""
    dead: dict[str, int]
    ledger: Ledger
    mails: list[Mail]

    async def rows(self, service: ServiceName, statement: str, *arguments: Any) -> list[Row]:
        return [dict(row) for row in await self.databases[service].fetch(statement, *arguments)]

    async def value(self, service: ServiceName, statement: str, *arguments: Any) -> Any:
        return await self.databases[service].fetchval(statement, *arguments)

    def of_type(self, *types: str) -> list[Event]:
        """Events of these types; a type ends with its version."""
        wanted = set(types)
        return [event for event in self.events if event.event.type in wanted]

    def latest(self, type_: str) -> dict[str, Event]:
        """By subject the event of this type with the highest number: it is the one that a projection keeps."""
        found: dict[str, Event] = {}
        for event in self.of_type(type_):
            before = found.get(event.event.subject)
            if before is None or (event.event.sequence or 0) > (before.event.sequence or 0):
                found[event.event.subject] = event
        return found


@asynccontextmanager
async def gather(platform: Platform, bus_url: str, ledger: Ledger, mails: list[Mail]) -> AsyncIterator[Evidence]:
    """Read the bus whole and connect to the databases."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in ServiceName:
            connection = await asyncpg.connect(platform.postgres.url(f"moat_{service.value}"))
            stack.push_async_callback(connection.close)
            databases[service] = connection
        bus = await open_bus(bus_url, client_id="judge")
        stack.push_async_callback(bus.close)
        records = [record for topic in TOPICS for record in await read_whole(bus, topic.name)]
        dead = {group: len(await bus.read(f"moat.dead.{group}", limit=1000)) for group in GROUPS}
        yield Evidence(databases, first_deliveries(records), len(records), dead, ledger, mails)


GROUPS = (
    "scoring", "crisis-facts", "crisis-customers", "crisis-scoring", "crisis-notify", "notify-crisis",
    "notify-customers",
)  # fmt: skip


async def read_whole(bus: Bus, topic: str) -> list[Received]:
    """Every record of a topic that is still there, in order per partition."""
    subscription = await bus.subscribe(f"judge-{uuid4().hex[:8]}", [topic])
    found: list[Received] = []
    try:
        while True:
            batch = await subscription.poll(max_records=5000, wait=0.5)
            found += batch
            positions = {record.place: record.offset + 1 for record in batch}
            if positions:
                await subscription.commit(positions)
            elif await subscription.lag() == 0:
                return found
    finally:
        await subscription.close()


def first_deliveries(records: Iterable[Received]) -> list[Event]:
    """Each event where it was first, in the order of partitions."""
    found: dict[tuple[str, str, str], Event] = {}
    for place, record in enumerate(records):
        event = decode(record.key, record.value, record.headers)
        identity = (record.topic, event.source, event.id)
        known = found.get(identity)
        found[identity] = (
            Event(record.topic, record, event, place, place) if known is None else replace(known, last=place)
        )
    return list(found.values())


def mail_of(mail: Mail) -> str:
    """The delivery that a mail carries."""
    return mail.id.strip("<>").partition("@")[0]


def repeated(keys: Iterable[Any]) -> list[Any]:
    """Those that occur more than once."""
    counts: dict[Any, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return sorted((key for key, count in counts.items() if count > 1), key=repr)


class Verdict:
    """Collects what is wrong: by the rule that was broken, all that broke it."""

    def __init__(self) -> None:
        self.wrong: dict[str, list[Any]] = {}

    def none(self, what: str, found: Iterable[Any]) -> None:
        """There must be none of these."""
        offenders = list(found)
        if offenders:
            self.wrong.setdefault(what, []).extend(offenders)

    def same(self, what: str, one: Iterable[Any], other: Iterable[Any]) -> None:
        """Both must be the same set."""
        first, second = set(one), set(other)
        self.none(f"{what}, only in the first", sorted(first - second, key=repr))
        self.none(f"{what}, only in the second", sorted(second - first, key=repr))
