"""K1: what a service asks of its database while nothing happens, counted in the server's own log of statements."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.commands.names import ServiceName
from shared.bus.kafka import KafkaBus
from shared.bus.relay import Relay
from shared.clock import SystemClock
from shared.db.database import Database
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrations import migrate
from shared.db.unit_of_work import unit_of_work_factory
from shared.timers.worker import TimerWorker
from tests.bench.bench import Bench
from tests.bench.table import Row
from tests.bench.whole import processor_seconds, the_whole
from tests.support.kernel import running

SECONDS = 20.0
_STATEMENT = re.compile(r"^statements-of (\S+) LOG:  (?:statement|execute)", re.MULTILINE)


async def run(bench: Bench) -> list[Row]:
    """Relay and timers by themselves, then whole services; every statement counts, BEGIN and COMMIT too."""
    return [await _two_workers(bench), await _services(bench)]


async def _two_workers(bench: Bench) -> Row:
    url = bench.database("k1")
    await migrate(url, "scoring")
    database, clock = Database(url, pool_size=6), SystemClock()
    bus = await KafkaBus.open(f"kafka://{bench.kafka}", client_id="bench-idle")
    relay = Relay(database, bus, clock)
    timers = TimerWorker(database, unit_of_work_factory(database, clock), clock, {})
    try:
        async with running(relay.run, timers.run):
            await asyncio.sleep(2)
            async with _counting(bench.postgres) as counts:
                await asyncio.sleep(SECONDS)
    finally:
        await bus.close()
        await database.close()
    return Row(
        id="K1",
        what="relay and timers of one service with nothing to do",
        ours=sum(counts.values()) / SECONDS,
        unit="statements/s",
        less=True,
    )


async def _services(bench: Bench) -> Row:
    async with the_whole(bench, "k1") as whole:
        await asyncio.sleep(10)
        before = processor_seconds(whole.platform)
        async with _counting(whole.platform.postgres) as counts:
            await asyncio.sleep(SECONDS)
        used = processor_seconds(whole.platform)
    rates = {name.value: counts.get(f"moat_{name.value}", 0) / SECONDS for name in ServiceName}
    return Row(
        id="K1b",
        what="a whole service with nothing to do, mean of the three",
        ours=sum(rates.values()) / len(rates),
        unit="statements/s",
        less=True,
        beside={
            **rates,
            **{f"{name}: % of a core": (used[name] - before[name]) / SECONDS * 100 for name in used},
        },
    )


@asynccontextmanager
async def _counting(server: EmbeddedPostgres) -> AsyncIterator[dict[str, int]]:
    """Statements by database, filled in when the block ends."""
    counts: dict[str, int] = {}
    admin = await asyncpg.connect(server.url("postgres"))
    try:
        await _configure(admin, log_line_prefix="statements-of %d ", log_statement="all")
        start = (server.data / "server.log").stat().st_size
        yield counts
        text = (server.data / "server.log").read_bytes()[start:].decode(errors="replace")
        for name in _STATEMENT.findall(text):
            counts[name] = counts.get(name, 0) + 1
        counts.pop("postgres", None)
    finally:
        for name in ("log_line_prefix", "log_statement"):
            await admin.execute(f"alter system reset {name}")
        await admin.execute("select pg_reload_conf()")
        await admin.close()


async def _configure(admin, **settings: str) -> None:
    for name, value in settings.items():
        await admin.execute(f"alter system set {name} = '{value}'")
    await admin.execute("select pg_reload_conf()")
    await asyncio.sleep(1)
