"""Firing durable timers: claim, effect and outbox in one transaction, each timer once.

Due candidates are read without locks; their subjects are locked in order, skipping those that something else is
working on; the generation is checked again by deleting the row. So a timer that was re-planned or cancelled meanwhile
does not fire, and a process that dies takes nothing with it. A batch that fails is bisected; the bad timer retries
alone, later, and the others go on. Late firing (after downtime) is never suppressed: handlers see `due_at` and now.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import asyncpg
import structlog

from shared.clock import Clock
from shared.db.database import Database, is_transient, raw_connection
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.observability.metrics import TimerMetrics
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_DUE = """
select id, kind, key, subject, due_at, generation, payload, attempts from timer
where due_at <= $1 and (retry_at is null or retry_at <= $2) order by due_at, id limit $3
"""
_CLAIM = """
delete from timer using unnest($1::bigint[], $2::int[]) as due (id, generation)
where timer.id = due.id and timer.generation = due.generation returning timer.id
"""
_POSTPONE = """
update timer set attempts = least(attempts + 1, 1000), retry_at = $3, last_error = $4 where id = $1 and generation = $2
"""


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that has fallen due."""

    id: int
    kind: str
    key: str
    subject: str
    due_at: datetime
    generation: int
    payload: Mapping[str, Any]
    attempts: int


class Fire(Protocol):
    """Fires timers of one kind in one transaction, in order of `due_at`; their subjects are locked."""

    async def __call__(self, work: UnitOfWork, timers: Sequence[DueTimer], /) -> None: ...


class TimerWorker:
    """Fires the timers of one service; run one per process, any number of processes."""

    def __init__(
        self,
        database: Database,
        uow: UnitOfWorkFactory,
        clock: Clock,
        handlers: Mapping[str, Fire],
        *,
        batch: int = 1000,
    ) -> None:
        self._database = database
        self._uow = uow
        self._clock = clock
        self._handlers = handlers
        self._batch = batch
        self._metrics = TimerMetrics()
        self._woken = asyncio.Event()
        self.heartbeat = Heartbeat("timers")
        self.fired = 0
        self.in_flight = False

    def wake(self) -> None:
        """Say that a timer was planned that may be due earlier than the worker knows."""
        self._woken.set()

    async def run(self) -> None:
        """Fire for ever."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            self._woken.clear()
            try:
                fired, due = await self.turn()
                attempt = 0
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("timers.retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))
                continue
            if due == 0:
                await self._idle()
            elif fired == 0:
                # What is due is held by others or waits for its retry.
                await asyncio.sleep(0.02)

    async def turn(self) -> tuple[int, int]:
        """Fire one batch of due timers; answers how many fired and how many were due."""
        now = self._clock.now()
        async with self._database.read() as connection:
            raw = await raw_connection(connection)
            rows = await raw.fetch(_DUE, now, datetime.now(UTC), self._batch)
        if not rows:
            return 0, 0
        self.in_flight = True
        try:
            by_kind: dict[str, list[DueTimer]] = defaultdict(list)
            for row in rows:
                by_kind[row["kind"]].append(_due_timer(row))
            before = self.fired
            for kind, timers in by_kind.items():
                await self._fire(kind, timers)
            return self.fired - before, len(rows)
        finally:
            self.in_flight = False

    async def _fire(self, kind: str, timers: Sequence[DueTimer]) -> None:
        try:
            async with self._uow() as work:
                claimed = await self._claim(work, timers)
                if claimed:
                    await self._handlers[kind](work, claimed)
        except Exception as error:
            if is_transient(error):
                raise
            if len(timers) > 1:
                middle = len(timers) // 2
                await self._fire(kind, timers[:middle])
                await self._fire(kind, timers[middle:])
                return
            log.exception("timers.failed", kind=kind, key=timers[0].key)
            await self._postpone(timers[0], error)
        else:
            self.fired += len(claimed)
            self._metrics.fired(kind, [(work.now - timer.due_at).total_seconds() for timer in claimed])

    async def _claim(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> list[DueTimer]:
        locked = await work.lock({timer.subject for timer in timers}, skip_locked=True)
        ours = [timer for timer in timers if timer.subject in locked]
        rows = await work.raw.fetch(_CLAIM, [timer.id for timer in ours], [timer.generation for timer in ours])
        claimed = {row["id"] for row in rows}
        return [timer for timer in ours if timer.id in claimed]

    async def _postpone(self, timer: DueTimer, error: Exception) -> None:
        pause = timedelta(seconds=backoff(timer.attempts + 1, first=1.0, most=300.0))
        async with self._uow() as work:
            await work.raw.execute(
                _POSTPONE,
                timer.id,
                timer.generation,
                datetime.now(UTC) + pause,
                f"{type(error).__name__}: {error}"[:500],
            )
        self._metrics.failed(timer.kind)

    async def _idle(self) -> None:
        """Wait for the next due instant, a move of the clock or a wake; at most a second, for other replicas' plans."""
        async with self._database.read() as connection:
            raw = await raw_connection(connection)
            upcoming = await raw.fetchval("select min(due_at) from timer where retry_at is null")
        waits = [
            asyncio.create_task(self._clock.wait(upcoming, at_most=1.0)),
            asyncio.create_task(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*waits, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Pending:
    """Timers that are due now, and the next instant at which one will be."""

    due: int
    next_due_at: datetime | None


async def pending(database: Database, now: datetime) -> Pending:
    """What the timers of a service still have to do at `now`; the count stops at 10 000."""
    async with database.read() as connection:
        raw = await raw_connection(connection)
        row = await raw.fetchrow(
            "select (select count(*) from (select 1 from timer where due_at <= $1 limit 10000) as due),"
            " (select min(due_at) from timer where due_at > $1)",
            now,
        )
    assert row is not None
    return Pending(due=row[0], next_due_at=row[1])


def _due_timer(row: asyncpg.Record) -> DueTimer:
    return DueTimer(
        id=row["id"],
        kind=row["kind"],
        key=row["key"],
        subject=row["subject"],
        due_at=row["due_at"],
        generation=row["generation"],
        payload=row["payload"],
        attempts=row["attempts"],
    )
