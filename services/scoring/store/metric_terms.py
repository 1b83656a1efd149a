"""The words that metric definitions are written in: parameters, windows, money, and the rows of each source.

Parameters: $1 customer ids (packed), $2 `as_of`, $3 the model's zone, $4 its currency, $5 the local date of `as_of`,
and from $6 on the instants at which the windows begin.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from services.scoring.domain.civil import day_of, days_before, start_of_day
from services.scoring.domain.models.metrics import Lags
from shared.db.packing import pack, unpacked

IDS: Final = unpacked("$1")
AS_OF: Final = "$2::timestamptz"
ZONE: Final = "$3::text"
CURRENCY: Final = "$4::text"
TODAY: Final = "$5::date"
NAMED: Final = f"named as (select {AS_OF}, {ZONE}, {CURRENCY}, {TODAY})"
"""Names every parameter once, so that statements without a use for one of them take the same list; it is never read."""
RATE_DAYS: Final = 7
"""A day without a rate of its own takes the latest of the seven days up to it; without any there is a gap."""


class Windows:
    """Collects the beginnings of windows that a statement needs, and numbers them."""

    def __init__(self) -> None:
        self._lags: list[int] = []

    def start(self, lag: int) -> str:
        """The parameter that holds the instant at which the local day `lag` days ago began."""
        if lag not in self._lags:
            self._lags.append(lag)
        return f"${6 + self._lags.index(lag)}::timestamptz"

    def within(self, column: str, lags: Lags) -> str:
        """The condition that an instant lies in a window."""
        condition = f"{column} >= {self.start(lags.last)}"
        return condition if lags.first == 0 else f"{condition} and {column} < {self.start(lags.first - 1)}"

    @property
    def lags(self) -> tuple[int, ...]:
        return tuple(self._lags)


def parameters(ids: Iterable[str], as_of: datetime, zone: str, currency: str, lags: Iterable[int]) -> list[Any]:
    """The values of a statement's parameters."""
    today = day_of(as_of, zone)
    starts = [start_of_day(_lower_bound(days_before(today, lag)), zone) for lag in lags]
    return [pack(ids), as_of, zone, currency, today, *starts]


def _lower_bound(day: date) -> date:
    return max(day, date(1900, 1, 1))


def local_day(column: str) -> str:
    """The civil day of an instant in the model's zone."""
    return f"({column} at time zone {ZONE})::date"


def _money(amount: str) -> str:
    """Minor units of an order's currency as those of the model's, at the rate of the order's day; null without one."""
    day = local_day("p.placed_at")
    return f"""case when p.currency = {CURRENCY} then {amount} else round(({amount}) * (
        select x.factor from exchange_rate x where x.currency = p.currency and x.quote = {CURRENCY}
        and x.day <= {day} and x.day > {day} - {RATE_DAYS} order by x.day desc limit 1))::bigint end"""


def _unless_mixed(expression: str) -> str:
    """Null where a refund is not in the currency of its order: what is left of the order is then not known."""
    return f"case when r.lowest <> p.currency or r.highest <> p.currency then null else {expression} end"


_REFUNDED: Final = f"""
    select customer_id, order_id, sum(amount)::bigint as amount, min(currency) as lowest, max(currency) as highest
    from refund where customer_id = any({IDS}) and refunded_at <= {AS_OF} group by customer_id, order_id
"""
_NOTHING: Final = """
    select null::text as customer_id, null::text as order_id, null::bigint as amount, null::text as lowest,
           null::text as highest where false
"""
_BOUGHT: Final = f"""
    select p.customer_id, p.placed_at, p.quantity,
        case when p.amount > 0 and r.amount >= p.amount and r.lowest = p.currency and r.highest = p.currency
             then null else p.placed_at end as bought_at,
        {_unless_mixed(_money("p.amount - coalesce(r.amount, 0)"))} as net,
        {_unless_mixed(_money("p.amount - coalesce(r.amount, 0) - p.cost"))} as gross_margin,
        {_unless_mixed(_money("p.amount - coalesce(r.amount, 0) - p.net_cost"))} as net_margin,
        {_unless_mixed(_money("least(p.amount, coalesce(r.amount, 0))"))} as refunded
    from purchase p
    left join (%s) r on r.customer_id = p.customer_id and r.order_id = p.order_id
    where p.customer_id = any({IDS}) and p.placed_at <= {AS_OF} offset 0
"""


def bought(*, refunds: bool) -> str:
    """Orders placed so far: `bought_at` is null for one that was refunded in full, as if it had never been placed.

    Without `refunds` for customers who never had one: the same rows, without looking for refunds of each order.
    """
    return _BOUGHT % (_REFUNDED if refunds else _NOTHING)


HAVING_REFUNDS: Final = f"select distinct customer_id from refund where customer_id = any({IDS})"

GAPS: Final = f"""
    select customer_id, array_agg(gap order by gap) as gaps, count(*) as steps,
           count(*) filter (where gap <= 365) as soon
    from (
        select customer_id, day - lag(day) over (partition by customer_id order by day) as gap
        from (select distinct customer_id, {local_day("bought_at")} as day from bought where bought_at is not null) days
    ) steps where gap is not null group by customer_id
"""
"""Days between one purchase day and the next, over all time."""

CONTACTS: Final = f"select customer_id, at from interaction where customer_id = any({IDS}) and at <= {AS_OF}"
COMPLAINTS: Final = f"""
    select customer_id, received_at from complaint
    where customer_id = any({IDS}) and received_at <= {AS_OF} and (withdrawn_at is null or withdrawn_at > {AS_OF})
"""
MENTIONS: Final = f"""
    select customer_id, published_at, sentiment, reach from mention
    where customer_id = any({IDS}) and published_at <= {AS_OF}
"""
ANSWERS: Final = f"""
    select customer_id, answered_at, satisfaction from survey_answer
    where customer_id = any({IDS}) and answered_at <= {AS_OF}
"""
RATED: Final = f"""
    select distinct on (customer_id, dimension) customer_id, dimension, score, rated_at from rating
    where customer_id = any({IDS}) and rated_at <= {AS_OF} and (valid_until is null or valid_until > {AS_OF})
    order by customer_id, dimension, rated_at desc, source desc, event_id desc
"""
"""The latest rating on each dimension that is valid at `as_of`."""
