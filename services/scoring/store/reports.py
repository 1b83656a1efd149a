"""Reports over all customers, one statement each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.scoring.store.raw import Raw


@dataclass(frozen=True, slots=True)
class TierCount:
    """Customers in one tier; tier, rank and class are None for those with too little data."""

    tier: str | None
    rank: int | None
    service_class: str | None
    customers: int


_DISTRIBUTION: Final = """
select s.tier, s.rank, s.service_class, count(*) from standing s
where s.model = $1
  and ($2::text is null or exists (
      select from customer_state c where c.customer_id = s.customer_id and c.segment = $2))
group by s.tier, s.rank, s.service_class order by s.rank nulls last, s.tier
"""


async def distribution(raw: Raw, model: str, *, segment: str | None) -> list[TierCount]:
    """How many customers are in each tier of a model now, the best first."""
    return [TierCount(*row) for row in await raw.fetch(_DISTRIBUTION, model, segment)]


async def service_classes(raw: Raw, *, segment: str | None) -> dict[str, int]:
    """How many customers have each service class now."""
    rows = await raw.fetch(
        "select service_class, count(*) from customer_state where $1::text is null or segment = $1"
        " group by service_class order by service_class",
        segment,
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class Moves:
    """Customers who were in one tier and are in another; None is no tier."""

    from_tier: str | None
    to_tier: str | None
    customers: int


_MIGRATION: Final = """
with before as (
    select customer_id, tier from tier_history
    where model = $1 and valid_from <= $2 and valid_to > $2 and superseded_at = 'infinity'
), after as (
    select customer_id, tier from tier_history
    where model = $1 and valid_from <= $3 and valid_to > $3 and superseded_at = 'infinity'
)
select before.tier, after.tier, count(*) from before full join after using (customer_id)
group by before.tier, after.tier order by before.tier nulls last, after.tier nulls last
"""


async def migration(raw: Raw, model: str, *, start: datetime, end: datetime) -> list[Moves]:
    """Between which tiers of a model customers moved from one instant to another, those who stayed included."""
    return [Moves(*row) for row in await raw.fetch(_MIGRATION, model, start, end)]


_CAUSES: Final = """
select direction, cause, count(*) from tier_history
where model = $1 and valid_from > $2 and valid_from <= $3 and superseded_at = 'infinity' and direction is not null
group by direction, cause order by direction, cause
"""


async def changes(raw: Raw, model: str, *, start: datetime, end: datetime) -> list[tuple[str, str, int]]:
    """How many changes there were between two instants, by direction and cause."""
    return [(row[0], row[1], row[2]) for row in await raw.fetch(_CAUSES, model, start, end)]
