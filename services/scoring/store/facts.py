"""Facts as they came: each stored once, for ever, by source and event id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.scoring.store.raw import Raw
from shared.contracts import CloudEvent
from shared.db.packing import pack, unpacked

# One look at the key for each, whatever the planner thinks of the table.
_SEEN = f"""
select arrived.at
from unnest({unpacked("$1")}, {unpacked("$2")}) with ordinality as arrived (source, event_id, at)
cross join lateral (
    select from fact where fact.source = arrived.source and fact.event_id = arrived.event_id limit 1
) as seen
"""
_COLUMNS = ("source", "event_id", "type", "customer_id", "occurred_at", "received_at", "body")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A fact as the timeline shows it."""

    source: str
    event_id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    body: str


async def unseen(raw: Raw, events: Sequence[CloudEvent]) -> list[int]:
    """Positions of the events that are not stored yet, in order; of repeats among them only the first."""
    first: dict[tuple[str, str], int] = {}
    for position, event in enumerate(events):
        first.setdefault((event.source, event.id), position)
    positions = list(first.values())
    rows = await raw.fetch(_SEEN, pack(source for source, _ in first), pack(event_id for _, event_id in first))
    seen = {positions[row[0] - 1] for row in rows}
    return [position for position in positions if position not in seen] if seen else positions


async def store(raw: Raw, facts: Sequence[tuple[CloudEvent, datetime]], *, received_at: datetime) -> None:
    """Store events with the instant at which each happened. They must be unseen: a repeat is an error of the caller."""
    await raw.copy_records_to_table(
        "fact",
        columns=_COLUMNS,
        records=[
            (e.source, e.id, e.type, e.subject, occurred_at, received_at, _encode(e.data).decode())
            for e, occurred_at in facts
        ],
    )


_PAGE = """
select source, event_id, type, occurred_at, received_at, body from fact
where customer_id = $1 and ($2::timestamptz is null or (occurred_at, source, event_id) < ($2, $3, $4))
  and ($5::text[] is null or type = any($5::text[]))
order by occurred_at desc, source desc, event_id desc limit $6
"""


async def page_of_customer(
    raw: Raw, customer_id: str, *, before: tuple[datetime, str, str] | None, types: Sequence[str] | None, limit: int
) -> list[StoredFact]:
    """A customer's facts, the latest first, beginning after the one named by `before`."""
    at, source, event_id = before or (None, None, None)
    rows = await raw.fetch(_PAGE, customer_id, at, source, event_id, types, limit)
    return [StoredFact(*row) for row in rows]
