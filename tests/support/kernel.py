"""A bare service for tests of the kernel: a database, a bus, a clock, and what runs between them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.bus.consumer import Consumer, ConsumerSpec, Delivery, Handle
from shared.bus.open import open_bus
from shared.bus.port import Bus, Received, Record, TopicSpec
from shared.bus.relay import Relay
from shared.clock import SteppedClock
from shared.contracts import CloudEvent, encode
from shared.db.database import Database
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory, unit_of_work_factory
from shared.ids import new_id

FACTS = "moat.facts.v1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Kernel:
    """What a test works with. The table `effect (seq, subject, event_id)` takes what its handlers do."""

    database: Database
    uow: UnitOfWorkFactory
    bus: Bus
    clock: SteppedClock
    relay: Relay

    async def publish_facts(self, *events: CloudEvent) -> None:
        await self.bus.publish([Record(FACTS, *encode(event)) for event in events])

    async def effects(self, subject: str | None = None) -> list[str]:
        async with self.database.read() as connection:
            rows = await connection.exec_driver_sql("select subject, event_id from effect order by seq")
            return [row.event_id for row in rows if subject is None or row.subject == subject]

    async def records(self, topic: str) -> Sequence[Received]:
        return await self.bus.read(topic, limit=10_000)

    async def count(self, table: str) -> int:
        async with self.database.read() as connection:
            return int((await connection.exec_driver_sql(f"select count(*) from {table}")).scalar_one())


@asynccontextmanager
async def a_kernel(database_url: str, bus_url: str) -> AsyncIterator[Kernel]:
    database = Database(database_url, pool_size=6)
    clock = SteppedClock(NOON)
    bus = await open_bus(bus_url, client_id="kernel-test")
    relay = Relay(database, bus, clock)
    uow = unit_of_work_factory(database, clock, wake=lambda _: relay.wake())
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "create table effect (seq bigint generated always as identity, subject text, event_id text unique)"
        )
    await bus.ensure_topics([TopicSpec(FACTS), TopicSpec("moat.crisis.v1"), TopicSpec("moat.dead.tests", 1)])
    try:
        yield Kernel(database, uow, bus, clock, relay)
    finally:
        await bus.close()
        await database.close()


async def record_effect(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """A handler with one row of effect an event."""
    await work.raw.executemany(
        "insert into effect (subject, event_id) values ($1, $2)", [(d.event.subject, d.event.id) for d in deliveries]
    )


def a_consumer(kernel: Kernel, handle: Handle = record_effect, **spec: Any) -> Consumer:
    return Consumer(kernel.bus, kernel.uow, ConsumerSpec(group="tests", topics=(FACTS,), handle=handle, **spec))


def a_fact(customer: str = "C-1", *, id: str | None = None, at: datetime = NOON) -> CloudEvent:
    identity = id or new_id()
    return CloudEvent(
        id=identity,
        source="tests",
        type="customer.order.placed.v1",
        subject=customer,
        time=at,
        data={
            "order_id": f"order-{identity}",
            "amount": "10.00",
            "currency": "CNY",
            "placed_at": at.isoformat().replace("+00:00", "Z"),
        },
    )


@asynccontextmanager
async def running(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run these loops until the block ends; a loop that fails fails the test."""
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60.0) -> None:
    """Return when `condition` holds; fail when it does not in time, which is long: machines may be slow."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)
