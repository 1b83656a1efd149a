"""Firing durable timers: claim, effect and outbox in one transaction, each timer once.

A timer that was re-planned or cancelled meanwhile does not fire, and a process that dies takes nothing with it
(`shared.timers.due`). A batch that fails is bisected; the bad timer retries alone, later, and the others go on. Late
firing (after downtime) is never suppressed: handlers see `due_at` and now.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import structlog

from shared.clock import Clock
from shared.db.database import Database, is_transient
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.observability.metrics import TimerMetrics
from shared.timers.due import (
    DueTimer,
    Lane,
    Pending,
    adopt_orphans,
    claim,
    lags,
    next_due,
    pending,
    postpone,
    reclaim,
)
from shared.worker import Heartbeat, backoff

__all__ = ["DueTimer", "Fire", "Pending", "TimerWorker", "pending"]

log = structlog.get_logger(__name__)

_MOST_STUMBLES: Final = 5
_MOST_REACH: Final = 64


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
        self._lanes = [Lane(number, lanes) for number in range(lanes)]
        self._metrics = TimerMetrics()
        self._woken = asyncio.Event()
        self._let_on = asyncio.Event()
        self._let_on.set()
        self._stumbles = 0
        self._stuck = 0
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
        """Fire for ever. The database away only makes it wait."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            await self._let_on.wait()
            self._woken.clear()  # before looking: a plan made while we look must not be slept over
            try:
                upcoming = await next_due(self._database, datetime.now(UTC))
                while self._is_due(upcoming) and self._let_on.is_set():
                    upcoming = await self._turn()
                    await self._get_unstuck(self._is_due(upcoming))
                attempt = 0
                await self._idle(upcoming)
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("timers.retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))

    async def turn(self) -> tuple[int, bool]:
        """Fire what is due now, batch by batch; answers how many fired, and whether more is due that could not."""
        before = self.fired
        upcoming = await self._turn()
        return self.fired - before, self._is_due(upcoming)

    def _is_due(self, instant: datetime | None) -> bool:
        return instant is not None and instant <= self._clock.now()

    async def _turn(self) -> datetime | None:
        """Fire what is due; answers the next instant at which something will be, or already is."""
        self.in_flight = True
        before = self.fired
        try:
            if self._is_much(await self._batch_of(None)):
                # Lanes of disjoint subjects: one is decided while another is written.
                ended = await asyncio.gather(*map(self._drain, self._lanes), return_exceptions=True)
                for error in ended:  # only now: a lane that goes on must not be left to itself
                    if error is not None:
                        raise error
            upcoming = await next_due(self._database, datetime.now(UTC))
        finally:
            self.in_flight = False
        self._stuck = self._stuck + 1 if self.fired == before and self._is_due(upcoming) else 0
        return upcoming

    def _is_much(self, claimed: int) -> bool:
        return claimed * 2 >= self._batch  # some of a batch may have been skipped: their subjects were locked

    async def _drain(self, lane: Lane) -> None:
        while self._let_on.is_set() and self._is_much(await self._batch_of(lane)):
            self.heartbeat.beat()

    async def _batch_of(self, lane: Lane | None) -> int:
        """Fire one batch in one transaction, or bisect it; answers how many timers were claimed."""
        timers: list[DueTimer] = []
        reach = min(4**self._stuck, _MOST_REACH)
        try:
            async with self._uow() as work:
                wall = datetime.now(UTC)
                timers = await claim(work.raw, work.now, wall, limit=self._batch, reach=reach, lane=lane)
                work.took({timer.subject for timer in timers})
                by_kind = await self._handle(work, timers)
        except Exception as error:
            if not timers or self._may_pass(error):
                raise
            await self._bisect(timers, error)
        else:
            self._stumbles = 0
            self._count(by_kind)
        return len(timers)

    def _may_pass(self, error: Exception) -> bool:
        """Whether the same batch may succeed as it is: the database was away or busy, but not again and again."""
        if not is_transient(error):
            return False
        self._stumbles += 1
        return self._stumbles < _MOST_STUMBLES

    async def _handle(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> Mapping[str, Sequence[DueTimer]]:
        by_kind: dict[str, list[DueTimer]] = defaultdict(list)
        for timer in timers:
            by_kind[timer.kind].append(timer)
        for kind, same in by_kind.items():
            await self._handlers[kind](work, same)
        return by_kind

    async def _bisect(self, timers: Sequence[DueTimer], error: Exception) -> None:
        if len(timers) == 1:
            log.error("timers.failed", kind=timers[0].kind, key=timers[0].key, exc_info=error)
            await self._postpone(timers[0], error)
            return
        middle = len(timers) // 2
        for half in (timers[:middle], timers[middle:]):
            self.heartbeat.beat()
            claimed: list[DueTimer] = []
            try:
                async with self._uow() as work:
                    locked = await work.lock({timer.subject for timer in half}, skip_locked=True)
                    claimed = await reclaim(work.raw, [timer for timer in half if timer.subject in locked])
                    by_kind = await self._handle(work, claimed)
            except Exception as again:
                if not claimed:
                    raise
                await self._bisect(claimed, again)
            else:
                self._count(by_kind)

    def _count(self, by_kind: Mapping[str, Sequence[DueTimer]]) -> None:
        """Count what was committed just now: the lag ends where its events are in the outbox."""
        now = self._clock.now()
        for kind, timers in by_kind.items():
            self.fired += len(timers)
            self._metrics.fired(kind, lags(timers, now))

    async def _postpone(self, timer: DueTimer, error: Exception) -> None:
        pause = timedelta(seconds=backoff(timer.attempts + 1, first=1.0, most=300.0))
        async with self._uow() as work:
            await postpone(work.raw, timer, until=datetime.now(UTC) + pause, error=error)
        self._metrics.failed(timer.kind)

    async def _get_unstuck(self, is_due: bool) -> None:  # noqa: FBT001 - named where it is called
        """What is due and did not fire is held by others: give them a moment, and look further next time."""
        if not (is_due and self._stuck):
            return
        if self._stuck == 3:
            async with self._uow() as work:
                await adopt_orphans(work.raw, work.now, datetime.now(UTC))
        await asyncio.sleep(min(0.01 * 2**self._stuck, 0.5))

    async def _idle(self, upcoming: datetime | None) -> None:
        """Wait for the next due instant, a move of the clock or a wake; at most a second, for other replicas' plans."""
        waits = [
            asyncio.create_task(self._clock.wait(upcoming, at_most=1.0)),
            asyncio.create_task(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
