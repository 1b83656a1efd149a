"""S1: a recompute lifts 10 000 customers: snapshots on Kafka → 50 000 running clocks retargeted, told, committed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.bus.consumer import Consumer, ConsumerSpec
from shared.bus.kafka import KafkaBus
from shared.clock import SteppedClock
from shared.contracts import CloudEvent
from shared.db.migrations import migrate
from shared.documents.presets import load_presets
from shared.service import Service
from tests.bench.bench import Bench
from tests.bench.replica import a_service
from tests.bench.replicas import REPLICAS, WARMING, consumed_together
from tests.bench.s1_bare import copied_again
from tests.bench.streams import a_bus, a_group, collector_as_served, consumed, filled
from tests.bench.table import Ratio, Row, listed, median
from tests.support.crisis import MONDAY, a_complaint, a_delivery, a_snapshot

CUSTOMERS, PEER_CUSTOMERS, RUNS = 10_000, 400, 3
_GROUP: Final = "crisis-customers"
CLOCKS_A_CASE: Final = 5
_SEEDED_AT_ONCE: Final = 1000
_APART: Final = timedelta(milliseconds=7)
_CUSTOMERS = """
insert into subject (id) select unnest($1::text[]);
insert into customer (id, version, name, account_manager, service_class, class_source, risk_flags, history, updated_at)
select id, 1, 'Customer ' || id, 'E-1042', 'standard', 'graded', '[]',
       '[{"service_class": "standard", "since": "2025-01-01T00:00:00Z"}]', '2025-01-01' from unnest($1::text[]) as id
"""


async def run(bench: Bench) -> list[Row]:
    """All take turns on one database, each on open cases of its own; five clocks run in each."""
    url = bench.database("s1")
    clock = SteppedClock(MONDAY)
    service = await _prepared(url, clock)
    snapshots = next(spec for spec in service.parts.consumers if spec.group == _GROUP)
    alone = replace(snapshots, max_records=1, lanes=1, pace=0.0)
    ours: list[float] = []
    together: list[float] = []
    one_by_one: list[float] = []
    bare: list[float] = []
    async with a_bus(bench.kafka) as bus:
        await _lifted(bus, service, snapshots, await _seeded(service, clock, "W", PEER_CUSTOMERS), clock)
        for turn in range(RUNS):
            ids = await _seeded(service, clock, f"P{turn}", PEER_CUSTOMERS)
            one_by_one.append(await _lifted(bus, service, alone, ids, clock))
            ids = await _seeded(service, clock, f"O{turn}", CUSTOMERS)
            ours.append(await _lifted(bus, service, snapshots, ids, clock))
            together.append(await _lifted_together(bus, service, f"R{turn}", clock, server=(url, bench.kafka)))
            bare.append(CLOCKS_A_CASE * CUSTOMERS / await copied_again(url, ids, since=clock.now()))
    await service.base.database.close()
    mine, alone_rate, limit = median(together), median(one_by_one), median(bare)
    return [
        Row(
            id="S1",
            what=f"retarget {CLOCKS_A_CASE * CUSTOMERS:,} running clocks after a tier recompute, committed",
            ours=mine,
            unit="clocks/s",
            goal=5000,
            beside={
                "one replica": median(ours),
                "one replica, a case a transaction": alone_rate,
                "bare COPY of the same rows": limit,
            },
            ratios=(
                Ratio("one replica", mine / median(ours)),
                Ratio("a case a transaction, one replica of each", median(ours) / alone_rate),
                Ratio("bare COPY", mine / limit),
            ),
            runs=tuple(together),
            note=f"{REPLICAS} replicas: {listed(together)}; one: {listed(ours)}; {snapshots.lanes} lane(s) each",
        )
    ]


async def _prepared(url: str, clock: SteppedClock) -> Service:
    """Crisis on a database with its documents, not started."""
    await migrate(url, "crisis")
    service = a_service("crisis", url, clock)
    for kind, directory in service.parts.presets:
        await load_presets(service.base.uow, kind, directory)
    return service


async def _seeded(service: Service, clock: SteppedClock, prefix: str, number: int) -> list[str]:
    """Standard customers with a complaint each, minutes ago: five clocks of an open case run."""
    ids = [f"{prefix}-{n:05}" for n in range(number)]
    facts = next(spec for spec in service.parts.consumers if spec.group == "crisis-facts")
    async with service.base.database.session() as raw:
        for statement in _CUSTOMERS.split(";\n"):
            await raw.execute(statement, ids)
    with collector_as_served():
        for part in _parts(ids):
            async with service.base.uow() as work:
                await work.lock(part)
                # No two begin at the same instant: what is worked out for one case cannot be had twice.
                told = [a_complaint(id_, at=clock.now() - n * _APART) for n, id_ in enumerate(part)]
                await facts.handle(work, [a_delivery(complaint) for complaint in told])
        clock.move(clock.now() + _SEEDED_AT_ONCE * _APART)
    clock.move(clock.now() + timedelta(minutes=1))
    await _rest(service)
    return ids


async def _lifted(
    bus: KafkaBus, service: Service, spec: ConsumerSpec, ids: Sequence[str], clock: SteppedClock
) -> float:
    """Clocks a second, from the first batch's commit on, until every one is promised what key customers are."""
    topic, total = await filled(bus, _snapshots(ids, clock))
    rate = await consumed(Consumer(bus, service.base.uow, replace(spec, topics=(topic,), group=a_group())), total)
    await _require_lifted(service, ids)
    return rate * CLOCKS_A_CASE


async def _lifted_together(
    bus: KafkaBus, service: Service, prefix: str, clock: SteppedClock, *, server: tuple[str, str]
) -> float:
    """The same by several replicas that share the partitions; what they begin with warms them and is not timed."""
    ids = await _seeded(service, clock, prefix, CUSTOMERS + WARMING)
    told = list(_snapshots(ids, clock))
    rate = await consumed_together(bus, ("crisis", _GROUP), server=server, events=told, now=clock.now())
    await _require_lifted(service, ids[:CUSTOMERS])
    return rate * CLOCKS_A_CASE


async def _require_lifted(service: Service, ids: Sequence[str]) -> None:
    """Every clock of these customers is promised what key customers are, and that was told once."""
    async with service.base.database.session() as raw:
        lifted = await raw.fetchval(
            "select count(*) from clock_event e join clock c on c.id = e.clock_id"
            " where e.type = 'retarget' and c.policy like 'key@%' and c.customer_id = any($1::text[])",
            list(ids),
        )
        told = await raw.fetchval(
            "select count(*) from outbox where type = 'crisis.clock.retargeted.v1'"
            " and convert_from(aggregateid, 'UTF8') = any($1::text[])",
            list(ids),
        )
    assert lifted == told == CLOCKS_A_CASE * len(ids), (
        f"{lifted} clocks of {len(ids)} cases were retargeted, {told} told"
    )


def _snapshots(ids: Sequence[str], clock: SteppedClock) -> Iterator[CloudEvent]:
    for id_ in ids:
        yield a_snapshot(id_, "key", version=2, at=clock.now())


async def _rest(service: Service) -> None:
    async with service.base.database.session() as raw:
        await raw.execute("truncate outbox")
        for table in ("subject", "customer", "crisis_case", "matter", "clock", "clock_event", "timeline", "timer"):
            await raw.execute(f"vacuum analyze {table}")
        await raw.execute("checkpoint")


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), _SEEDED_AT_ONCE):
        yield list(ids[first : first + _SEEDED_AT_ONCE])
