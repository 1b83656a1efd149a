"""What runs beside requests and events: the sweep of customers whom time may have moved, and tidying the door."""

import asyncio
from typing import Final

import structlog

from services.scoring.store.models import Models
from services.scoring.usecases.door import forget_door
from services.scoring.usecases.sweep import agenda, sweep
from shared.clock import Clock
from shared.db.database import Database, is_transient
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.worker import Heartbeat, Worker, backoff, run_until_cancelled

log = structlog.get_logger(__name__)

_TIDY_SECONDS: Final = 30.0
_TIDY_ROWS: Final = 10_000


class Sweeper:
    """Regrades who is due by the service's clock; run one per process, any number of processes."""

    def __init__(self, database: Database, uow: UnitOfWorkFactory, clock: Clock, models: Models) -> None:
        self._database = database
        self._uow = uow
        self._clock = clock
        self._models = models
        self.heartbeat = Heartbeat("sweep")

    @property
    def worker(self) -> Worker:
        return Worker("sweep", self.run, self.heartbeat)

    async def run(self) -> None:
        """Sweep for ever."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            try:
                await self._turn()
                attempt = 0
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("sweep.retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))

    async def _turn(self) -> None:
        now = self._clock.now()
        done, due = await sweep(self._database, self._uow, self._models, now)
        if due and not done:
            await asyncio.sleep(0.02)  # others are working on them
        elif not due:
            upcoming = await agenda(self._database, now)
            await self._clock.wait(upcoming.next_due_at, at_most=1.0)


class DoorKeeper:
    """Forgets at the door what has been applied since: the stored fact answers for it from then on."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self.heartbeat = Heartbeat("door")

    @property
    def worker(self) -> Worker:
        return Worker("door", self.run, self.heartbeat)

    async def run(self) -> None:
        """Tidy for ever."""
        await run_until_cancelled(self.turn, every=_TIDY_SECONDS)

    async def turn(self) -> None:
        """Tidy once; what cannot be done now is done the next time."""
        try:
            while True:
                self.heartbeat.beat()
                async with self._uow() as work:
                    if await forget_door(work, limit=_TIDY_ROWS) < _TIDY_ROWS:
                        return
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("door.retry", error=type(error).__name__)
