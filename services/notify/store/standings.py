"""The projection of crisis: one line per case, matter, clock and escalation."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg

from services.notify.domain.standing import Key, Standing

# An event that comes late changes nothing: sequences count per customer, and a case belongs to one customer. What moved
# when cases were merged goes on under the sequences of another: then what was written down earlier comes late, and
# where that is not said, what is told of the case that went.
_UPSERT = """
insert into standing as s
    (kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, updated_at, into_case_id, into_number,
     written_at)
select kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, $10, into_case_id, into_number,
    written_at
from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[], $6::integer[], $7::timestamptz[],
            $8::bigint[], $12::text[], $13::text[],
            $14::timestamptz[])
    as told (kind, id, case_id, ended, acknowledged_at, step, step_at, sequence, into_case_id, into_number, written_at)
on conflict (kind, id) do update set
    ended = excluded.ended,
    acknowledged_at = coalesce(excluded.acknowledged_at,
                               case when (excluded.kind, excluded.id) in (select * from unnest($9::text[], $11::text[]))
                                    then null else s.acknowledged_at end),
    step = greatest(s.step, excluded.step),
    step_at = coalesce(excluded.step_at, s.step_at),
    case_id = excluded.case_id,
    sequence = excluded.sequence,
    updated_at = excluded.updated_at,
    into_case_id = coalesce(excluded.into_case_id, s.into_case_id),
    into_number = coalesce(excluded.into_number, s.into_number),
    written_at = coalesce(excluded.written_at, s.written_at)
where case when excluded.case_id = s.case_id then excluded.sequence >= s.sequence
    when excluded.written_at <> s.written_at then excluded.written_at > s.written_at
    else not exists (select from standing went where went.kind = 'case' and went.id = excluded.case_id
                     and went.into_case_id is not null) end
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
            [standing.into_case_id for standing in rows],
            [standing.into_number for standing in rows],
            [standing.written_at for standing in rows],
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
    """How these things stand, a merged case as the one that goes on; those that were never heard of are absent."""
    found = await _load(raw, keys)
    merged = {key: standing for key, standing in found.items() if standing.into_case_id is not None}
    while merged:
        heirs = await _load(raw, [("case", into) for one in merged.values() if (into := one.into_case_id) is not None])
        after = {key: one.as_goes_on(heirs.get(("case", one.into_case_id or ""))) for key, one in merged.items()}
        found.update(after)
        merged = {key: one for key, one in after.items() if one.into_case_id != merged[key].into_case_id}
    return found


async def _load(raw: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[Key]) -> dict[Key, Standing]:
    wanted = sorted(set(keys))
    rows = await raw.fetch(
        """
        select s.kind, s.id, case_id, ended, acknowledged_at, step, step_at, sequence, into_case_id, into_number
        from unnest($1::text[], $2::text[]) as wanted (kind, id) join standing s using (kind, id)
        """,
        [kind for kind, _ in wanted],
        [id_ for _, id_ in wanted],
    )
    return {(row["kind"], row["id"]): Standing(**dict(row)) for row in rows}
