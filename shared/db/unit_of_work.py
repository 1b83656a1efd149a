"""One use case, one transaction: lock the subjects, decide, save, publish; leaving the block commits.

    async with uow() as work:
        await work.lock([customer_id])
        ...                                   # load, call a pure function with work.now, save
        work.publish("moat.crisis.v1", event)
        work.plan(Timer(...))

What is published and planned is buffered and written set-based just before the commit.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.outbox import Outbox
from shared.clock import Clock
from shared.contracts import CloudEvent
from shared.db.database import Database, Overtaken, raw_connection
from shared.db.subjects import lock_subjects, make_subjects
from shared.timers.plan import CancelTimer, Timer, TimerPlan


class UnitOfWork:
    """An open transaction. `now` is the one instant of everything that happens in it.

    It is the instant at which the first subjects were locked: of two transactions that touch a subject the later one
    never has the earlier instant, however long it waited. Before the first lock it is when the transaction began.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        raw: "asyncpg.Connection[asyncpg.Record]",
        now: datetime,
        *,
        read_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.sa = connection
        self.raw = raw
        self.now = now
        self.outbox = Outbox(now)
        self.timers = TimerPlan()
        self.touched: set[str] = set()
        self._locked: set[str] = set()
        self._read_clock = read_clock
        self._after: list[Callable[[], None]] = []

    async def lock(self, subjects: Iterable[str], *, skip_locked: bool = False) -> frozenset[str]:
        """Lock these subjects' rows in sorted order, making rows for new ones; answers those now locked.

        With `skip_locked` those that another transaction holds are left out instead of waited for.
        """
        locked = await lock_subjects(self.raw, subjects, skip_locked=skip_locked)
        self.took(locked)
        return locked

    async def lock_all(self, subjects: Collection[str], follow: "Follow") -> None:
        """Lock these subjects and those that `follow` names for them, in one sorted order.

        Raises Overtaken where it names more once the locks are held. They are not taken then: out of order they could
        close a circle.
        """
        locked = await self.lock({*subjects, *await follow(self, subjects)})
        # Who belongs together may have changed while the locks were waited for. From now on it cannot: whoever changes
        # it locks all whom it concerns.
        if not locked.issuperset(await follow(self, subjects)):
            raise Overtaken

    def took(self, subjects: Collection[str]) -> None:
        """Take note that a statement of the caller's own has locked these subjects."""
        if subjects and not self._locked and self._read_clock is not None:
            self.not_before(self._read_clock())
        self._locked.update(subjects)

    def not_before(self, instant: datetime) -> None:
        """Let this transaction happen no earlier than `instant`; to be called before `now` is used for anything."""
        self.now = self.outbox.now = max(self.now, instant)

    def publish(self, topic: str, event: CloudEvent) -> None:
        """Put `event` on `topic` with this transaction. Its `ce_sequence` is given when the transaction ends."""
        self.outbox.add(topic, event)

    def plan(self, timer: Timer) -> None:
        """Plan or re-plan the one timer with this kind and key; an earlier plan of it becomes void."""
        self.timers.plan(timer)

    def cancel(self, kind: str, key: str) -> None:
        """Drop the timer with this kind and key, if there is one."""
        self.timers.cancel(CancelTimer(kind, key))

    def touch(self, worker: str) -> None:
        """Say that this transaction made work for `worker` (outbox, timer, job), which is woken after the commit."""
        self.touched.add(worker)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this when the transaction has been committed, not otherwise: for waking a worker."""
        self._after.append(call)

    async def flush(self) -> None:
        """Write what was published and planned so far; called by the factory before the commit."""
        # A timer is fired under its subject's lock, so the subject has to have a row.
        unlocked = sorted(self.timers.subjects - self._locked)
        if unlocked:
            await make_subjects(self.raw, unlocked)
        await self.timers.write(self.raw)
        if self.timers.earliest is not None:
            self.touch("timer")
        if await self.outbox.write(self.raw):
            self.touch("outbox")

    def committed(self) -> None:
        for call in self._after:
            call()


class Follow(Protocol):
    """Names the subjects that have to be locked besides these: those for whom some of them stand."""

    async def __call__(self, work: UnitOfWork, subjects: Collection[str], /) -> Collection[str]: ...


class UnitOfWorkFactory(Protocol):
    """Opens a fresh unit of work for each call."""

    def __call__(self, *, now: datetime | None = None) -> AbstractAsyncContextManager[UnitOfWork]: ...


def unit_of_work_factory(
    database: Database, clock: Clock, *, wake: Callable[[UnitOfWork], None] | None = None
) -> UnitOfWorkFactory:
    """A factory over `database`; `wake` is told of each committed unit, so that relay and timers need not poll."""

    @asynccontextmanager
    async def unit_of_work(*, now: datetime | None = None) -> AsyncIterator[UnitOfWork]:
        async with database.begin() as connection:
            raw = await raw_connection(connection)
            work = UnitOfWork(connection, raw, now or clock.now(), read_clock=None if now else clock.now)
            yield work
            await work.flush()
        work.committed()
        if wake is not None:
            wake(work)

    return unit_of_work
