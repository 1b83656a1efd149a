"""Reading customers: one, and lists of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from services.scoring.domain.names import comparable, grams
from services.scoring.store.raw import Raw


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as it is read. `details` holds what has no column; `tiers` the tier of each model that gave one."""

    id: str
    name: str | None
    segment: str | None
    region: str | None
    account_manager: str | None
    industry: str | None
    size: str | None
    since: date | None
    parent_customer_id: str | None
    payment_terms_days: int | None
    details: Mapping[str, Any]
    service_class: str
    service_class_source: str
    primary_model: str | None
    tiers: Mapping[str, str]
    published: Mapping[str, Any]
    first_seen_at: datetime
    revision: int
    version: int


_SELECT: Final = """
select c.id, c.name, c.segment, c.region, c.account_manager, c.industry, c.size, c.since, c.parent_customer_id,
       c.payment_terms_days, c.details::text, t.service_class, t.service_class_source, t.primary_model,
       (select coalesce(jsonb_object_agg(s.model, s.tier) filter (where s.tier is not null), '{}')::text
        from standing s where s.customer_id = c.id),
       coalesce(t.published, '{}'), c.first_seen_at, c.revision, t.version
from customer c join customer_state t on t.customer_id = c.id
"""


async def find(raw: Raw, customer_id: str) -> CustomerRow | None:
    """One customer."""
    row = await raw.fetchrow(f"{_SELECT} where c.id = $1", customer_id)
    return None if row is None else _row(row)


@dataclass(frozen=True, slots=True)
class Search:
    """What customers are wanted; None is no condition. `text` is found inside the name, or the id begins with it."""

    text: str | None = None
    segment: str | None = None
    region: str | None = None
    account_manager: str | None = None
    service_class: str | None = None
    model: str | None = None
    tier: str | None = None


async def search(raw: Raw, wanted: Search, *, after: str | None, limit: int) -> list[CustomerRow]:
    """Customers in the order of their ids, beginning after `after`."""
    conditions: list[str] = []
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    for column, table in (("segment", "c"), ("region", "c"), ("account_manager", "c"), ("service_class", "t")):
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(f"{table}.{column} = {bind(value)}")
    if wanted.text:
        name = comparable(wanted.text)
        pieces, inside = bind(sorted(grams(name))), bind(f"%{_literal(name)}%")
        id_ = bind(f"{_literal(wanted.text.strip())}%")
        conditions.append(f"(c.name_grams @> {pieces} and c.search_name like {inside} or c.id like {id_})")
    if wanted.tier is not None or wanted.model is not None:
        tier = "" if wanted.tier is None else f" and g.tier = {bind(wanted.tier)}"
        model = "t.primary_model" if wanted.model is None else bind(wanted.model)
        graded = f"select from standing g where g.customer_id = c.id and g.model = {model}{tier} and g.tier is not null"
        conditions.append(f"exists ({graded})")
    if after is not None:
        conditions.append(f"c.id > {bind(after)}")
    where = f"where {' and '.join(conditions)}" if conditions else ""
    rows = await raw.fetch(f"{_SELECT} {where} order by c.id limit {bind(limit)}", *values)
    return [_row(row) for row in rows]


def _literal(text: str) -> str:
    """A text as a piece of a `like` pattern that means itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row(row: Iterable[Any]) -> CustomerRow:
    values = list(row)
    for place in (10, 14, 15):
        values[place] = orjson.loads(values[place])
    return CustomerRow(*values)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A fact or a tier change. `key` tells rows of one instant apart; `data` is JSON text."""

    at: datetime
    recorded_at: datetime
    key: str
    kind: str
    actor: str
    data: str


_TIMELINE: Final = """
select * from (
    (select occurred_at as at, received_at as recorded_at, 'f' || source || E'\\x1f' || event_id as key, type as kind,
            source as actor, body as data
     from fact where customer_id = $1 and ($2::timestamptz is null or occurred_at <= $2)
       and ($2 is null or (occurred_at, 'f' || source || E'\\x1f' || event_id) < ($2, $3::text))
       and ($4::text is null or type = $4)
     order by occurred_at desc, 'f' || source || E'\\x1f' || event_id desc limit $5)
    union all
    (select valid_from, recorded_at, 't' || lpad(id::text, 20, '0'), 'tier.changed', model,
            json_build_object('model', model, 'model_version', model_version, 'from_tier', from_tier, 'to_tier', tier,
                              'direction', direction, 'cause', cause, 'service_class', service_class,
                              'state', state)::text
     from tier_history where customer_id = $1 and superseded_at = 'infinity'
       and ($2::timestamptz is null or valid_from <= $2)
       and ($2 is null or (valid_from, 't' || lpad(id::text, 20, '0')) < ($2, $3::text))
       and ($4::text is null or $4 = 'tier.changed')
     order by valid_from desc, 't' || lpad(id::text, 20, '0') desc limit $5)
) entries order by at desc, key desc limit $5
"""


async def timeline(
    raw: Raw, customer_id: str, *, kind: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[TimelineRow]:
    """What is known of a customer, the latest first: facts by when they happened, tiers by when they began to hold."""
    at, key = before or (None, None)
    return [TimelineRow(*row) for row in await raw.fetch(_TIMELINE, customer_id, at, key, kind, limit)]
