"""Cases that went up in others: which case goes on for them, and which of its matters were theirs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from services.crisis.store.rows import read


@dataclass(frozen=True, slots=True)
class Survivor:
    """The case that goes on for one that was merged, perhaps by way of others; it may be over itself by now."""

    case_id: str
    number: str
    customer_id: str
    status: str
    merged_number: str
    """The number of the case that went."""

    @property
    def link(self) -> dict[str, str]:
        """For people and programs that ask for the case that went."""
        return {"id": self.case_id, "number": self.number, "customer_id": self.customer_id}


_SURVIVORS: Final = """
with recursive went (id, number, into_id) as (
    select id, number, merged_into from crisis_case where id = any($1::text[]) and merged_into is not null
    union all
    select went.id, went.number, c.merged_into from went join crisis_case c on c.id = went.into_id
    where c.merged_into is not null
)
select went.id, went.number as merged_number, c.id as case_id, c.number, c.customer_id, c.status
from went join crisis_case c on c.id = went.into_id where c.merged_into is null
"""


async def survivors_of(raw: "asyncpg.Connection[asyncpg.Record]", case_ids: Collection[str]) -> Mapping[str, Survivor]:
    """The cases that go on for those of these that were merged; the rest are missing."""
    rows = await raw.fetch(_SURVIVORS, list(case_ids))
    return {row["id"]: Survivor(**{name: row[name] for name in Survivor.__slots__}) for row in rows}


async def absorbed_by(raw: "asyncpg.Connection[asyncpg.Record]", case_ids: Sequence[str]) -> list[str]:
    """The cases for which these go on."""
    rows = await raw.fetch(
        "with recursive went (id) as (select id from crisis_case where merged_into = any($1::text[])"
        " union all select c.id from went join crisis_case c on c.merged_into = went.id) select id from went",
        list(case_ids),
    )
    return [row["id"] for row in rows]


async def matters_that_came(
    raw: "asyncpg.Connection[asyncpg.Record]", case_id: str
) -> tuple[frozenset[str], frozenset[str]]:
    """What a merged case brought along: ids of matters that moved, and what those were about that both cases had."""
    said = await raw.fetch("select data from timeline where case_id = $1 and kind = 'case.merged'", case_id)
    moved = {id_ for row in said for id_ in read(row["data"]).get("matter_ids", ())}
    # What moved may have met its twin at a later merge.
    joined = await raw.fetch(
        "select dedup from matter where (case_id = $1 or id = any($2::text[])) and resolution = 'merged'",
        case_id,
        list(moved),
    )
    return frozenset(moved), frozenset(row["dedup"] for row in joined)
