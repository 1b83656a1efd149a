"""T1: fire 100 000 due timers with a million pending, beside the bare statement and pgqueuer."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.clock import SteppedClock
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork, unit_of_work_factory
from shared.timers.worker import DueTimer, TimerWorker
from tests.bench.bench import Bench
from tests.bench.table import Ratio, Row, median

DUE, PENDING, RUNS, BATCH = 100_000, 1_000_000, 3, 5000
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

_FILL = """
insert into timer (kind, key, subject, due_at, generation, payload)
select 'bench', 'k' || n, 'C-' || n % 200000, $1::timestamptz + (n % 3600) * interval '1 second', 1, '{}'
from generate_series($2::int, $3::int) as n
"""
_BARE = """
with due as materialized (
  select id from timer where due_at <= $1 order by due_at, id limit $2 for update skip locked
), fired as (delete from timer using due where timer.id = due.id returning timer.id, timer.subject)
, effect as (insert into effect (timer_id, subject) select id, subject from fired returning 1)
select count(*) from effect
"""


async def run(bench: Bench) -> list[Row]:
    """Ours and the bare statement take turns on the same table; pgqueuer runs on the same server."""
    url = bench.database("t1")
    await migrate(url, "scoring")
    raw = await asyncpg.connect(url)
    await raw.execute("create table effect (timer_id bigint, subject text)")
    await raw.execute("insert into subject (id) select 'C-' || n from generate_series(0, 199999) as n")
    await raw.execute(_FILL, NOW + timedelta(days=1), 1, PENDING)
    await raw.execute("vacuum analyze timer")
    await raw.execute("vacuum analyze subject")
    ours: list[float] = []
    bare: list[float] = []
    for turn in range(RUNS):
        first = PENDING + 1 + turn * 2 * DUE
        ours.append(await _timed(raw, first, lambda: _ours(url)))
        bare.append(await _timed(raw, first + DUE, lambda: _bare(raw)))
    await raw.close()
    peer = await _pgqueuer(bench)
    mine, limit = median(ours), median(bare)
    return [
        Row(
            id="T1",
            what=f"fire {DUE:,} due timers with {PENDING:,} pending, set-based effect",
            ours=mine,
            unit="timers/s",
            beside={"bare SQL statement, same effect": limit, "pgqueuer (jobs/s)": peer},
            ratios=(Ratio("bare statement", mine / limit, 0.8), Ratio("pgqueuer", mine / peer, 3)),
            runs=tuple(ours),
        )
    ]


async def _timed(raw, first: int, fire) -> float:
    await raw.execute(_FILL, NOW - timedelta(hours=2), first, first + DUE - 1)
    await raw.execute("analyze timer")
    await raw.execute("checkpoint")
    before = await raw.fetchval("select count(*) from effect")
    started = time.perf_counter()
    await fire()
    seconds = time.perf_counter() - started
    fired = await raw.fetchval("select count(*) from effect") - before
    assert fired == DUE, f"{fired} of {DUE} fired"
    return DUE / seconds


async def _bare(raw) -> None:
    while await raw.fetchval(_BARE, NOW, BATCH):
        pass


async def _ours(url: str) -> None:
    database = Database(url, pool_size=6)
    clock = SteppedClock(NOW)
    worker = TimerWorker(database, unit_of_work_factory(database, clock), clock, {"bench": _effect}, batch=BATCH)
    await worker.turn()
    await database.close()


async def _effect(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
    await work.raw.execute(
        "insert into effect (timer_id, subject) select * from unnest($1::bigint[], $2::text[])",
        [timer.id for timer in timers],
        [timer.subject for timer in timers],
    )


async def _pgqueuer(bench: Bench) -> float:
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    jobs = 20_000
    url = bench.database("pgqueuer")
    connection = await asyncpg.connect(url)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await queries.install()
    await queries.enqueue(["bench"] * jobs, [b"{}"] * jobs, [0] * jobs)
    queue = PgQueuer(driver)
    done = 0

    @queue.entrypoint("bench")
    async def _job(_job) -> None:
        nonlocal done
        done += 1
        if done == jobs:
            queue.shutdown.set()

    started = time.perf_counter()
    async with asyncio.timeout(120):
        await queue.run(batch_size=1000)
    seconds = time.perf_counter() - started
    await connection.close()
    return done / seconds
