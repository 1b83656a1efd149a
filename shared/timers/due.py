"""The table of timers as the worker works on it: what is due, claiming it, putting off what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import asyncpg
import msgspec

from shared.db.database import Database
from shared.db.packing import pack, storable, unpacked

# Due candidates are read without locks; their subjects are locked, leaving out those that something else is working on;
# then the rows whose generation still is the one that was read are deleted. All in one statement, so one round trip,
# and a timer that was re-planned or cancelled in between does not fire: the deletion looks at the newest version of a
# row. Whoever skips what is locked waits for nobody, so the order of locking does not matter here. Rows are found again
# by ctid: within one statement it is stable, and cheaper than the key.
_CLAIM: Final = """
with due as materialized (
  select ctid as place, subject, generation from timer
  where due_at <= $1 and (retry_at is null or retry_at <= $2) {lane}
  order by due_at, id limit $3
), locked as materialized (
  select id from subject where id = any(array(select subject from due)) limit $4 for no key update skip locked
)
delete from timer using due, locked
where timer.ctid = due.place and timer.generation = due.generation and locked.id = due.subject
returning timer.id, timer.kind, timer.key, timer.subject, timestamptz_send(timer.due_at), timer.generation,
  timer.attempts, nullif(timer.payload, '{{}}')
"""
_CLAIM_ALL: Final = _CLAIM.format(lane="")
_CLAIM_LANE: Final = _CLAIM.format(lane="and hashtext(subject) & ($5 - 1) = $6")
_RECLAIM: Final = f"""
delete from timer using unnest({unpacked("$1", "bigint")}, {unpacked("$2", "int")}) as due (id, generation)
where timer.id = due.id and timer.generation = due.generation returning timer.id
"""  # noqa: S608 - constants of ours
_POSTPONE: Final = """
update timer set attempts = least(attempts + 1, 1000), retry_at = $3, last_error = $4 where id = $1 and generation = $2
"""
_NEXT: Final = "select min(due_at) from timer where retry_at is null or retry_at <= $1"
_PENDING: Final = """
select (select count(*) from (select 1 from timer where due_at <= $1 limit 10000) as due),
       (select min(due_at) from timer where due_at > $1)
"""
_ORPHANS: Final = """
insert into subject (id)
select distinct subject from (
  select subject from timer where due_at <= $1 and (retry_at is null or retry_at <= $2) order by due_at, id limit 10000
) as due where not exists (select from subject where subject.id = due.subject) order by subject
on conflict do nothing
"""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class DueTimer(msgspec.Struct, frozen=True, gc=False):
    """A timer that has fallen due. `due_us` counts microseconds from the year 2000, as PostgreSQL does."""

    id: int
    kind: str
    key: str
    subject: str
    due_us: int
    generation: int
    attempts: int
    payload: Mapping[str, Any]

    @property
    def due_at(self) -> datetime:
        """The instant at which it was due, in UTC."""
        return _EPOCH + timedelta(microseconds=self.due_us)


_in_order: Final = attrgetter("due_us", "id")


@dataclass(frozen=True, slots=True)
class Lane:
    """One of `of` (a power of two) disjoint parts of all subjects."""

    number: int
    of: int


async def claim(
    raw: "asyncpg.Connection[asyncpg.Record]",
    now: datetime,
    wall: datetime,
    *,
    limit: int,
    reach: int = 1,
    lane: Lane | None = None,
) -> list[DueTimer]:
    """Take due timers out of the table and lock their subjects; in order of `due_at`.

    Looks at `limit` * `reach` candidates and locks at most `limit` subjects. `wall` is what retries wait for.
    """
    split = () if lane is None else (lane.of, lane.number)
    rows = await raw.fetch(_CLAIM_ALL if lane is None else _CLAIM_LANE, now, wall, limit * reach, limit, *split)
    number = int.from_bytes
    timers = [
        DueTimer(id_, kind, key, subject, number(due, "big", signed=True), generation, attempts, payload or {})
        for id_, kind, key, subject, due, generation, attempts, payload in rows
    ]
    timers.sort(key=_in_order)
    return timers


async def reclaim(raw: "asyncpg.Connection[asyncpg.Record]", timers: Sequence[DueTimer]) -> list[DueTimer]:
    """Take those of `timers` that are still there as they were; their subjects must be locked."""
    if not timers:
        return []
    rows = await raw.fetch(_RECLAIM, pack(timer.id for timer in timers), pack(timer.generation for timer in timers))
    taken = {row["id"] for row in rows}
    return [timer for timer in timers if timer.id in taken]


async def postpone(
    raw: "asyncpg.Connection[asyncpg.Record]", timer: DueTimer, *, until: datetime, error: Exception
) -> None:
    """Let a timer that failed wait until `until`, in real time."""
    await raw.execute(
        _POSTPONE, timer.id, timer.generation, until, storable(f"{type(error).__name__}: {error}", most=500)
    )


async def next_due(database: Database, wall: datetime) -> datetime | None:
    """The earliest instant at which something is or was due, leaving out what waits for a retry at `wall`."""
    async with database.glance() as raw:
        found: datetime | None = await raw.fetchval(_NEXT, wall)
    return found


async def adopt_orphans(raw: "asyncpg.Connection[asyncpg.Record]", now: datetime, wall: datetime) -> None:
    """Make the rows of subjects that due timers name and nobody has made: without its row a timer is never claimed."""
    await raw.execute(_ORPHANS, now, wall)


def lags(timers: Sequence[DueTimer], now: datetime) -> list[float]:
    """Seconds from each timer's due instant to `now`."""
    now_us = (now - _EPOCH) // _MICROSECOND
    return [(now_us - timer.due_us) / 1e6 for timer in timers]


@dataclass(frozen=True, slots=True)
class Pending:
    """What is due now, and the next instant at which something will be."""

    due: int
    next_due_at: datetime | None


async def pending(database: Database, now: datetime) -> Pending:
    """What the timers of a service still have to do at `now`; the count stops at 10 000."""
    async with database.glance() as raw:
        due, upcoming = await raw.fetchrow(_PENDING, now)
    return Pending(due=due, next_due_at=upcoming)
