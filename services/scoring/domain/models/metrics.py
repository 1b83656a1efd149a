"""The metrics that a model may use: what kind of value each one is, and how time alone changes it.

One table for everybody: the builder of metrics takes its windows from here, the model checks its bands against it, and
the sweep reads from it when a customer who says nothing has to be looked at again.

A window of n days is the n local days before `as_of`'s date and that day up to `as_of`. A local day has a *lag*: how
many days it lies before `as_of`'s date (today is 0). The window is then the lags 0…n, and the equal window before it is
the lags n+1…2n.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What a metric's value is, and so how it travels in a frame. Nothing is ever a float."""

    COUNT = "count"
    """Whole number: one Int64 column named by the metric's key."""
    DAYS = "days"
    """Whole number of days: one Int64 column."""
    RATING = "rating"
    """Whole number from one (worst or least) to five (best or most): one Int64 column."""
    MONEY = "money"
    """Minor units of the model's currency: one Int64 column."""
    RATIO = "ratio"
    """Exact fraction: two Int64 columns, `<key>.num` and `<key>.den`, with den > 0; null when either is null."""
    CATEGORY = "category"
    """One of the metric's `categories`: one String (or Enum) column."""


@dataclass(frozen=True, slots=True)
class Lags:
    """A window as lags in whole local days, both ends included."""

    first: int
    last: int

    @property
    def crossings(self) -> tuple[int, ...]:
        """How many days after its own day a fact enters and leaves this window."""
        return (self.first, self.last + 1)


@dataclass(frozen=True, slots=True)
class Age:
    """A metric that counts the local days since a fact: since the latest or the earliest of its source."""

    latest: bool


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    `source` names the facts whose local days move the metric as time passes; `moves` says how. A metric without `moves`
    changes with new facts only. `scale` is (p, q) when the value is p/q per day of age.
    """

    key: str
    kind: Kind
    source: str | None = None
    moves: Lags | Age | None = None
    scale: tuple[int, int] = (1, 1)
    categories: tuple[str, ...] = ()
    least: int | None = 0
    most: int | None = None
    """What a value may be at least and at most, in the metric's unit; None is no limit."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in which it travels."""
        return (f"{self.key}.num", f"{self.key}.den") if self.kind is Kind.RATIO else (self.key,)


def window(days: int) -> Lags:
    """The window of n days: n local days before the date, and the date itself."""
    return Lags(0, days)


def window_before(days: int) -> Lags:
    """The equal window before `window(days)`: the n local days that lie before its first."""
    return Lags(days + 1, 2 * days)


STAGE: Final = "lifecycle_stage"
STAGES: Final = ("new", "growing", "mature", "declining", "lost")
RATINGS: Final = (
    "influence",
    "willingness_to_pay",
    "personalisation",
    "strategic_value",
    "word_of_mouth",
    "cooperation",
    "industry_outlook",
    "market_position",
    "ability_to_pay",
    "compliance",
    "stability",
    "growth_potential",
)
LATEST: Final = Age(latest=True)
EARLIEST: Final = Age(latest=False)
DAYS_PER_YEAR: Final = (4, 1461)
"""Years per day, exactly: a year is 365.25 days."""


def _catalogue() -> dict[str, Metric]:
    bought, overdue = "purchase", "overdue"
    metrics = [
        Metric("days_since_last_purchase", Kind.DAYS, bought, LATEST),
        Metric("customer_age_days", Kind.DAYS, "since", EARLIEST),
        Metric("tenure_years", Kind.RATIO, "since", EARLIEST, scale=DAYS_PER_YEAR),
        Metric("purchases_30d", Kind.COUNT, bought, window(30)),
        Metric("purchases_90d", Kind.COUNT, bought, window(90)),
        Metric("purchases_90d_prev", Kind.COUNT, bought, window_before(90)),
        Metric("purchases_365d", Kind.COUNT, bought, window(365)),
        Metric("spend_90d", Kind.MONEY, bought, window(90)),
        Metric("spend_90d_prev", Kind.MONEY, bought, window_before(90)),
        Metric("spend_365d", Kind.MONEY, bought, window(365)),
        Metric("spend_365d_prev", Kind.MONEY, bought, window_before(365)),
        Metric("refunds_365d", Kind.MONEY, bought, window(365)),
        Metric("gross_margin_365d", Kind.MONEY, bought, window(365), least=None),
        Metric("net_margin_365d", Kind.MONEY, bought, window(365), least=None),
        Metric("purchase_gap_days_median", Kind.RATIO),
        Metric("purchase_gap_days_p95", Kind.RATIO),
        Metric("quantity_90d", Kind.RATIO, bought, window(90)),
        Metric("quantity_90d_prev", Kind.RATIO, bought, window_before(90)),
        Metric("repurchase_rate", Kind.RATIO, most=1),
        Metric("overdue_days_max", Kind.DAYS, overdue, EARLIEST),
        Metric("overdue_amount", Kind.MONEY, overdue, Lags(1, 1)),
        Metric("days_to_pay_mean", Kind.RATIO),
        Metric("credit_utilisation", Kind.RATIO),
        Metric("complaints_30d", Kind.COUNT, "complaint", window(30)),
        Metric("complaints_365d", Kind.COUNT, "complaint", window(365)),
        Metric("satisfaction_mean_365d", Kind.RATIO, "survey", window(365), most=1),
        Metric("opinion_reach_weighted_30d", Kind.RATIO, "opinion", window(30), least=-1, most=1),
        Metric("contacts_90d", Kind.COUNT, "contact", window(90)),
        Metric(STAGE, Kind.CATEGORY, categories=STAGES),
    ]
    for dimension in RATINGS:
        metrics.append(Metric(f"rating.{dimension}", Kind.RATING, least=1, most=5))
        metrics.append(Metric(f"rating.{dimension}.age_days", Kind.DAYS, f"rating.{dimension}", LATEST))
    return {metric.key: metric for metric in metrics}


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(_catalogue())
"""Every metric by key. `overdue` days are the due dates of invoices not yet paid."""
