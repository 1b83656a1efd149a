"""Gauges that need a look at the database, the bus or the loop: refreshed now and then, at a bounded cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.pool import QueuePool

from shared.bus.dead_letters import dead_letter_topic
from shared.bus.port import Bus
from shared.bus.relay import depth
from shared.clock import Clock
from shared.db.database import Database, raw_connection
from shared.observability import metrics
from shared.timers.worker import pending
from shared.worker import Heartbeat

log = structlog.get_logger(__name__)

_EVERY: Final = 5.0
_LOOP_LOOK: Final = 0.5


class GaugeRefresher:
    """Sets the gauges of one service every five seconds; what cannot be asked now keeps its last value."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, groups: Mapping[str, Sequence[str]]) -> None:
        """`groups` are the consumer groups and their topics."""
        self._database = database
        self._bus = bus
        self._clock = clock
        self._groups = groups
        self.heartbeat = Heartbeat("gauges")

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            for look in (self._outbox, self._timers, self._parked, self._pool, self._consumers):
                self.heartbeat.beat()
                await _tolerantly(look)
            metrics.LOOP_LAG.set(await worst_loop_lag(_EVERY))

    async def _outbox(self) -> None:
        waiting = await depth(self._database)
        metrics.OUTBOX_ROWS.set(waiting.rows)
        # Rows carry business time; their age is real only where the business clock is.
        age = 0.0 if waiting.oldest is None else (self._clock.now() - waiting.oldest).total_seconds()
        metrics.OUTBOX_AGE.set(max(0.0, age))

    async def _timers(self) -> None:
        metrics.TIMERS_DUE.set((await pending(self._database, self._clock.now())).due)

    async def _parked(self) -> None:
        async with self._database.read() as connection:
            rows = await (await raw_connection(connection)).fetch(
                "select group_name, count(*) as records from (select group_name from parked limit 10000) as set_aside"
                " group by 1"
            )
        counts = {row["group_name"]: row["records"] for row in rows}
        for group in {*self._groups, *counts}:
            metrics.PARKED.labels(group).set(counts.get(group, 0))

    async def _pool(self) -> None:
        pool = self._database.engine.pool
        if isinstance(pool, QueuePool):
            metrics.POOL_IN_USE.set(pool.checkedout())
            metrics.POOL_SIZE.set(pool.size())

    async def _consumers(self) -> None:
        for group, topics in self._groups.items():
            metrics.CONSUMER_LAG.labels(group).set(await self._bus.lag(group, topics))
            # Nobody reads the dead letters as this group, so its lag is how many there are.
            metrics.DEAD_LETTERS.labels(group).set(await self._bus.lag("moat.gauges", [dead_letter_topic(group)]))


async def worst_loop_lag(seconds: float) -> float:
    """How late the event loop woke us at worst, looking twice a second for so long."""
    worst = 0.0
    until = time.perf_counter() + seconds
    while (now := time.perf_counter()) < until:
        await asyncio.sleep(_LOOP_LOOK)
        worst = max(worst, time.perf_counter() - now - _LOOP_LOOK)
    return worst


async def _tolerantly(look: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(10):
            await look()
    except Exception as error:  # noqa: BLE001 - a gauge that cannot be read must not end the others
        log.debug("gauges.skipped", look=look.__name__, error=type(error).__name__, at=datetime.now(UTC).isoformat())
