"""T1: fire 100 000 due timers with a million pending, beside the bare statement and pgqueuer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from shared.clock import SteppedClock
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.db.packing import pack, unpacked
from shared.db.unit_of_work import UnitOfWork, unit_of_work_factory
from shared.timers.worker import DueTimer, TimerWorker
from tests.bench.bench import Bench
from tests.bench.streams import collector_as_served
from tests.bench.t1_statements import OUTBOX_ROW, TWO_COLUMNS, drain
from tests.bench.table import Ratio, Row, median

DUE, PENDING, RUNS, BATCH, CUSTOMERS = 100_000, 1_000_000, 3, 5000, 200_000
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

# Customers and due instants have nothing to do with the order in which timers were planned.
_FILL = f"""
insert into timer (kind, key, subject, due_at, generation, payload)
select 'bench', 'k' || n, 'C-' || (n::bigint * 7919 % {CUSTOMERS}),
  $1::timestamptz + (n::bigint * 104729 % 3600) * interval '1 second', 1, '{{}}'
from generate_series($2::int, $3::int) as n
"""
_FIRED = f"unnest({unpacked('$1', 'bigint')}, {unpacked('$2')}) as fired (id, subject)"


async def run(bench: Bench) -> list[Row]:
    """All take turns on one table; pgqueuer runs on the same server."""
    url = bench.database("t1")
    await migrate(url, "scoring")
    raw = await asyncpg.connect(url)
    try:
        await raw.execute("create table effect (timer_id bigint, subject text)")
        await raw.execute(f"insert into subject (id) select 'C-' || n from generate_series(0, {CUSTOMERS - 1}) as n")
        await raw.execute(_FILL, NOW + timedelta(days=1), 1, PENDING)
        table = Table(raw, url)
        with collector_as_served():
            outbox = await table.compare("outbox", OUTBOX_ROW)
            least = await table.compare("effect", TWO_COLUMNS)
    finally:
        await raw.close()
    peer = await _pgqueuer(bench)
    title = f"fire {DUE:,} due timers with {PENDING:,} pending, set-based effect"
    return [
        _row(f"{title}: an outbox row each", outbox, peer),
        _row(f"{title}: the least there is, two columns and no index", least, peer),
    ]


def _row(what: str, rates: dict[str, list[float]], peer: float) -> Row:
    ours, bare, locking, shipped = (median(rates[name]) for name in ("ours", "bare", "locking", "shipped"))
    return Row(
        id="T1",
        what=what,
        ours=ours,
        unit="timers/s",
        beside={
            "bare statement": bare,
            "bare statement that locks customers": locking,
            "ours in batches as shipped": shipped,
            "pgqueuer (jobs/s)": peer,
        },
        ratios=(
            Ratio("bare statement", ours / bare, 0.8),
            Ratio("bare statement that locks customers as we have to", ours / locking),
            Ratio("pgqueuer", ours / peer, 3),
        ),
        runs=tuple(rates["ours"]),
    )


class Table:
    """The table of timers, filled anew before each turn."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", url: str) -> None:
        self._raw = raw
        self._url = url
        self._next = PENDING + 1

    async def compare(self, into: str, effect: str) -> dict[str, list[float]]:
        """Timers a second of each way, `RUNS` times in turns."""
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "ours": lambda: self._work(effect, batch=BATCH),
            "bare": lambda: drain(self._raw, effect, NOW, batch=BATCH, locks=False),
            "locking": lambda: drain(self._raw, effect, NOW, batch=BATCH, locks=True),
            "shipped": lambda: self._work(effect),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, way in ways.items():
                rates[name].append(await self._timed(into, way))
        return rates

    async def _timed(self, into: str, way: Callable[[], Awaitable[None]]) -> float:
        first, self._next = self._next, self._next + DUE
        await self._raw.execute(f"truncate {into}")
        await self._raw.execute(_FILL, NOW - timedelta(hours=2), first, first + DUE - 1)
        for table in ("timer", "subject", into):
            await self._raw.execute(f"vacuum analyze {table}")
        await self._raw.execute("checkpoint")
        started = time.perf_counter()
        await way()
        seconds = time.perf_counter() - started
        fired = await self._raw.fetchval(f"select count(*) from {into}")
        assert fired == DUE, f"{fired} of {DUE} fired"
        return DUE / seconds

    async def _work(self, effect: str, **options: int) -> None:
        statement = effect.format(fired=_FIRED)

        async def fire(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
            ids, subjects = pack(timer.id for timer in timers), pack(timer.subject for timer in timers)
            await work.raw.execute(statement, ids, subjects)

        database, clock = Database(self._url, pool_size=6), SteppedClock(NOW)
        worker = TimerWorker(database, unit_of_work_factory(database, clock), clock, {"bench": fire}, **options)
        left = True
        while left:
            _, left = await worker.turn()
        await database.close()


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
