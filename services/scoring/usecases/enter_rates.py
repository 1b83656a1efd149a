"""Entering exchange rates; whoever bought in that currency may stand elsewhere by them."""

from collections.abc import Sequence

from services.scoring.store import rates
from services.scoring.store.rates import Rate
from services.scoring.usecases.recompute import JOB
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.store import submit


async def enter_rates(work: UnitOfWork, wanted: Sequence[Rate], *, by: str) -> tuple[int, str | None]:
    """Enter rates, the last of several for one day; answers how many changed and the job that regrades by them."""
    by_day = {(rate.currency, rate.quote, rate.day): rate for rate in wanted}
    changed = await rates.put(work.raw, [by_day[key] for key in sorted(by_day)])
    if changed == 0:
        return 0, None
    return changed, (await submit(work, JOB, {"reason": "exchange rates"}, by=by)).id
