"""Firing durable timers: claim, effect and outbox in one transaction, each timer once.

One statement reads due candidates, locks their subjects (skipping those that something else is working on) and deletes
the rows whose generation still is the one that was read. So a timer that was re-planned or cancelled meanwhile does not
fire, and a process that dies takes nothing with it. A batch that fails is bisected; the bad timer retries alone, later,
and the others go on. Late firing (after downtime) is never suppressed: handlers see `due_at` and now.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec
import structlog

from shared.clock import Clock
from shared.db.database import Database, is_transient, raw_connection
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.observability.metrics import TimerMetrics
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_CLAIM_DUE = """
with due as materialized (
  select id, subject, generation from timer
  where due_at <= $1 and (retry_at is null or retry_at <= $2) and ($4 = 1 or hashtext(subject) & ($4 - 1) = $5)
  order by due_at, id limit $3
), locked as materialized (
  select id from subject where id = any(array(select distinct due.subject from due)) order by id
  for update skip locked
), fired as (
  delete from timer using due, locked
  where timer.id = due.id and timer.generation = due.generation and locked.id = due.subject
  returning timer.id, timer.kind, timer.key, timer.subject, timer.due_at, timer.generation, timer.payload,
    timer.attempts
)
select * from fired order by due_at, id
"""
_CLAIM = """
delete from timer using unnest($1::bigint[], $2::int[]) as due (id, generation)
where timer.id = due.id and timer.generation = due.generation returning timer.id
"""
_LEFT = """
select exists (select from timer where due_at <= $1 and (retry_at is null or retry_at <= $2))
"""
_POSTPONE = """
update timer set attempts = least(attempts + 1, 1000), retry_at = $3, last_error = $4 where id = $1 and generation = $2
"""


class DueTimer(msgspec.Struct, frozen=True):
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
        lanes: Literal[1, 2, 4, 8] = 2,
    ) -> None:
        self._database = database
        self._uow = uow
        self._clock = clock
        self._handlers = handlers
        self._batch = batch
        self._lanes = lanes
        self._metrics = TimerMetrics()
        self._woken = asyncio.Event()
        self._let_on = asyncio.Event()
        self._let_on.set()
        self.heartbeat = Heartbeat("timers")
        self.fired = 0
        self.in_flight = False

    def pause(self) -> None:
        """Begin no further batch; the one in flight goes on to its end."""
        self._let_on.clear()

    def wake(self) -> None:
        """Say that a timer was planned that may be due earlier than the worker knows."""
        self._woken.set()

    async def run(self) -> None:
        """Fire for ever."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            await self._let_on.wait()
            self._woken.clear()
            try:
                fired, left = await self.turn()
                attempt = 0
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("timers.retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))
                continue
            if not left:
                await self._idle()
            elif fired == 0:
                # What is due is held by others or waits for its retry.
                await asyncio.sleep(0.02)

    async def turn(self) -> tuple[int, bool]:
        """Fire what is due now, batch by batch; answers how many fired, and whether more is due that could not."""
        before = self.fired
        now = self._clock.now()
        self.in_flight = True
        try:
            if await self._batch_of(lanes=1, lane=0) == self._batch:
                # Much is due: lanes of disjoint subjects let one be decided while another is written.
                await asyncio.gather(*(self._drain(lane) for lane in range(self._lanes)))
            async with self._database.read() as connection:
                raw = await raw_connection(connection)
                left = bool(await raw.fetchval(_LEFT, now, datetime.now(UTC)))
        finally:
            self.in_flight = False
        return self.fired - before, left

    async def _drain(self, lane: int) -> None:
        while await self._batch_of(lanes=self._lanes, lane=lane) == self._batch:
            self.heartbeat.beat()

    async def _batch_of(self, *, lanes: int, lane: int) -> int:
        """Fire one batch in one transaction, or bisect it; answers how many timers were claimed."""
        timers: list[DueTimer] = []
        try:
            async with self._uow() as work:
                wall = datetime.now(UTC)
                rows = await work.raw.fetch(_CLAIM_DUE, work.now, wall, self._batch, lanes, lane)
                timers = [DueTimer(*row) for row in rows]
                work.took({timer.subject for timer in timers})
                await self._handle(work, timers)
        except Exception as error:
            if is_transient(error) or not timers:
                raise
            await self._bisect(timers, error)
        else:
            self._count(timers, work.now)
        return len(timers)

    async def _handle(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        by_kind: dict[str, list[DueTimer]] = defaultdict(list)
        for timer in timers:
            by_kind[timer.kind].append(timer)
        for kind, same in by_kind.items():
            await self._handlers[kind](work, same)

    async def _bisect(self, timers: Sequence[DueTimer], error: Exception) -> None:
        if len(timers) == 1:
            log.error("timers.failed", kind=timers[0].kind, key=timers[0].key, exc_info=error)
            await self._postpone(timers[0], error)
            return
        middle = len(timers) // 2
        for half in (timers[:middle], timers[middle:]):
            claimed: list[DueTimer] = []
            try:
                async with self._uow() as work:
                    claimed = await self._claim(work, half)
                    await self._handle(work, claimed)
            except Exception as again:
                if is_transient(again):
                    raise
                await self._bisect(claimed, again)
            else:
                self._count(claimed, work.now)

    async def _claim(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> list[DueTimer]:
        locked = await work.lock({timer.subject for timer in timers}, skip_locked=True)
        ours = [timer for timer in timers if timer.subject in locked]
        rows = await work.raw.fetch(_CLAIM, [timer.id for timer in ours], [timer.generation for timer in ours])
        claimed = {row["id"] for row in rows}
        return [timer for timer in ours if timer.id in claimed]

    def _count(self, timers: Sequence[DueTimer], now: datetime) -> None:
        self.fired += len(timers)
        lags: dict[str, list[float]] = defaultdict(list)
        for timer in timers:
            lags[timer.kind].append((now - timer.due_at).total_seconds())
        for kind, seconds in lags.items():
            self._metrics.fired(kind, seconds)

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
