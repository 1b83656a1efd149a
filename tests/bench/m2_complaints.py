"""M2: complaints on Kafka → case or join, clocks, timers, timeline, outbox, committed; beside a handler by the ORM."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.bus.consumer import Consumer
from shared.bus.kafka import KafkaBus
from shared.contracts import CloudEvent, format_instant
from shared.db.migrations import migrate
from shared.documents.presets import load_presets
from shared.service import Service
from tests.bench.bench import Bench
from tests.bench.m2_peer import PerMessage
from tests.bench.orm import Orm
from tests.bench.replica import a_service
from tests.bench.replicas import REPLICAS, WARMING, consumed_together
from tests.bench.streams import a_bus, a_group, consumed, filled, handled_one_by_one
from tests.bench.table import Ratio, Row, listed, median

CUSTOMERS = 110_000
_GROUP = "crisis-facts"
COMPLAINTS, PEER_COMPLAINTS, RUNS = 12_000, 400, 3
_CLASSES = """
insert into subject (id) select 'C-' || n from generate_series(0, $2::int - 1) n;
insert into customer (id, version, name, account_manager, service_class, class_source, risk_flags, history, updated_at)
select 'C-' || n, 1, 'Customer ' || n, 'E-' || n % 50, class, 'graded', '[]',
       jsonb_build_array(jsonb_build_object('service_class', class, 'since', '2025-01-01T00:00:00Z')), $1
from (select n, case when n % 20 = 0 then 'strategic' when n % 20 < 4 then 'key' when n % 20 < 14 then 'standard'
                     else 'basic' end as class from generate_series(0, $2::int - 1) n) c;
analyze
"""
_TABLES = ("crisis_case", "matter", "clock", "timeline", "trigger_event", "timer")


async def run(bench: Bench) -> list[Row]:
    """Both work on one database, in turns, each on customers of its own; two complaints in five join an open case."""
    url = bench.database("m2")
    service = await _prepared(url)
    orm = Orm(url)
    peer = PerMessage(orm)
    await peer.prepare()
    ours: list[float] = []
    together: list[float] = []
    theirs: list[float] = []
    async with a_bus(bench.kafka) as bus:
        await _must_have_the_same_effects(bench, bus, service, peer)
        for turn in range(RUNS):
            ours.append(await _ours(bus, service, _complaints(turn, COMPLAINTS)))
            together.append(await _together(bus, service, turn, server=(url, bench.kafka)))
            topic, total = await filled(bus, _complaints(turn, PEER_COMPLAINTS, first=(RUNS + turn)))
            theirs.append(await handled_one_by_one(bench.kafka, topic, total, peer))
    await orm.close()
    await service.base.database.close()
    mine, one, other = median(together), median(ours), median(theirs)
    return [
        Row(
            id="M2",
            what="complaints on Kafka → case or join, clocks, timers, timeline, outbox, committed",
            ours=mine,
            unit="complaints/s",
            goal=3000,
            beside={"one replica": one, "ORM handler, a message at a time": other},
            ratios=(Ratio("one replica", mine / one), Ratio("ORM handler, one process of each", one / other, 20)),
            runs=tuple(together),
            note=f"{REPLICAS} replicas: {listed(together)}; one: {listed(ours)}; two lanes each",
        )
    ]


async def _prepared(url: str) -> Service:
    """Crisis on a database with its documents and customers of all four classes, not started."""
    await migrate(url, "crisis")
    service = a_service("crisis", url)
    for kind, directory in service.parts.presets:
        await load_presets(service.base.uow, kind, directory)
    raw = await asyncpg.connect(url)
    now = f"'{datetime.now(UTC).isoformat()}'::timestamptz"
    await raw.execute(_CLASSES.replace("$1", now).replace("$2", str(CUSTOMERS)))
    await raw.close()
    return service


async def _ours(bus: KafkaBus, service: Service, complaints: Iterator[CloudEvent]) -> float:
    topic, total = await filled(bus, complaints)
    before = await _count(service)
    facts = next(spec for spec in service.parts.consumers if spec.group == _GROUP)
    spec = replace(facts, topics=(topic,), group=a_group())
    rate = await consumed(Consumer(bus, service.base.uow, spec), total)
    grown = await _growth(service, before)
    assert grown["trigger_event"] == grown["matter"] == total, f"{grown} from {total} complaints"
    assert grown["outbox"] >= 2 * total
    assert await bus.lag(spec.group, [topic]) == 0
    await _rest(service)
    return rate


async def _together(bus: KafkaBus, service: Service, turn: int, *, server: tuple[str, str]) -> float:
    """The same by several replicas, about customers of their own."""
    told = list(_complaints(turn, COMPLAINTS + WARMING, first=2 * RUNS + 2 + turn))
    before = await _count(service)
    rate = await consumed_together(bus, ("crisis", _GROUP), server=server, events=told)
    grown = await _growth(service, before)
    assert COMPLAINTS < grown["trigger_event"] == grown["matter"] <= len(told), f"{grown} from {len(told)} complaints"
    await _rest(service)
    return rate


async def _must_have_the_same_effects(bench: Bench, bus: KafkaBus, service: Service, peer: PerMessage) -> None:
    """The same complaints about the same kinds of customer leave as many rows of each kind; warms both up besides."""
    place = 2 * RUNS
    topic, total = await filled(bus, _complaints(99, PEER_COMPLAINTS, first=place))
    before = await _count(service)
    await handled_one_by_one(bench.kafka, topic, total, peer)
    theirs = await _growth(service, before)
    await _rest(service)
    topic, total = await filled(bus, _complaints(99, PEER_COMPLAINTS, first=place + 1))
    before = await _count(service)
    facts = next(spec for spec in service.parts.consumers if spec.group == _GROUP)
    # Few at a time, so that there is more than one batch to wait for.
    spec = replace(facts, topics=(topic,), group=a_group(), max_records=100)
    await consumed(Consumer(bus, service.base.uow, spec), total)
    ours = await _growth(service, before)
    await _rest(service)
    assert ours == theirs, f"ours wrote {ours}, the peer {theirs}"


async def _count(service: Service) -> dict[str, int]:
    async with service.base.database.glance() as raw:
        return {
            name: await raw.fetchval(f"select count(*) from {name}")
            for name in (*_TABLES, "clock_event", "escalation_run", "outbox")
        }


async def _growth(service: Service, before: dict[str, int]) -> dict[str, int]:
    return {name: number - before[name] for name, number in (await _count(service)).items()}


async def _rest(service: Service) -> None:
    async with service.base.database.session() as raw:
        await raw.execute("truncate outbox")
        await raw.execute("checkpoint")


def _complaints(turn: int, number: int, *, first: int | None = None) -> Iterator[CloudEvent]:
    """Complaints of the last minutes about customers from number `first` × 10 000 on, drawn with repeats."""
    chance = random.Random(turn)
    place = turn if first is None else first
    start = datetime.now(UTC) - timedelta(minutes=5)
    for n in range(number):
        at = start + timedelta(milliseconds=n)
        complaint = f"CMP-{place}-{n}"
        data = {
            "complaint_id": complaint,
            "received_at": format_instant(at),
            "channel": "hotline",
            "subject": f"Delivery {n} was late again",
        }
        yield CloudEvent(
            id=complaint,
            source="/crm",
            type="customer.complaint.received.v1",
            subject=f"C-{place * 10_000 + chance.randrange(10_000 if number > 1000 else number)}",
            time=at,
            data=data,
        )
