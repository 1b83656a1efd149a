"""The inbox: an event has its effect once, however often it is delivered.

The key is CloudEvents' own (source, id). Rows are written in the transaction of the effect and kept longer than the
topic keeps its records.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.contracts import CloudEvent

_INSERT = """
insert into inbox (source, event_id, received_at)
select source, event_id, $3 from unnest($1::text[], $2::text[]) as arrived (source, event_id)
on conflict do nothing
returning source, event_id
"""


async def first_seen(
    raw: "asyncpg.Connection[asyncpg.Record]", events: Sequence[CloudEvent], now: datetime
) -> list[bool]:
    """For each event whether this is its first arrival; later ones in the same batch are not."""
    if not events:
        return []
    pairs = sorted({(event.source, event.id) for event in events})
    rows = await raw.fetch(_INSERT, [source for source, _ in pairs], [event_id for _, event_id in pairs], now)
    fresh = {(row["source"], row["event_id"]) for row in rows}
    answers: list[bool] = []
    for event in events:
        identity = (event.source, event.id)
        answers.append(identity in fresh)
        fresh.discard(identity)
    return answers


async def was_seen(raw: "asyncpg.Connection[asyncpg.Record]", event: CloudEvent) -> bool:
    """Whether this event has had its effect."""
    return bool(
        await raw.fetchval(
            "select exists (select from inbox where source = $1 and event_id = $2)", event.source, event.id
        )
    )


async def forget_before(raw: "asyncpg.Connection[asyncpg.Record]", instant: datetime, *, limit: int = 10_000) -> int:
    """Delete up to `limit` rows received before `instant`; answers how many."""
    status = await raw.execute(
        """
        delete from inbox where ctid = any(array(
            select ctid from inbox where received_at < $1 order by received_at limit $2))
        """,
        instant,
        limit,
    )
    return int(status.rsplit(" ", 1)[1])
