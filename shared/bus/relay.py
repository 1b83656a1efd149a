"""The relay: carries outbox rows to the bus, in order per key, and deletes them once they are durable there.

Replicas find out by advisory locks who sends what (`shared.bus.shards`). No transaction is open while the broker is
asked. A relay that was paused and comes back may repeat rows; consumers drop them by event id.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from shared.bus.carrier import Carrier
from shared.bus.port import Bus, BusUnavailable
from shared.bus.refused import Refused
from shared.bus.shards import CHANNEL, Shards
from shared.clock import Clock
from shared.db.database import Database, is_transient
from shared.observability.metrics import RelayMetrics
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_TAKE_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 0.02
_DEPTH: Final = """
select (select count(*) from (select 1 from outbox limit 100000) as counted),
       (select created_at from outbox order by seq limit 1)
"""


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in the outbox: rows, and when the oldest was written."""

    rows: int
    oldest: datetime | None


class Relay:
    """One relay of a service. Run as many as there are replicas; they find their shards by themselves.

    It acts when it is woken. Every `idle_seconds` it looks by itself, for rows of processes that cannot wake anybody.
    """

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, batch: int = 1500, idle_seconds: float = 1.0
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._batch = batch
        self._idle = idle_seconds
        self._refused = Refused()
        self._woken = asyncio.Event()
        self._to_tell = False
        self._tell_at = 0.0
        self._failures = 0
        self._metrics = RelayMetrics()
        self.heartbeat = Heartbeat("relay")
        self.sent = 0

    def wake(self) -> None:
        """Say that a transaction with outbox rows has just been committed."""
        self._to_tell = True
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled. The database or the broker away only makes it wait."""
        while True:
            try:
                async with self._database.session() as session:
                    await self._own_and_relay(session)
            except Exception as error:  # noqa: BLE001 - a relay must never end; what it cannot send stays a row
                self._failures += 1
                known = isinstance(error, BusUnavailable) or is_transient(error)
                report = log.warning if known else log.error
                self._metrics.retried()
                report("relay.retry", error=type(error).__name__, detail=str(error)[:300], attempt=self._failures)
                self.heartbeat.beat()
                await asyncio.sleep(backoff(self._failures))

    async def _own_and_relay(self, session: "asyncpg.Connection[asyncpg.Record]") -> None:
        shards = Shards(session)
        carrier = Carrier(session, self._bus, self._refused, batch=self._batch, sent=self._count)
        await carrier.prepare()
        await session.add_listener(CHANNEL, lambda *_: self._woken.set())
        take_at = 0.0
        while True:
            self.heartbeat.beat()
            self._woken.clear()  # before looking: a commit while we look must not be slept over
            if not shards.complete and time.monotonic() >= take_at:
                await shards.take()
                take_at = time.monotonic() + _TAKE_SECONDS
            await self._tell_others(shards)
            if not (shards.owned and await carrier.drain(shards.owned)):
                # Not wait_for: in Python 3.11 it may lose a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TELL_SECONDS if self._to_tell else self._idle):
                        await self._woken.wait()
            self._failures = 0

    async def _tell_others(self, shards: Shards) -> None:
        """What we committed may be another relay's to send. Many commits are told of at once."""
        if shards.complete:
            self._to_tell = False
        elif self._to_tell and time.monotonic() >= self._tell_at:
            self._to_tell = False
            await shards.tell()
            self._tell_at = time.monotonic() + _TELL_SECONDS

    def _count(self, rows: int) -> None:
        self.heartbeat.beat()
        self.sent += rows
        self._metrics.sent(rows)


async def depth(database: Database) -> Depth:
    """How many rows wait (counted up to 100 000) and since when."""
    async with database.glance() as raw:
        rows, oldest = await raw.fetchrow(_DEPTH)
    return Depth(rows=rows, oldest=oldest)
