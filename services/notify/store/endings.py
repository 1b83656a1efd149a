"""Writing how deliveries ended, what was tried, and what that makes of their messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.notify.domain.message import MessageState, message_state

_END = """
update delivery d set state = ended.state, reason = ended.reason,
    last_outcome = coalesce(ended.outcome, d.last_outcome),
    last_detail = coalesce(ended.detail, d.last_detail), reference = ended.reference, ended_at = $1, ended_wall = $2,
    lease = null, lease_wall = null, retry_wall = null
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
     as ended (id, state, reason, outcome, detail, reference)
where d.id = ended.id
"""
_AGAIN = """
update delivery d set state = 'pending', retry_wall = again.at, last_outcome = again.outcome,
    last_detail = again.detail,
    lease = null, lease_wall = null
from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) as again (id, at, outcome, detail)
where d.id = again.id
"""
_STATES = "select message_id, array_agg(state) as states from delivery where message_id = any($1::text[]) group by 1"
_REFRESH = """
update message m set state = refreshed.state,
    ended_at = case when refreshed.state = 'pending' then null else $3::timestamptz end,
    reason = case when refreshed.state = 'undeliverable' then 'all_failed' else m.reason end
from unnest($1::text[], $2::text[]) as refreshed (id, state)
where m.id = refreshed.id and m.state <> refreshed.state and m.state <> 'acknowledged' returning m.id, m.state
"""


@dataclass(frozen=True, slots=True)
class Ending:
    id: str
    state: str
    reason: str | None
    outcome: str | None
    detail: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """A delivery that is tried again at real time `at`."""

    id: str
    at: datetime
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, in real time."""

    delivery_id: str
    number: int
    contact_point: str | None
    started: datetime
    ended: datetime
    outcome: str
    detail: str
    reference: str | None


async def end(
    raw: "asyncpg.Connection[asyncpg.Record]", endings: Sequence[Ending], now: datetime, wall: datetime
) -> None:
    """Write how deliveries ended."""
    await raw.execute(
        _END,
        now,
        wall,
        [entry.id for entry in endings],
        [entry.state for entry in endings],
        [entry.reason for entry in endings],
        [entry.outcome for entry in endings],
        [entry.detail for entry in endings],
        [entry.reference for entry in endings],
    )


async def postpone(raw: "asyncpg.Connection[asyncpg.Record]", retries: Sequence[Retry]) -> None:
    """Let deliveries wait for their next try."""
    if retries:
        await raw.execute(
            _AGAIN,
            [entry.id for entry in retries],
            [entry.at for entry in retries],
            [entry.outcome for entry in retries],
            [entry.detail for entry in retries],
        )


async def write_attempts(raw: "asyncpg.Connection[asyncpg.Record]", attempts: Sequence[Attempt]) -> None:
    """Write tries down; one that is there already stays as it is. Whom they are about has to be locked.

    Whoever does not learn whether a commit was taken records again. The same try has the same number and beginning; a
    second line of one number is the one that was written for a sender who was thought dead.
    """
    if attempts:
        await raw.executemany(
            """
            insert into attempt (delivery_id, number, contact_point, started_wall, ended_wall, outcome, detail,
                                 reference)
            select $1, $2, $3, $4, $5, $6, $7, $8
            where not exists (select from attempt where delivery_id = $1 and number = $2 and started_wall = $4)
            """,
            [
                (a.delivery_id, a.number, a.contact_point, a.started, a.ended, a.outcome, a.detail, a.reference)
                for a in attempts
            ],
        )


async def refresh_messages(raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str], now: datetime) -> list[str]:
    """Set each message's state from its deliveries'; answers those that have just become undeliverable."""
    rows = await raw.fetch(_STATES, ids)
    states = [(row["message_id"], message_state(row["states"]).value) for row in rows]
    changed = await raw.fetch(_REFRESH, [id_ for id_, _ in states], [state for _, state in states], now)
    return sorted(row["id"] for row in changed if row["state"] == MessageState.UNDELIVERABLE)


async def routes_tried(
    raw: "asyncpg.Connection[asyncpg.Record]", message_id: str
) -> list[tuple[str, str | None, str, str]]:
    """Delivery, person, channel and outcome of everything that was tried for a message."""
    rows = await raw.fetch(
        """
        select id, person, channel, coalesce(last_outcome, reason, state) as outcome from delivery
        where message_id = $1 order by recipient, step, id
        """,
        message_id,
    )
    return [(row["id"], row["person"], row["channel"], row["outcome"]) for row in rows]


async def mark_contact_points(
    raw: "asyncpg.Connection[asyncpg.Record]", judged: dict[str, str | None], now: datetime
) -> None:
    """Mark contact points: unhealthy with the problem given, healthy with None. Only changes are written."""
    if judged:
        ids = sorted(judged)
        await raw.execute(
            """
            update contact_point c set healthy = judged.problem is null, last_problem = judged.problem,
                unhealthy_since = case when judged.problem is null then null else coalesce(c.unhealthy_since, $3) end,
                updated_at = $3
            from unnest($1::text[], $2::text[]) as judged (id, problem)
            where c.id = judged.id and (c.healthy <> (judged.problem is null))
            """,
            ids,
            [judged[id_] for id_ in ids],
            now,
        )
