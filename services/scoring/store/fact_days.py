"""The days and instants from which it follows when time alone will move a customer's metrics."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import polars as pl

from services.scoring.store.metric_terms import (
    ANSWERS,
    COMPLAINTS,
    CONTACTS,
    IDS,
    MENTIONS,
    NAMED,
    RATED,
    TODAY,
    bought,
    local_day,
    parameters,
)
from services.scoring.store.raw import Raw
from shared.db.packing import pack

DAYS_SCHEMA: Final = {"customer_id": pl.String, "source": pl.String, "day": pl.Date}
LONGEST_DAYS: Final = 731
"""After so many days a fact has left every window, the one before the year's included."""

_RECENT: Final = f"{TODAY} - {LONGEST_DAYS}"
_DAYS: Final = {
    "purchase": f"""
        select distinct customer_id, 'purchase', {local_day("bought_at")} from bought where bought_at is not null
    """,
    "since": f"""
        select c.id, 'since', coalesce(c.since, b.first_day) from customer c
        left join (select customer_id, {local_day("min(bought_at)")} as first_day from bought group by customer_id) b
        on b.customer_id = c.id where c.id = any({IDS})
    """,
    "contact": f"select customer_id, 'contact', {local_day('at')} from ({CONTACTS}) r",
    "complaint": f"select customer_id, 'complaint', {local_day('received_at')} from ({COMPLAINTS}) r",
    "opinion": f"select customer_id, 'opinion', {local_day('published_at')} from ({MENTIONS}) r",
    "survey": f"select customer_id, 'survey', {local_day('answered_at')} from ({ANSWERS}) r",
    "rating": f"select customer_id, 'rating.' || dimension, {local_day('rated_at')} from ({RATED}) r",
}
_UNBOUNDED: Final = frozenset({"since", "rating"})
"""Ages that count from a day however long ago."""

_AHEAD: Final = f"""
select customer_id, min(at) as at from (
    select customer_id, placed_at as at from purchase where customer_id = any({IDS})
    union all select customer_id, refunded_at from refund where customer_id = any({IDS})
    union all select customer_id, at from interaction where customer_id = any({IDS})
    union all select customer_id, received_at from complaint where customer_id = any({IDS})
    union all select customer_id, withdrawn_at from complaint where customer_id = any({IDS})
    union all select customer_id, published_at from mention where customer_id = any({IDS})
    union all select customer_id, answered_at from survey_answer where customer_id = any({IDS})
    union all select customer_id, rated_at from rating where customer_id = any({IDS})
    union all select customer_id, valid_until from rating where customer_id = any({IDS})
) instants where at > $2 group by customer_id
"""


async def fact_days(
    raw: Raw, ids: Sequence[str], sources: Iterable[str], *, as_of: datetime, zone: str, currency: str
) -> pl.DataFrame:
    """The local days of these customers' facts, long: `customer_id`, `source`, `day`.

    Purchases include the last one, however long ago it was; of the other facts those that any window may still hold.
    """
    wanted = {"rating" if source.startswith("rating.") else source for source in sources}
    kinds = frozenset(kind for kind in wanted if kind in _DAYS)
    if not kinds:
        return pl.DataFrame(schema=DAYS_SCHEMA)
    rows = await raw.fetch(_statement(kinds), *parameters(ids, as_of, zone, currency, ()))
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pl.DataFrame(dict(zip(DAYS_SCHEMA, columns, strict=True)), schema=DAYS_SCHEMA)


@cache
def _statement(kinds: frozenset[str]) -> str:
    parts = []
    for kind in sorted(kinds):
        recent = (
            "day is not null" if kind in _UNBOUNDED else f"(day >= {_RECENT} or source = 'purchase' and day = last)"
        )
        parts.append(
            f"select customer_id, source, day from (select *, max(day) over (partition by customer_id, source) as last"
            f" from ({_DAYS[kind]}) as days (customer_id, source, day)) as days where {recent}"
        )
    return f"with {NAMED}, bought as ({bought(refunds=True)}) " + " union ".join(parts)


async def ahead(raw: Raw, ids: Sequence[str], *, as_of: datetime) -> dict[str, datetime]:
    """Per customer the next instant after `as_of` at which something already told takes effect or becomes invalid."""
    return {row["customer_id"]: row["at"] for row in await raw.fetch(_AHEAD, pack(ids), as_of)}
