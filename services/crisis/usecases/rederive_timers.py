"""Which cases derive promises again, because a calendar was published: their timers, due at once.

Whoever publishes holds the calendar's row, and whoever decides about clocks holds customers and their timers and then
looks at that row. So the publication itself touches no timer of a case: a timer of its own plans those, afterwards.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from services.crisis.documents.compiling import CALENDAR, SLA_POLICY
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.rederiving import follows
from services.crisis.domain.sla.pins import Promises
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import StoredDocument, newest_activated
from shared.timers.plan import Timer
from shared.timers.worker import DueTimer

PUBLISHED_TIMER: Final = "calendar-published"
"""One per version: the cases that it concerns have to be found."""
REDERIVE_TIMER: Final = "rederive"
PROVISIONAL: Final = """
select distinct c.case_id, c.customer_id from clock c
where c.provisional and not c.has_breached and c.stage in ('in_progress', 'paused')
  and (strpos(c.pin, $1) > 0 or strpos(c.policy, $1) > 0) order by c.case_id
"""
"""The cases with clocks that are derived again. The partial index `clock_provisional` answers it, however many run."""
CERTAIN: Final = """
select distinct c.case_id, c.customer_id from crisis_case k join clock c on c.case_id = k.id
where k.status = 'open' and not (c.provisional or c.has_breached or c.statutory)
  and c.stage in ('in_progress', 'paused') and strpos(c.policy, $1) > 0 and split_part(c.policy, ';', 1) = any($2)
order by c.case_id
"""
_CHANGING: Final = """
select key || '@' || version from document
where kind = $1 and state <> 'draft' and coalesce(body ->> 'on_calendar_change', 'keep') <> 'keep'
"""
_ACTIVE: Final = """
select key, version from document where kind = $1 and state = 'active' and key = any($2::text[]) order by key for share
"""


async def plan_spreading(work: UnitOfWork, calendar: StoredDocument, by: str | None) -> None:
    """Set the timer that spreads this version of the calendar to what runs; on the first one nothing runs yet."""
    del by
    if calendar.version == 1:
        return
    wish = {"calendar": calendar.key, "version": calendar.version}
    key, subject = f"{calendar.key}/{calendar.version}", f"calendar:{calendar.key}"
    work.plan(Timer(PUBLISHED_TIMER, key, subject, work.now, wish))


async def spread(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
    """Handler of these timers: set one for each case with a clock that the version may move.

    Those are the provisional ones, and those whose policies say that a calendar changes them. One that a newer
    version overtook is left to that one.
    """
    for timer in timers:
        key, version = timer.payload["calendar"], timer.payload["version"]
        if await newest_activated(work.raw, CALENDAR, key) > version:
            continue
        name = f";{key}@"
        rows = await work.raw.fetch(PROVISIONAL, name)
        changing = [row[0] for row in await work.raw.fetch(_CHANGING, SLA_POLICY)]
        if changing:
            rows += await work.raw.fetch(CERTAIN, name, changing)
        for row in rows:
            _plan(work, row["case_id"], row["customer_id"], key, version)


async def plan_where_overtaken(work: UnitOfWork, files: Iterable[CaseFile], promises: Promises) -> None:
    """Set one for clocks of this transaction that follow their calendar, by a version that is active no more.

    Whoever publishes a calendar sees only what was committed by then. Where none was published yet, it has to wait for
    this transaction and sees its clocks.
    """
    found = [
        (file.case, *named)
        for file in files
        for clock in file.clocks
        if (clock.has_changed or clock.is_new) and (named := follows(clock, promises)) is not None
    ]
    if not found:
        return
    keys = {key for _, key, _ in found}
    active = await _active(work.raw, keys)
    if len(active) < len(keys):  # one was retired while its row was waited for: who retired it has committed
        active = await _active(work.raw, keys)
    for case, key, version in found:
        if active.get(key, version) > version:
            _plan(work, case.id, case.customer_id, key, active[key], suffix="/overtaken")


def _plan(work: UnitOfWork, case_id: str, customer_id: str, calendar: str, version: int, *, suffix: str = "") -> None:
    """`suffix` tells timers that a case's own transaction sets from those of `spread`, which does not lock the case.

    They would wait for each other's in a circle; done twice it changes nothing.
    """
    payload = {"case_id": case_id, "calendar": calendar, "version": version}
    work.plan(Timer(REDERIVE_TIMER, f"{case_id}/{calendar}{suffix}", customer_id, work.now, payload))


async def _active(raw: "asyncpg.Connection[asyncpg.Record]", keys: Iterable[str]) -> dict[str, int]:
    return {row["key"]: row["version"] for row in await raw.fetch(_ACTIVE, CALENDAR, sorted(keys))}
