"""The queue of deliveries: what is due, what waits in the same lane, leases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.notify.domain.lanes import Waiting

_DUE = """
select id, subject, lane from delivery d
where state = 'pending' and due_at <= $1 and (retry_wall is null or retry_wall <= $2)
and ($4::text[] is null or id = any($4::text[]))
and not exists (select from delivery s where s.lane = d.lane and s.state = 'sending')
order by rank, due_at, id limit $3
"""
_LANES = """
select id, lane, rank, created_at, state, due_at <= $2 and (retry_wall is null or retry_wall <= $3) as ready
from delivery where lane = any($1::text[]) and state in ('pending', 'sending')
"""
_LEASE = """
update delivery d set state = 'sending', lease = $1, lease_wall = $2, attempts = attempts + 1, retry_wall = null,
    contact_point = taken.contact_point, masked_address = taken.masked,
    explanation = explanation || jsonb_build_object('checks', taken.checks::jsonb)
from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as taken (id, contact_point, masked, checks)
where d.id = taken.id
"""
_EXPIRED_LEASES = (
    "select id, subject from delivery where state = 'sending' and lease_wall < $1 order by lease_wall limit $2"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery whose time has come, as seen without a lock."""

    id: str
    subject: str
    lane: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery taken to be sent, and where to."""

    id: str
    contact_point: str
    masked_address: str
    checks: list[dict[str, Any]]


async def due(
    raw: "asyncpg.Connection[asyncpg.Record]",
    now: datetime,
    wall: datetime,
    limit: int,
    *,
    only: Sequence[str] | None = None,
) -> list[Candidate]:
    """The most pressing deliveries that are due at `now` and whose pause is over at `wall`; of these alone if given."""
    rows = await raw.fetch(_DUE, now, wall, limit, only)
    return [Candidate(**dict(row)) for row in rows]


async def waiting_in(
    raw: "asyncpg.Connection[asyncpg.Record]", lanes: Sequence[str], now: datetime, wall: datetime
) -> list[Waiting]:
    """Everything in these lanes that has not ended."""
    rows = await raw.fetch(_LANES, lanes, now, wall)
    return [
        Waiting(
            id=row["id"],
            lane=row["lane"],
            rank=row["rank"],
            made_at=row["created_at"],
            sending=row["state"] == "sending",
            ready=row["ready"],
        )
        for row in rows
    ]


async def lease(
    raw: "asyncpg.Connection[asyncpg.Record]", taken: Sequence[Taken], *, token: str, until: datetime
) -> None:
    """Mark deliveries as being sent by the holder of `token`, until real time `until`."""
    await raw.execute(
        _LEASE,
        token,
        until,
        [entry.id for entry in taken],
        [entry.contact_point for entry in taken],
        [entry.masked_address for entry in taken],
        [orjson.dumps(entry.checks).decode() for entry in taken],
    )


async def expired_leases(
    raw: "asyncpg.Connection[asyncpg.Record]", wall: datetime, limit: int
) -> list[tuple[str, str]]:
    """Ids and subjects of deliveries whose sender never said what became of them."""
    return [(row["id"], row["subject"]) for row in await raw.fetch(_EXPIRED_LEASES, wall, limit)]


async def still_leased(
    raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str], token: str | None, wall: datetime
) -> frozenset[str]:
    """Those still held with `token`; without one, those whose lease is over."""
    rows = await raw.fetch(
        """
        select id from delivery where id = any($1::text[]) and state = 'sending'
        and case when $2::text is null then lease_wall < $3 else lease = $2 end
        """,
        ids,
        token,
        wall,
    )
    return frozenset(row["id"] for row in rows)


async def any_waiting(raw: "asyncpg.Connection[asyncpg.Record]", lanes: Sequence[str]) -> bool:
    """Whether something waits in these lanes."""
    return bool(
        await raw.fetchval(
            "select exists (select from delivery where lane = any($1::text[]) and state = 'pending')", lanes
        )
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be sent or is being sent, and when the next one that is not yet due will be."""

    open: int
    next_due_at: datetime | None


async def backlog(raw: "asyncpg.Connection[asyncpg.Record]", now: datetime) -> Backlog:
    """Deliveries due by business time `now` that have not ended, those pausing between tries included; up to 10 000."""
    row = await raw.fetchrow(
        """
        select (select count(*) from (select 1 from delivery where (state = 'pending' and due_at <= $1)
                                      or state = 'sending' limit 10000) as open),
               (select min(due_at) from delivery where state = 'pending' and due_at > $1)
        """,
        now,
    )
    assert row is not None
    return Backlog(row[0], row[1])


async def next_retry(raw: "asyncpg.Connection[asyncpg.Record]", wall: datetime) -> datetime | None:
    """The next real instant at which a pause or a lease ends."""
    moment: datetime | None = await raw.fetchval(
        """
        select least((select min(retry_wall) from delivery where state = 'pending' and retry_wall > $1),
                     (select min(lease_wall) from delivery where state = 'sending'))
        """,
        wall,
    )
    return moment
