"""The projection of crisis: one line per case, matter, clock and escalation."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg

from services.notify.domain.standing import Key, Standing

# An event that comes late changes nothing: sequences count per customer, and a case belongs to one customer.
_UPSERT = """
insert into standing as s (kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, updated_at)
select kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, $10
from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[], $6::integer[], $7::timestamptz[],
            $8::bigint[]) as told (kind, id, case_id, ended, acknowledged_at, step, step_at, sequence)
on conflict (kind, id) do update set
    ended = excluded.ended,
    acknowledged_at = coalesce(excluded.acknowledged_at,
                               case when (excluded.kind, excluded.id) in (select * from unnest($9::text[], $11::text[]))
                                    then null else s.acknowledged_at end),
    step = greatest(s.step, excluded.step),
    step_at = coalesce(excluded.step_at, s.step_at),
    sequence = excluded.sequence,
    updated_at = excluded.updated_at
where excluded.sequence >= s.sequence
"""


async def remember(
    raw: "asyncpg.Connection[asyncpg.Record]", told: Iterable[Standing], now: datetime
) -> dict[Key, Standing]:
    """Write down what a batch of events said, in their order; answers it merged, one line per thing."""
    merged: dict[Key, Standing] = {}
    for standing in told:
        key = (standing.kind, standing.id)
        merged[key] = merged[key].then(standing) if key in merged else standing
    if merged:
        rows = [merged[key] for key in sorted(merged)]
        cleared = [standing for standing in rows if standing.unacknowledges]
        await raw.execute(
            _UPSERT,
            [standing.kind for standing in rows],
            [standing.id for standing in rows],
            [standing.case_id for standing in rows],
            [standing.ended for standing in rows],
            [standing.acknowledged_at for standing in rows],
            [standing.step for standing in rows],
            [standing.step_at for standing in rows],
            [standing.sequence for standing in rows],
            [standing.kind for standing in cleared],
            now,
            [standing.id for standing in cleared],
        )
    return merged


async def acknowledge(
    raw: "asyncpg.Connection[asyncpg.Record]", *, case_id: str, matter_id: str | None, now: datetime
) -> None:
    """Take an acknowledgement to heart at once, before crisis confirms it."""
    kind, id_ = ("case", case_id) if matter_id is None else ("matter", matter_id)
    await raw.execute(
        """
        insert into standing as s (kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, updated_at)
        values ($1, $2, $3, false, $4, 0, null, 0, $4)
        on conflict (kind, id) do update
        set acknowledged_at = coalesce(s.acknowledged_at, excluded.acknowledged_at), updated_at = excluded.updated_at
        """,
        kind,
        id_,
        case_id,
        now,
    )


async def load_standings(raw: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[Key]) -> dict[Key, Standing]:
    """How these things stand; those that were never heard of are absent."""
    wanted = sorted(set(keys))
    rows = await raw.fetch(
        """
        select s.kind, s.id, case_id, ended, acknowledged_at, step, step_at, sequence
        from unnest($1::text[], $2::text[]) as wanted (kind, id) join standing s using (kind, id)
        """,
        [kind for kind, _ in wanted],
        [id_ for _, id_ in wanted],
    )
    return {(row["kind"], row["id"]): Standing(**dict(row)) for row in rows}
