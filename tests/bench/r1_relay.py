"""R1: outbox → relay → Kafka, beside aiokafka's own two ways with the same records; and one event alone."""

import asyncio
import random
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from shared.bus.kafka import KafkaBus
from shared.bus.observer import Unobserved
from shared.bus.port import Record, TopicSpec
from shared.bus.relay import Relay
from shared.clock import SystemClock
from shared.contracts import CloudEvent, encode
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWorkFactory, unit_of_work_factory
from tests.bench import r1_bare
from tests.bench.bench import Bench
from tests.bench.streams import collector_as_served
from tests.bench.table import Ratio, Row, median
from tests.support.kernel import running

ROWS, CUSTOMERS, RUNS, ALONE, WARM = 60_000, 20_000, 3, 400, 20
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOPIC = "bench-relay"


@dataclass
class Speeds:
    """Rates by the clock, and what a row cost this process in processor time; broker and PostgreSQL come on top."""

    per_second: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)

    async def time(self, name: str, work: Awaitable[object]) -> None:
        cpu, started = time.process_time(), time.perf_counter()
        await work
        self.per_second.setdefault(name, []).append(ROWS / (time.perf_counter() - started))
        self.cpu_us.setdefault(name, []).append((time.process_time() - cpu) * 1e6 / ROWS)

    def rate(self, name: str) -> float:
        return median(self.per_second[name])


class Acknowledged(Unobserved):
    """When the bus last said that records are durable."""

    def __init__(self) -> None:
        self.at = 0.0
        self.happened = asyncio.Event()

    def published(self, topic: str, *, records: int, seconds: float) -> None:
        self.at = time.perf_counter()
        self.happened.set()


async def run(bench: Bench) -> list[Row]:
    """All on one broker with the same records; the relay reads them from PostgreSQL and deletes them there besides."""
    url = bench.database("r1")
    await migrate(url, "scoring")
    acknowledged = Acknowledged()
    database = Database(url, pool_size=6)
    bus = await KafkaBus.open(f"kafka://{bench.kafka}", client_id="bench-relay", observer=acknowledged)
    relay = Relay(database, bus, SystemClock())
    uow = unit_of_work_factory(database, SystemClock(), wake=lambda _: relay.wake())
    try:
        await bus.ensure_topics([TopicSpec(TOPIC, partitions=r1_bare.PARTITIONS)])
        async with r1_bare.a_producer(bench.kafka, TOPIC) as producer, running(relay.run):
            return [await _many(relay, uow, producer), await _alone(uow, producer, acknowledged)]
    finally:
        await bus.close()
        await database.close()


async def _many(relay: Relay, uow: UnitOfWorkFactory, producer: AIOKafkaProducer) -> Row:
    """The three take turns. The relay's time runs from the commit of all rows until the last is deleted."""
    records = _records(ROWS)
    speeds = Speeds()
    with collector_as_served():
        for _ in range(RUNS):
            await speeds.time("send", r1_bare.send(producer, records))
            await speeds.time("send_batch", r1_bare.send_batch(producer, records))
            before = relay.sent
            async with uow() as work:
                _add(work.outbox, records)
            await speeds.time("relay", _sent(relay, before + ROWS))
    ours, plain, best = (speeds.rate(name) for name in ("relay", "send", "send_batch"))
    costs = ", ".join(f"{name} {median(values):.1f}" for name, values in speeds.cpu_us.items())
    return Row(
        id="R1",
        what=f"outbox relay → Kafka: {ROWS:,} rows of 600 bytes with ten headers, {CUSTOMERS:,} keys, 12 partitions",
        ours=ours,
        unit="rows/s",
        beside={"bare aiokafka send loop": plain, "bare create_batch/send_batch": best},
        ratios=(Ratio("bare send loop", ours / plain, 1.2), Ratio("bare send_batch", ours / best, 0.5)),
        runs=tuple(speeds.per_second["relay"]),
        note=f"processor time of this process a row, µs: {costs}",
    )


async def _alone(uow: UnitOfWorkFactory, producer: AIOKafkaProducer, acknowledged: Acknowledged) -> Row:
    """One event after the other, from the commit's return to the broker's acknowledgement; `send_and_wait` between."""
    (record,) = _records(1)
    ours, bare = [], []
    for _ in range(WARM + ALONE):
        acknowledged.happened.clear()
        async with uow() as work:
            _add(work.outbox, [record])
        started = time.perf_counter()
        await acknowledged.happened.wait()
        ours.append((acknowledged.at - started) * 1000)
        started = time.perf_counter()
        await producer.send_and_wait(record.topic, record.value, key=record.key, headers=list(record.headers))
        bare.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.005)
    return Row(
        id="R1b",
        what="one event alone, the relay woken: from its commit until Kafka has acknowledged it, p50",
        ours=_percentile(ours[WARM:], 50),
        unit="ms",
        less=True,
        beside={
            "p99": _percentile(ours[WARM:], 99),
            "bare send_and_wait, p50": _percentile(bare[WARM:], 50),
            "bare send_and_wait, p99": _percentile(bare[WARM:], 99),
        },
    )


async def _sent(relay: Relay, total: int) -> None:
    async with asyncio.timeout(120):
        while relay.sent < total:
            await asyncio.sleep(0.002)


def _add(outbox, records: Sequence[Record]) -> None:
    for record in records:
        outbox.add_record(
            record.topic,
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
            kind="crisis.clock.warned.v1",
        )


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _records(number: int) -> list[Record]:
    """Events as crisis publishes them, with the ten headers of a traced and numbered one."""
    dice = random.Random(7)
    return [Record(TOPIC, key, value, list(headers)) for key, value, headers in map(encode, _events(number, dice))]


def _events(number: int, dice: random.Random):
    for n in range(number):
        yield CloudEvent(
            id=f"{dice.getrandbits(128):032x}",
            source="moat/crisis",
            type="crisis.clock.warned.v1",
            subject=f"C-{dice.randrange(CUSTOMERS)}",
            time=NOW,
            sequence=n,
            dataschema="urn:moat:schema:crisis.clock.warned.v1",
            traceparent=f"00-{dice.getrandbits(128) or 1:032x}-{dice.getrandbits(64) or 1:016x}-01",
            data={
                "case_id": f"{dice.getrandbits(128):032x}",
                "clock_id": f"{dice.getrandbits(128):032x}",
                "matter_id": f"{dice.getrandbits(128):032x}",
                "target": "first_response",
                "service_class": "strategic",
                "due_at": "2026-03-02T12:15:00Z",
                "warned_at": "2026-03-02T12:10:00Z",
                "policy": {"key": "default", "version": 3},
                "calendar": {"key": "cn-7x24", "version": 12},
                "note": "".join(dice.choices("abcdefghij klmnopqrst uvwxyz", k=240)),
            },
        )
