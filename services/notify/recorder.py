"""The recorder: writes down what became of tries, many at a time, however long the database is away."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from services.notify import metrics
from services.notify.store.queue import expired_leases
from services.notify.usecases.record import Recorded, Tries, died, load_dead, record
from services.notify.usecases.set_aside import set_aside
from shared.db.database import Database, is_transient, raw_connection
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.worker import backoff

log = structlog.get_logger(__name__)

_BATCH = 200


class Recorder:
    """Records for one sender; `wake` is called when what was recorded lets something else leave."""

    def __init__(
        self,
        database: Database,
        uow: UnitOfWorkFactory,
        *,
        wake: Callable[[], None],
        haste: float,
        lease_seconds: float,
    ) -> None:
        self._database = database
        self._uow = uow
        self._wake = wake
        self._haste = haste
        self._look_every = min(1.0, lease_seconds / 4)
        self._look_at = 0.0
        self._results: asyncio.Queue[Tries] = asyncio.Queue()
        self.succeeded = 0

    def keep(self, entry: Tries) -> None:
        """Take over a try to be recorded, and count it."""
        row = entry.row
        metrics.ATTEMPTS.labels(row.channel, entry.outcome.verdict.value).inc()
        metrics.SEND_SECONDS.labels(row.channel).observe((entry.ended - entry.started).total_seconds())
        if entry.number == 1:
            metrics.FIRST_TRY_SECONDS.observe((entry.started - row.created_wall).total_seconds())
        if entry.defect is not None:
            metrics.DEFECTS.inc()
            log.warning("template.failed", template=row.template, version=row.template_version, detail=entry.defect)
        self._results.put_nowait(entry)

    async def run(self) -> None:
        """Record for ever."""
        while True:
            batch = [await self._results.get()]
            while not self._results.empty() and len(batch) < _BATCH:
                batch.append(self._results.get_nowait())
            await self._record(batch)
            for _ in batch:
                self._results.task_done()

    async def emptied(self) -> None:
        """Return when everything that was kept has been recorded."""
        await self._results.join()

    async def take_over_from_the_dead(self, idempotent: Callable[[str], bool]) -> None:
        """Leases that ended: nobody knows whether those messages left. Looks now and then, not on every call."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._look_at:
            return
        self._look_at = loop.time() + self._look_every
        wall = datetime.now(UTC)
        async with self._database.read() as connection:
            found = await expired_leases(await raw_connection(connection), wall, _BATCH)
        if not found:
            return
        log.warning("sender.leases_ended", deliveries=len(found))
        metrics.ENDED_LEASES.inc(len(found))
        for delivery_id, subject in found:
            try:
                await self._take_over(delivery_id, subject, wall, idempotent)
            except Exception as error:
                if is_transient(error):
                    raise
                await self.set_aside(delivery_id, subject, error)

    async def set_aside(self, delivery_id: str, subject: str, error: Exception) -> None:
        """Let a delivery that our own code cannot handle wait, and give it up in the end."""
        wall = datetime.now(UTC)
        async with self._uow() as work:
            given_up = await set_aside(work, delivery_id, subject, error, wall=wall, haste=self._haste)
        log.error("sender.set_aside", delivery=delivery_id, error=type(error).__name__, given_up=given_up)

    async def _record(self, batch: list[Tries]) -> None:
        """Record a batch; a lease that ends before the database is back says `unknown`."""
        attempt = 0
        while True:
            try:
                async with self._uow() as work:
                    recorded = await record(work, batch, wall=datetime.now(UTC), haste=self._haste)
            except Exception as error:  # noqa: BLE001 - sorted below
                if not is_transient(error):
                    await self._record_one_by_one(batch, error)
                    return
                attempt += 1
                log.warning("sender.record_retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))
            else:
                self.succeeded += sum(entry.outcome.succeeded for entry in batch)
                self._wake_for(recorded)
                return

    async def _record_one_by_one(self, batch: list[Tries], error: Exception) -> None:
        log.error("sender.not_recorded", deliveries=[entry.row.id for entry in batch], exc_info=error)
        if len(batch) > 1:
            for entry in batch:
                await self._record([entry])
        # A single one is left to its lease: what became of it is then unknown.

    def _wake_for(self, recorded: Recorded) -> None:
        if recorded.waiting:
            self._wake()
        if recorded.next_retry is not None:
            delay = (recorded.next_retry - datetime.now(UTC)).total_seconds()
            asyncio.get_running_loop().call_later(max(0.0, delay), self._wake)

    async def _take_over(
        self, delivery_id: str, subject: str, wall: datetime, idempotent: Callable[[str], bool]
    ) -> None:
        async with self._uow() as work:
            await work.lock([subject])
            rows = await load_dead(work, [delivery_id])
            tries = [
                died(row, wall=wall, jitter=random.random(), idempotent=idempotent(row.channel))  # noqa: S311
                for row in rows.values()
            ]
            await record(work, tries, wall=wall, haste=self._haste)
