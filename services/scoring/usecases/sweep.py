"""Time alone: customers for whom an age or the edge of a window may have moved a band are looked at again."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.scoring.store import standings
from services.scoring.store.models import Models
from services.scoring.usecases.regrade import Occasion, regrade
from shared.db.database import Database, is_transient, raw_connection
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.timers.worker import Pending

log = structlog.get_logger(__name__)

CHUNK: Final = 2000
"""Customers in one transaction."""
_PUT_OFF: Final = timedelta(hours=1)


async def sweep(database: Database, uow: UnitOfWorkFactory, models: Models, now: datetime) -> tuple[int, int]:
    """Regrade one chunk of those who are due at `now`; answers how many were done and how many were due.

    Customers on whom something else is working are left for the next look.
    """
    async with database.read() as connection:
        due = await standings.due(await raw_connection(connection), now, limit=CHUNK)
    ids = sorted(set(due))
    return (await _settle(uow, models, ids) if ids else 0), len(ids)


async def _settle(uow: UnitOfWorkFactory, models: Models, ids: Collection[str]) -> int:
    """Regrade these; one who cannot be graded is found by halving and put off, the others go on."""
    try:
        async with uow() as work:
            locked = await work.lock(ids, skip_locked=True)
            if locked:
                await regrade(work, models, locked, Occasion())
            return len(locked)
    except Exception as error:
        if is_transient(error):
            raise
        ordered = sorted(ids)
        if len(ordered) > 1:
            middle = len(ordered) // 2
            return await _settle(uow, models, ordered[:middle]) + await _settle(uow, models, ordered[middle:])
        log.exception("sweep.failed", customer=ordered[0])
        async with uow() as work:
            await _put_off(work, ordered[0])
        return 1


async def _put_off(work: UnitOfWork, customer_id: str) -> None:
    await work.lock([customer_id])
    await standings.put_off(work.raw, customer_id, due=work.now, to=work.now + _PUT_OFF)


async def agenda(database: Database, now: datetime) -> Pending:
    """How many standings are due at `now` (counted to 10 000), and when the next one will be."""
    async with database.read() as connection:
        count, upcoming = await standings.agenda(await raw_connection(connection), now)
    return Pending(due=count, next_due_at=upcoming)
