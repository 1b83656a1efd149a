"""Each metric as SQL, once: the hot path, recomputes, sweeps and `GET …/metrics` all read these definitions.

A definition aggregates the rows of one source per customer. `columns` are the metric's columns as the catalogue names
them; `facts` counts the facts behind the value, `gaps` those that could not be read (an order without exchange rate),
on account of which the value is null and not a number too small.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from services.scoring.domain.models.metrics import METRICS, RATINGS, Lags
from services.scoring.store.metric_terms import TODAY, Windows, local_day

SourceName = Literal["bought", "gaps", "contacts", "complaints", "mentions", "answers", "rated"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A metric's SQL. `columns` are aggregates over the source, `finals` what comes of them beside the customer `c`."""

    source: SourceName
    columns: Mapping[str, str]
    facts: str
    gaps: str | None = None
    finals: Mapping[str, str] | None = None


Definition = Callable[[Windows], Aggregate]


def _lags(key: str) -> Lags:
    moves = METRICS[key].moves
    assert isinstance(moves, Lags), f"{key} has no window"
    return moves


def _purchases(key: str) -> Definition:
    def define(windows: Windows) -> Aggregate:
        inside = windows.within("bought_at", _lags(key))
        count = f"count(*) filter (where {inside})"
        return Aggregate("bought", {key: count}, facts=count)

    return define


def _money(key: str, column: str, at: str = "bought_at") -> Definition:
    """A sum of money; null as soon as one order in the window cannot be told in the model's currency."""

    def define(windows: Windows) -> Aggregate:
        inside = windows.within(at, _lags(key))
        gaps = f"count(*) filter (where {inside} and {column} is null)"
        total = f"coalesce(sum({column}) filter (where {inside}), 0)::bigint"
        return Aggregate(
            "bought",
            {key: f"case when {gaps} = 0 then {total} end"},
            facts=f"count(*) filter (where {inside})",
            gaps=gaps,
        )

    return define


def _quantity(key: str) -> Definition:
    def define(windows: Windows) -> Aggregate:
        inside = windows.within("bought_at", _lags(key))
        gaps = f"count(*) filter (where {inside} and quantity is null)"
        total = f"coalesce(sum(quantity) filter (where {inside}), 0)::bigint"
        return Aggregate(
            "bought",
            {f"{key}.num": f"case when {gaps} = 0 then {total} end", f"{key}.den": "1000000::bigint"},
            facts=f"count(*) filter (where {inside})",
            gaps=gaps,
        )

    return define


def _counted(key: str, source: SourceName, column: str, *, none_is_zero: bool) -> Definition:
    def define(windows: Windows) -> Aggregate:
        count = f"count(*) filter (where {windows.within(column, _lags(key))})"
        finals = {key: f'coalesce({source}."{key}", 0)'} if none_is_zero else None
        return Aggregate(source, {key: count}, facts=count, finals=finals)

    return define


def _mean(key: str, source: SourceName, column: str, *, total: str, weight: str) -> Definition:
    """A weighted mean as an exact fraction; null without any fact in the window."""

    def define(windows: Windows) -> Aggregate:
        inside = windows.within(column, _lags(key))
        return Aggregate(
            source,
            {
                f"{key}.num": f"sum({total}) filter (where {inside})::bigint",
                f"{key}.den": f"nullif(sum({weight}) filter (where {inside}), 0)::bigint",
            },
            facts=f"count(*) filter (where {inside})",
        )

    return define


def _last_purchase(_: Windows) -> Aggregate:
    return Aggregate(
        "bought",
        {"days_since_last_purchase": f"{TODAY} - {local_day('max(bought_at)')}"},
        facts="count(bought_at)",
    )


def _age(columns: Mapping[str, str]) -> Definition:
    """Counted from the profile's `since`, else from the day of the first order."""
    first = local_day("min(bought_at)")

    def define(_: Windows) -> Aggregate:
        days = f"({TODAY} - coalesce(c.since, bought.first_day))"
        age = f"(case when {days} < 0 then 0 else {days} end)"
        return Aggregate(
            "bought",
            {"first_day": first},
            facts="count(bought_at)",
            finals={name: expression.format(age=age) for name, expression in columns.items()},
        )

    return define


def _quantile(key: str, numerator: int, denominator: int) -> Definition:
    """A quantile of the gaps by linear interpolation between neighbours, as an exact fraction."""

    def define(_: Windows) -> Aggregate:
        place = f"({numerator} * (gaps.steps - 1))"
        low = f"gaps.gaps[{place} / {denominator} + 1]"
        high = f"coalesce(gaps.gaps[{place} / {denominator} + 2], {low})"
        return Aggregate(
            "gaps",
            {},
            facts="gaps.steps",
            finals={
                f"{key}.num": f"({denominator} * {low} + ({high} - {low}) * ({place} % {denominator}))::bigint",
                f"{key}.den": f"case when gaps.steps is not null then {denominator}::bigint end",
            },
        )

    return define


def _repurchase(_: Windows) -> Aggregate:
    return Aggregate(
        "gaps",
        {},
        facts="gaps.steps",
        finals={"repurchase_rate.num": "gaps.soon::bigint", "repurchase_rate.den": "gaps.steps::bigint"},
    )


def _rating(dimension: str, *, age: bool) -> Definition:
    key = f"rating.{dimension}.age_days" if age else f"rating.{dimension}"
    value = f"{TODAY} - {local_day('rated_at')}" if age else "score"

    def define(_: Windows) -> Aggregate:
        mine = f"filter (where dimension = '{dimension}')"
        return Aggregate("rated", {key: f"max({value}) {mine}"}, facts=f"count(*) {mine}")

    return define


DEFINITIONS: Final[Mapping[str, Definition]] = MappingProxyType(
    {
        "days_since_last_purchase": _last_purchase,
        "customer_age_days": _age({"customer_age_days": "{age}"}),
        "tenure_years": _age({"tenure_years.num": "({age} * 4)::bigint", "tenure_years.den": "1461::bigint"}),
        **{key: _purchases(key) for key in METRICS if key.startswith("purchases_")},
        **{key: _money(key, "net") for key in METRICS if key.startswith("spend_")},
        "refunds_365d": _money("refunds_365d", "refunded", at="placed_at"),
        "gross_margin_365d": _money("gross_margin_365d", "gross_margin"),
        "net_margin_365d": _money("net_margin_365d", "net_margin"),
        "quantity_90d": _quantity("quantity_90d"),
        "quantity_90d_prev": _quantity("quantity_90d_prev"),
        "purchase_gap_days_median": _quantile("purchase_gap_days_median", 1, 2),
        "purchase_gap_days_p95": _quantile("purchase_gap_days_p95", 19, 20),
        "repurchase_rate": _repurchase,
        "contacts_90d": _counted("contacts_90d", "contacts", "at", none_is_zero=False),
        "complaints_30d": _counted("complaints_30d", "complaints", "received_at", none_is_zero=True),
        "complaints_365d": _counted("complaints_365d", "complaints", "received_at", none_is_zero=True),
        "satisfaction_mean_365d": _mean(
            "satisfaction_mean_365d", "answers", "answered_at", total="satisfaction", weight="1800000"
        ),
        "opinion_reach_weighted_30d": _mean(
            "opinion_reach_weighted_30d",
            "mentions",
            "published_at",
            total="sentiment::bigint * reach",
            weight="1000000::bigint * reach",
        ),
        **{f"rating.{dimension}": _rating(dimension, age=False) for dimension in RATINGS},
        **{f"rating.{dimension}.age_days": _rating(dimension, age=True) for dimension in RATINGS},
    }
)
"""The metrics that are computed; the others of the catalogue are not known yet."""
