"""M1: facts on Kafka → stored, metrics and tier regraded, outbox written, committed; beside a handler by the ORM."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg

from services.scoring.store.models import Models
from services.scoring.usecases.regrade import Occasion, regrade
from shared.bus.consumer import Consumer
from shared.bus.kafka import KafkaBus
from shared.contracts import CloudEvent, format_instant
from shared.db.migrations import migrate
from shared.documents.presets import load_presets
from shared.service import Service
from tests.bench.bench import Bench
from tests.bench.m1_peer import PerMessage
from tests.bench.orm import Orm
from tests.bench.replica import a_service
from tests.bench.replicas import REPLICAS, WARMING, consumed_together
from tests.bench.streams import a_bus, a_group, consumed, filled, handled_one_by_one
from tests.bench.table import Ratio, Row, listed, median

CUSTOMERS, ORDERS_BEFORE = 20_000, 10
FACTS, PEER_FACTS, RUNS = 60_000, 600, 3
_CHUNK = 4000

# Orders of the last two years, some of them refunded; customer n is `C-n`.
_HISTORY = f"""
insert into subject (id) select 'C-' || n from generate_series(0, {CUSTOMERS - 1}) n;
insert into customer (id, first_seen_at) select 'C-' || n, $now from generate_series(0, {CUSTOMERS - 1}) n;
insert into customer_state (customer_id) select id from customer;
insert into purchase (customer_id, order_id, told_at, placed_at, currency, amount)
select 'C-' || n % {CUSTOMERS}, 'old-' || n, at, at, 'CNY', 10000 + n::bigint * 7919 % 9000000
from (select n, $now - n::bigint * 104729 % 63000000 * interval '1 second' as at
      from generate_series(0, {CUSTOMERS * ORDERS_BEFORE - 1}) n) o;
insert into fact (source, event_id, type, customer_id, occurred_at, received_at, body)
select '/shop', order_id, 'customer.order.placed.v1', customer_id, placed_at, placed_at,
       jsonb_build_object('order_id', order_id, 'amount', (amount / 100.0)::text, 'currency', 'CNY',
                          'placed_at', placed_at)::text from purchase;
insert into refund (customer_id, order_id, refunded_at, currency, amount)
select customer_id, order_id, placed_at + interval '1 day', 'CNY', amount / 2 from purchase
where right(order_id, 2) = '77';
analyze
"""


async def run(bench: Bench) -> list[Row]:
    """Both work on one database with two years of history, in turns, each on facts of its own."""
    url = bench.database("m1")
    service, version = await _prepared(url)
    orm = Orm(url)
    peer = PerMessage(orm, version)
    await peer.prepare()
    ours: list[float] = []
    together: list[float] = []
    theirs: list[float] = []
    async with a_bus(bench.kafka) as bus:
        for turn in range(RUNS):
            ours.append(await _ours(bus, service, _orders(turn, FACTS)))
            together.append(await _together(bus, service, turn, server=(url, bench.kafka)))
            topic, total = await filled(bus, _orders(RUNS + turn, PEER_FACTS))
            theirs.append(await handled_one_by_one(bench.kafka, topic, total, peer))
            await _empty_outbox(service, at_least=1)
    await _must_have_had_the_same_effects(service)
    await orm.close()
    await service.base.database.close()
    mine, one, other = median(together), median(ours), median(theirs)
    return [
        Row(
            id="M1",
            what=f"facts on Kafka → stored, regraded, outbox, committed; {CUSTOMERS:,} customers with history",
            ours=mine,
            unit="facts/s",
            goal=25_000,
            beside={"one replica": one, "ORM handler, a message at a time": other},
            ratios=(Ratio("one replica", mine / one), Ratio("ORM handler, one process of each", one / other, 60)),
            runs=tuple(together),
            note=f"{REPLICAS} replicas: {listed(together)}; one: {listed(ours)}; two lanes each, orders only",
        )
    ]


async def _prepared(url: str) -> tuple[Service, int]:
    """Scoring on a database with its documents and a graded history, not started; and the model's version."""
    await migrate(url, "scoring")
    service = a_service("scoring", url)
    for kind, directory in service.parts.presets:
        await load_presets(service.base.uow, kind, directory)
    raw = await asyncpg.connect(url)
    now = f"'{datetime.now(UTC).isoformat()}'::timestamptz"
    await raw.execute(_HISTORY.replace("$now", now))
    models = service.app.state.kernel.parts[Models]
    ids = [f"C-{number}" for number in range(CUSTOMERS)]
    for start in range(0, CUSTOMERS, _CHUNK):
        async with service.base.uow() as work:
            chunk = ids[start : start + _CHUNK]
            await work.lock(chunk)
            await regrade(work, models, chunk, Occasion())
    await raw.execute("truncate outbox")
    await raw.execute("vacuum analyze")
    version = await raw.fetchval("select model_version from standing limit 1")
    await raw.close()
    return service, version


async def _ours(bus: KafkaBus, service: Service, orders: Iterator[CloudEvent]) -> float:
    topic, total = await filled(bus, orders)
    before = await _value(service, "select count(*) from fact")
    spec = replace(service.parts.consumers[0], topics=(topic,), group=a_group())
    rate = await consumed(Consumer(bus, service.base.uow, spec), total)
    stored = await _value(service, "select count(*) from fact") - before
    assert stored == total, f"{stored} of {total} facts stored"
    assert await bus.lag(spec.group, [topic]) == 0
    await _empty_outbox(service, at_least=1000)
    return rate


async def _together(bus: KafkaBus, service: Service, turn: int, *, server: tuple[str, str]) -> float:
    """The same by several replicas."""
    told = list(_orders(2 * RUNS + turn, FACTS + WARMING))
    before = await _value(service, "select count(*) from fact")
    group = service.parts.consumers[0].group
    rate = await consumed_together(bus, ("scoring", group), server=server, events=told)
    stored = await _value(service, "select count(*) from fact") - before
    assert FACTS < stored <= len(told), f"{stored} of {len(told)} facts stored"
    await _empty_outbox(service, at_least=1000)
    return rate


async def _empty_outbox(service: Service, *, at_least: int) -> None:
    async with service.base.database.session() as raw:
        waiting = await raw.fetchval("select count(*) from outbox")
        assert waiting >= at_least, f"only {waiting} rows in the outbox"
        await raw.execute("truncate outbox")
        await raw.execute("checkpoint")


async def _must_have_had_the_same_effects(service: Service) -> None:
    """Regrading everybody the peer touched changes nothing and has nothing to tell, or it did not do the same work."""
    models = service.app.state.kernel.parts[Models]
    async with service.base.uow() as work:
        rows = await work.raw.fetch("select distinct customer_id from fact where source = $1", _source(RUNS))
        ids = [row[0] for row in rows]
        await work.lock(ids)
        done = await regrade(work, models, ids, Occasion())
        assert ids
        assert done.changed == 0, f"the peer left {done.changed} of {len(ids)} customers with another verdict"
        assert not work.outbox, "the peer has not told all that there was to tell"


async def _value(service: Service, statement: str) -> int:
    async with service.base.database.glance() as raw:
        return int(await raw.fetchval(statement))


def _source(turn: int) -> str:
    return f"/shop/{turn}"


def _orders(turn: int, number: int) -> Iterator[CloudEvent]:
    """Orders of the last quarter of an hour; one in fifty is a new customer's first."""
    chance = random.Random(turn)
    start = datetime.now(UTC) - timedelta(minutes=15)
    for n in range(number):
        at = start + timedelta(milliseconds=n)
        newcomer = n % 50 == 0
        customer = f"N-{turn}-{n}" if newcomer else f"C-{chance.randrange(CUSTOMERS)}"
        order = f"SO-{turn}-{n}"
        yield CloudEvent(
            id=order,
            source=_source(turn),
            type="customer.order.placed.v1",
            subject=customer,
            time=at,
            data={
                "order_id": order,
                "amount": f"{chance.randrange(100, 90_000)}.50",
                "currency": "CNY",
                "placed_at": format_instant(at),
            },
        )
