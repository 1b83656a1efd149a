"""The relay: carries outbox rows to the bus, in order per key, and deletes them once they are durable there.

Replicas share the work by shard: the owner of a shard holds a session advisory lock, which its death frees at once.
No transaction is open while the broker is asked. A relay that was paused and comes back may repeat rows; consumers
drop them by event id.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.port import Bus, BusUnavailable, Record
from shared.clock import Clock
from shared.db.database import Database, is_transient
from shared.db.tables import SHARDS
from shared.observability.metrics import RelayMetrics
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_LOCK_CLASS = 0x4D4F_4154  # "MOAT": the first half of the advisory lock's name, the shard is the second
_ROUND = 32  # batches
_READ = """
select seq, aggregatetype, aggregateid, payload, header_names, header_values
from outbox where shard = any($1::smallint[]) and seq > $2 order by seq limit $3
"""
_DELETE = "delete from outbox where seq = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in the outbox: rows, and when the oldest was written."""

    rows: int
    oldest: datetime | None


class Relay:
    """One relay of a service. Run as many as there are replicas; they find their shards by themselves."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, batch: int = 2000, idle_seconds: float = 0.05
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._batch = batch
        self._idle = idle_seconds
        self._woken = asyncio.Event()
        self.heartbeat = Heartbeat("relay")
        self.sent = 0
        self._metrics = RelayMetrics()

    def wake(self) -> None:
        """Say that a transaction with outbox rows has just been committed."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled. The database or the broker away only makes it wait."""
        attempt = 0
        while True:
            try:
                async with self._database.engine.connect() as connection:
                    await self._own_and_relay(await _autocommit(connection))
            except Exception as error:  # noqa: BLE001 - a relay must never end; what it cannot send stays a row
                attempt += 1
                known = isinstance(error, BusUnavailable) or is_transient(error)
                report = log.warning if known else log.error
                self._metrics.retried()
                report("relay.retry", error=type(error).__name__, detail=str(error)[:300], attempt=attempt)
                await asyncio.sleep(backoff(attempt))
            else:
                attempt = 0

    async def _own_and_relay(self, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        owned: list[int] = []
        try:
            turns = 0
            while True:
                if len(owned) < SHARDS and turns % 20 == 0:
                    owned = await _take_shards(raw, owned)
                turns += 1
                self.heartbeat.beat()
                if not await self._drain(raw, owned):
                    self._woken.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), self._idle)
        finally:
            # The connection goes back to the pool: the locks must not go with it.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(raw.execute("select pg_advisory_unlock_all()"), 2)

    async def _drain(self, raw: "asyncpg.Connection[asyncpg.Record]", owned: list[int]) -> bool:
        """Send what is there now, reading a batch while the one before is on its way; answers whether any was."""
        sending: asyncio.Task[None] | None = None
        sent: list[int] = []
        last = 0
        try:
            # A row with a lower number may be committed later: bounded rounds, each beginning at the lowest again.
            for _ in range(_ROUND):
                rows = await raw.fetch(_READ, owned, last, self._batch)
                if not rows:
                    break
                last = rows[-1]["seq"]
                if sending is not None:
                    await sending
                    await self._forget(raw, sent)
                sent = [row["seq"] for row in rows]
                sending = asyncio.create_task(self._bus.publish(_records(rows)))
                self.heartbeat.beat()
                if len(rows) < self._batch:
                    break
            if sending is None:
                return False
            await sending
            sending = None
            await self._forget(raw, sent)
            return True
        finally:
            if sending is not None:
                sending.cancel()
                with contextlib.suppress(BaseException):
                    await sending

    async def _forget(self, raw: "asyncpg.Connection[asyncpg.Record]", seqs: list[int]) -> None:
        await raw.execute(_DELETE, seqs)
        self.sent += len(seqs)
        self._metrics.sent(len(seqs))


def _records(rows: Sequence[asyncpg.Record]) -> list[Record]:
    return [
        Record(
            topic=row["aggregatetype"],
            key=row["aggregateid"],
            value=row["payload"],
            headers=tuple(zip(row["header_names"], row["header_values"], strict=True)),
        )
        for row in rows
    ]


async def _autocommit(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    adapted = await connection.get_raw_connection()
    driver: asyncpg.Connection[asyncpg.Record] | None = adapted.driver_connection
    assert driver is not None
    return driver


async def _take_shards(raw: "asyncpg.Connection[asyncpg.Record]", owned: list[int]) -> list[int]:
    """Try the shards that nobody owns. Session locks nest, so owned ones are not asked for again."""
    wanted = [shard for shard in range(SHARDS) if shard not in owned]
    rows = await raw.fetch(
        "select shard, pg_try_advisory_lock($1, shard) as taken from unnest($2::int[]) as t (shard)",
        _LOCK_CLASS,
        wanted,
    )
    return sorted([*owned, *(row["shard"] for row in rows if row["taken"])])


async def depth(database: Database) -> Depth:
    """How many rows wait (counted up to 100 000) and since when."""
    async with database.read() as connection:
        row = (
            await connection.exec_driver_sql(
                "select (select count(*) from (select 1 from outbox limit 100000) as counted),"
                " (select created_at from outbox order by seq limit 1)"
            )
        ).one()
    return Depth(rows=row[0], oldest=row[1])
