"""Tiers now: the standing of each customer in each model, and when it has to be looked at again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.scoring.domain.standing import Change, Standing, Verdict
from services.scoring.store.raw import Raw
from services.scoring.store.tier_history import close_entries, new_ids, write_entries
from shared.db.packing import pack, unpacked

Place = tuple[str, str]
"""A customer's id and a model's key."""

COLUMNS: Final = ("customer_id", "model", "model_version", "state", "tier", "service_class", "next_change_at")
_FIND: Final = f"select {', '.join(COLUMNS)} from standing where customer_id = any({unpacked('$1')})"


async def standing_columns(raw: Raw, ids: Iterable[str]) -> list[Sequence[Any]]:
    """All standings of these customers, column by column in the order of COLUMNS."""
    rows = await raw.fetch(_FIND, pack(ids))
    return list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)


_VERDICTS: Final = f"""
select customer_id, model, model_version, state, tier, rank, service_class from standing
where customer_id = any({unpacked("$1")})
"""


async def verdicts(raw: Raw, ids: Iterable[str]) -> dict[str, dict[str, Verdict]]:
    """What each model says of these customers, by customer and model."""
    found: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for customer_id, *parts in await raw.fetch(_VERDICTS, pack(ids)):
        verdict = Verdict(*parts)
        found[customer_id][verdict.model] = verdict
    return found


@dataclass(frozen=True, slots=True)
class Reached:
    """A standing, the entry of the history that it is, and the bands that led to it."""

    standing: Standing
    history_id: int
    bands: Mapping[str, str | None]


_REACHED: Final = f"""
select n.customer_id, n.model, s.model_version, s.state, s.tier, s.rank, s.service_class, s.graded_before,
       s.effective_at, s.cause, s.history_id, entry.bands::text
from unnest({unpacked("$1")}, {unpacked("$2")}) as n (customer_id, model)
cross join lateral (
    select * from standing where standing.customer_id = n.customer_id and standing.model = n.model limit 1
) as s
cross join lateral (select bands from tier_history where tier_history.id = s.history_id limit 1) as entry
"""


async def reached(raw: Raw, places: Sequence[Place]) -> dict[Place, Reached]:
    """The standings in these places, as far as there are any, with how they were reached."""
    if not places:
        return {}
    rows = await raw.fetch(_REACHED, pack(place[0] for place in places), pack(place[1] for place in places))
    found: dict[Place, Reached] = {}
    for customer_id, model, version, state, tier, rank, class_, before, effective_at, cause, history_id, bands in rows:
        verdict = Verdict(model, version, state, tier, rank, class_)
        standing = Standing(verdict, before, effective_at, cause)
        found[customer_id, model] = Reached(standing, history_id, orjson.loads(bands))
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it enters the history: with the exact score and the band of each indicator that led to it.

    `replaces` is the id of the entry that was in force.
    """

    customer_id: str
    change: Change
    score: tuple[int, int] | None
    max_score: tuple[int, int] | None
    bands: Mapping[str, str | None]
    bands_before: Mapping[str, str | None]
    next_change_at: datetime | None
    replaces: int | None = None


_PUT: Final = f"""
insert into standing as s (customer_id, model, model_version, state, tier, rank, service_class, graded_before,
                           effective_at, computed_at, cause, next_change_at, history_id)
select customer_id, model, version, state, tier, rank, class, tier is not null, $11, $11, cause, next_change_at,
       history_id
from unnest({unpacked("$1")}, {unpacked("$2")}, {unpacked("$3", "int")}, {unpacked("$4")}, {unpacked("$5")},
            {unpacked("$6", "smallint")}, {unpacked("$7")}, {unpacked("$8")}, {unpacked("$9", "timestamptz")},
            {unpacked("$10", "bigint")})
    as n (customer_id, model, version, state, tier, rank, class, cause, next_change_at, history_id)
on conflict (customer_id, model) do update set
    model_version = excluded.model_version, state = excluded.state, tier = excluded.tier, rank = excluded.rank,
    service_class = excluded.service_class, graded_before = s.graded_before or excluded.graded_before,
    effective_at = excluded.effective_at, computed_at = excluded.computed_at, cause = excluded.cause,
    next_change_at = excluded.next_change_at, history_id = excluded.history_id
"""


async def record(raw: Raw, entries: Iterable[Entry], *, now: datetime) -> None:
    """Put these verdicts in force from `now` on and write them into the history."""
    ordered = sorted(entries, key=lambda entry: (entry.customer_id, entry.change.after.model))
    if not ordered:
        return
    ids = await new_ids(raw, len(ordered))
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
            id_,
        )
        for id_, entry, after in ((id_, entry, entry.change.after) for id_, entry in zip(ids, ordered, strict=True))
    ]
    await raw.execute(_PUT, *(pack(column) for column in zip(*rows, strict=True)), now)
    await close_entries(raw, [entry.replaces for entry in ordered if entry.replaces is not None], now=now)
    await write_entries(raw, [_history_row(id_, entry, now) for id_, entry in zip(ids, ordered, strict=True)])


def _history_row(id_: int, entry: Entry, now: datetime) -> tuple[Any, ...]:
    before, after = entry.change.before, entry.change.after
    numerator, denominator = entry.score or (None, None)
    return (
        id_,
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


_TOUCH: Final = f"""
update standing s set model_version = n.version, next_change_at = n.next_change_at
from unnest({unpacked("$1")}, {unpacked("$2")}, {unpacked("$3", "int")}, {unpacked("$4", "timestamptz")})
    as n (customer_id, model, version, next_change_at)
where s.customer_id = n.customer_id and s.model = n.model
"""


async def reschedule(raw: Raw, moved: Mapping[Place, tuple[int, datetime | None]]) -> None:
    """Note the model version that confirmed standings, and when they have to be looked at again."""
    if moved:
        places = sorted(moved)
        await raw.execute(
            _TOUCH,
            pack(place[0] for place in places),
            pack(place[1] for place in places),
            pack(moved[place][0] for place in places),
            pack(moved[place][1] for place in places),
        )


_END: Final = f"""
delete from standing s using unnest({unpacked("$1")}, {unpacked("$2")}) as n (customer_id, model)
where s.customer_id = n.customer_id and s.model = n.model returning s.history_id
"""


async def end(raw: Raw, places: Sequence[Place], *, now: datetime) -> None:
    """Models that no longer apply say nothing of these customers from `now` on."""
    if places:
        ended = await raw.fetch(_END, pack(place[0] for place in places), pack(place[1] for place in places))
        await close_entries(raw, [row[0] for row in ended], now=now)


_DUE: Final = """
select customer_id from standing where next_change_at <= $1 order by next_change_at, customer_id limit $2
"""


async def due(raw: Raw, now: datetime, *, limit: int) -> list[str]:
    """Customers whose standing time may have changed by `now`, the longest due first; an id may come twice."""
    return [row[0] for row in await raw.fetch(_DUE, now, limit)]


_AGENDA: Final = """
select (select count(*) from (select from standing where next_change_at <= $1 limit 10000) as due),
       (select min(next_change_at) from standing where next_change_at > $1)
"""


async def agenda(raw: Raw, now: datetime) -> tuple[int, datetime | None]:
    """How many standings are due at `now`, counted to 10 000, and when the next one will be."""
    row = await raw.fetchrow(_AGENDA, now)
    assert row is not None
    return row[0], row[1]


async def put_off(raw: Raw, customer_id: str, *, due: datetime, to: datetime) -> None:
    """Look at a customer whose standings are due at `due` no earlier than `to`."""
    await raw.execute(
        "update standing set next_change_at = $3 where customer_id = $1 and next_change_at <= $2", customer_id, due, to
    )
