"""The bitemporal history of tiers.

An entry is true of the world from `valid_from` to `valid_to` and believed from `recorded_at` to `superseded_at`. A
later entry ends the one before in place: what was believed about a moment already past does not change by that. Only
merges and reversals, which rewrite the past, supersede entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.scoring.store.raw import Raw
from shared.db.packing import pack, unpacked

_CLOSE: Final = f"update tier_history set valid_to = $2 where id = any({unpacked('$1', 'bigint')})"
_IDS: Final = """
select nextval(pg_get_serial_sequence('tier_history', 'id')) from generate_series(1, $1::int)
"""
_COLUMNS: Final = (
    "id", "customer_id", "model", "model_version", "state", "tier", "rank", "service_class", "from_tier", "direction",
    "cause", "score_num", "score_den", "bands", "valid_from", "recorded_at",
)  # fmt: skip


async def new_ids(raw: Raw, count: int) -> list[int]:
    """Ids for so many entries to come."""
    return [row[0] for row in await raw.fetch(_IDS, count)]


async def close_entries(raw: Raw, ids: Sequence[int], *, now: datetime) -> None:
    """These entries, which are in force, are true until `now` only."""
    if ids:
        await raw.execute(_CLOSE, pack(ids), now)


async def write_entries(raw: Raw, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write entries in force, as rows of the table's columns up to the instants from which they hold and are known."""
    await raw.copy_records_to_table("tier_history", columns=_COLUMNS, records=rows)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry as it is read. `valid_to` and `superseded_at` are None while there is no end."""

    id: int
    customer_id: str
    model: str
    model_version: int
    state: str
    tier: str | None
    rank: int | None
    service_class: str | None
    from_tier: str | None
    direction: str | None
    cause: str
    score_num: int | None
    score_den: int | None
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime
    superseded_at: datetime | None


_SELECT: Final = """
select id, customer_id, model, model_version, state, tier, rank, service_class, from_tier, direction, cause, score_num,
       score_den, valid_from, nullif(valid_to, 'infinity'), recorded_at, nullif(superseded_at, 'infinity')
from tier_history where customer_id = $1 and ($2::text is null or model = $2)
"""
# Before it was known that a tier would end it was believed to go on: what was known at $4 about a later moment is what
# was known about $4.
_AT: Final = f"""{_SELECT}
  and recorded_at <= $4 and superseded_at > $4 and valid_from <= least($3, $4) and valid_to > least($3, $4)
order by model, id
"""
_PAGE: Final = f"""{_SELECT}
  and ($3::timestamptz is null or recorded_at <= $3 and superseded_at > $3)
  and ($4::timestamptz is null or (valid_from, id) < ($4, $5))
order by valid_from desc, id desc limit $6
"""


async def entries_at(
    raw: Raw, customer_id: str, model: str | None, *, valid_at: datetime, known_at: datetime
) -> list[HistoryEntry]:
    """What was believed at `known_at` to be the tier at `valid_at`, per model."""
    return [HistoryEntry(*row) for row in await raw.fetch(_AT, customer_id, model, valid_at, known_at)]


async def entries_page(
    raw: Raw,
    customer_id: str,
    model: str | None,
    *,
    known_at: datetime | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[HistoryEntry]:
    """A customer's entries, the latest first, as believed at `known_at` (None: all that were ever written)."""
    at, entry_id = before or (None, None)
    rows = await raw.fetch(_PAGE, customer_id, model, known_at, at, entry_id, limit)
    return [HistoryEntry(*row) for row in rows]
