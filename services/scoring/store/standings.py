"""Tiers now and before: the standing of each customer in each model, and its bitemporal history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.scoring.domain.standing import Change, Standing, Verdict
from services.scoring.store.raw import Raw

Place = tuple[str, str]
"""A customer's id and a model's key."""

standing_names: Final = (
    "customer_id", "model", "model_version", "state", "tier", "rank", "service_class", "graded_before", "effective_at",
    "next_change_at",
)  # fmt: skip
_FIND: Final = f"select {', '.join(standing_names)} from standing where customer_id = any($1::text[])"


async def standings(raw: Raw, ids: Iterable[str]) -> dict[Place, Standing]:
    """All standings of these customers."""
    found: dict[Place, Standing] = {}
    for customer_id, model, version, state, tier, rank, class_, before, effective_at, next_change_at in await raw.fetch(
        _FIND, list(ids)
    ):
        verdict = Verdict(model, version, state, tier, rank, class_)
        found[customer_id, model] = Standing(verdict, before, effective_at, next_change_at)
    return found


async def standing_columns(raw: Raw, ids: Iterable[str]) -> list[Sequence[Any]]:
    """All standings of these customers, column by column in the order of `standing_names`."""
    rows = await raw.fetch(_FIND, list(ids))
    return list(zip(*rows, strict=True)) if rows else [()] * len(standing_names)


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it enters the history: with the exact score and the band of each indicator that led to it."""

    customer_id: str
    change: Change
    score: tuple[int, int] | None
    max_score: tuple[int, int] | None
    bands: Mapping[str, str | None]
    next_change_at: datetime | None


_PUT: Final = """
insert into standing as s (customer_id, model, model_version, state, tier, rank, service_class, graded_before,
                           effective_at, computed_at, cause, next_change_at)
select customer_id, model, version, state, tier, rank, class, tier is not null, $10, $10, cause, next_change_at
from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[],
            $9::timestamptz[])
    as n (customer_id, model, version, state, tier, rank, class, cause, next_change_at)
on conflict (customer_id, model) do update set
    model_version = excluded.model_version, state = excluded.state, tier = excluded.tier, rank = excluded.rank,
    service_class = excluded.service_class, graded_before = s.graded_before or excluded.graded_before,
    effective_at = excluded.effective_at, computed_at = excluded.computed_at, cause = excluded.cause,
    next_change_at = excluded.next_change_at
"""
# One look at the index of open entries for each place, whatever the planner thinks of the table.
_OPEN: Final = """
unnest($1::text[], $2::text[]) as n (customer_id, model) cross join lateral (
    select h.id, h.bands from tier_history h
    where h.customer_id = n.customer_id and h.model = n.model
      and h.valid_to = 'infinity' and h.superseded_at = 'infinity' limit 1
) as entry
"""
_CLOSE: Final = f"update tier_history set valid_to = $3 where id = any(array(select entry.id from {_OPEN}))"
_HISTORY_COLUMNS: Final = (
    "customer_id", "model", "model_version", "state", "tier", "rank", "service_class", "from_tier", "direction",
    "cause", "score_num", "score_den", "bands", "valid_from", "recorded_at",
)  # fmt: skip


async def record(raw: Raw, entries: Sequence[Entry], *, now: datetime) -> None:
    """Put these verdicts in force from `now` on and write them into the history."""
    if not entries:
        return
    ordered = sorted(entries, key=lambda entry: (entry.customer_id, entry.change.after.model))
    rows = [
        (
            entry.customer_id,
            after.model,
            after.version,
            after.state,
            after.tier,
            after.rank,
            after.service_class,
            entry.change.cause,
            entry.next_change_at,
        )
        for entry, after in ((entry, entry.change.after) for entry in ordered)
    ]
    await raw.execute(_PUT, *(list(column) for column in zip(*rows, strict=True)), now)
    replaced = [entry for entry in ordered if entry.change.before is not None]
    if replaced:
        await raw.execute(
            _CLOSE, [entry.customer_id for entry in replaced], [e.change.after.model for e in replaced], now
        )
    await raw.copy_records_to_table(
        "tier_history", columns=_HISTORY_COLUMNS, records=[_history_row(entry, now) for entry in ordered]
    )


def _history_row(entry: Entry, now: datetime) -> tuple[Any, ...]:
    before, after = entry.change.before, entry.change.after
    numerator, denominator = entry.score or (None, None)
    return (
        entry.customer_id,
        after.model,
        after.version,
        after.state,
        after.tier,
        after.rank,
        after.service_class,
        before.tier if before is not None else None,
        entry.change.direction,
        entry.change.cause,
        numerator,
        denominator,
        orjson.dumps(entry.bands).decode(),
        now,
        now,
    )


_BANDS: Final = f"select n.customer_id, n.model, entry.bands::text from {_OPEN}"


async def bands_in_force(raw: Raw, places: Sequence[Place]) -> dict[Place, dict[str, str | None]]:
    """The bands that led to the tiers now in force."""
    rows = await raw.fetch(_BANDS, [place[0] for place in places], [place[1] for place in places])
    return {(row[0], row[1]): orjson.loads(row[2]) for row in rows}


_TOUCH: Final = """
update standing s set model_version = n.version, next_change_at = n.next_change_at
from unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[]) as n (customer_id, model, version, next_change_at)
where s.customer_id = n.customer_id and s.model = n.model
"""


async def reschedule(raw: Raw, moved: Mapping[Place, tuple[int, datetime | None]]) -> None:
    """Note the model version that confirmed standings, and when they have to be looked at again."""
    if moved:
        places = sorted(moved)
        await raw.execute(
            _TOUCH,
            [place[0] for place in places],
            [place[1] for place in places],
            [moved[place][0] for place in places],
            [moved[place][1] for place in places],
        )


_END: Final = """
delete from standing s using unnest($1::text[], $2::text[]) as n (customer_id, model)
where s.customer_id = n.customer_id and s.model = n.model
"""


async def end(raw: Raw, places: Sequence[Place], *, now: datetime) -> None:
    """Models that no longer apply say nothing of these customers from `now` on."""
    if places:
        ids, models = [place[0] for place in places], [place[1] for place in places]
        await raw.execute(_END, ids, models)
        await raw.execute(_CLOSE, ids, models, now)


_DUE: Final = """
select customer_id from standing where next_change_at <= $1 order by next_change_at, customer_id limit $2
"""


async def due(raw: Raw, now: datetime, *, limit: int) -> list[str]:
    """Customers whose standing time may have changed by `now`, the longest due first; an id may come twice."""
    return [row[0] for row in await raw.fetch(_DUE, now, limit)]
