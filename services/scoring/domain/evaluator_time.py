"""When time alone could move a band: the instant at which a silent customer has to be looked at again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import floor
from typing import Final
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import polars as pl

from services.scoring.domain.evaluator import CompiledModel
from services.scoring.domain.models.conditions import Bound, Compare, Condition, comparisons_of
from services.scoring.domain.models.metrics import METRICS, Age, Lags, Metric
from services.scoring.domain.models.model import ByCondition, ByEdges, Model

LATEST_DAY: Final = date(9998, 12, 31)
"""Nothing is planned beyond: a zone's midnight must still be an instant."""
_plans: Final = WeakKeyDictionary[CompiledModel, "_Plan"]()


def next_changes(compiled: CompiledModel, days: pl.DataFrame, *, as_of: datetime) -> pl.DataFrame:
    """Per customer the earliest instant after `as_of` at which a window edge or an age could move a band.

    `days` is long: `customer_id` (String), `source` (String), `day` (Date, local in the model's zone), in any order,
    repeated rows harmless. Sources are those of the catalogue (`Metric.source`): `purchase` (a purchase day), `since`
    (the day from which the customer's age counts), `complaint`, `contact`, `opinion`, `survey`, `overdue` (due date of
    an unpaid invoice), `rating.<dimension>`. Days older than the longest window are harmless, except that ages count
    from the latest (or earliest) day of their source, which must be there.

    Answers `customer_id` (String), `next_change_at` (Datetime in UTC), one row for each customer for whom there is one.
    Never too late: between `as_of` and that instant no metric of the model crosses an edge by time alone. It may come
    early, when a fact leaves a window without moving a band.
    """
    today = as_of.astimezone(ZoneInfo(compiled.zone)).date()
    plan = _plan_of(compiled)
    facts = days.lazy().with_columns(lag=(pl.lit(today) - pl.col("day")).dt.total_days())
    latest = (
        facts.filter(plan.is_latest & (pl.col("lag") >= 0)).group_by("customer_id", "source").agg(pl.col("lag").min())
    )
    earliest = facts.filter(plan.is_earliest).group_by("customer_id", "source").agg(pl.col("lag").max())
    waits = [
        facts.select("customer_id", plan.leaving.alias("wait")),
        latest.select("customer_id", plan.growing_latest.alias("wait")),
        earliest.select("customer_id", plan.growing_earliest.alias("wait")),
    ]
    upcoming = pl.concat(waits).filter(pl.col("wait") <= (LATEST_DAY - today).days)
    found = upcoming.group_by("customer_id").agg(pl.col("wait").min()).collect()
    return found.select("customer_id", _midnights(found.get_column("wait"), today, compiled.zone))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Expressions over `source` and `lag` (whole local days since the fact): how many days until something may move."""

    leaving: pl.Expr
    is_latest: pl.Expr
    growing_latest: pl.Expr
    is_earliest: pl.Expr
    growing_earliest: pl.Expr


def _plan_of(compiled: CompiledModel) -> _Plan:
    plan = _plans.get(compiled)
    if plan is None:
        crossings = _crossings(compiled.model)
        windows = {source: days for (source, age), days in crossings.items() if age is None}
        latest = {source: days for (source, age), days in crossings.items() if age is not None and age.latest}
        earliest = {source: days for (source, age), days in crossings.items() if age is not None and not age.latest}
        # A day still to come is an event of its own for whatever counts from the latest day.
        leaving = windows | {source: tuple(sorted({0, *windows.get(source, ())})) for source in latest}
        plan = _Plan(_wait(leaving), _among(latest), _wait(latest), _among(earliest), _wait(earliest))
        _plans[compiled] = plan
    return plan


def _among(sources: Iterable[str]) -> pl.Expr:
    return pl.col("source").is_in(sorted(sources))


def _wait(crossings: Mapping[str, tuple[int, ...]]) -> pl.Expr:
    """Days until the next crossing of a fact's own source; null when all are behind it."""
    wait = pl.lit(None, dtype=pl.Int64)
    for source, ages in crossings.items():
        mine = pl.lit(None, dtype=pl.Int64)
        for age in reversed(ages):
            mine = pl.when(pl.col("lag") < age).then(age - pl.col("lag")).otherwise(mine)
        wait = pl.when(pl.col("source") == source).then(mine).otherwise(wait)
    return wait


def _crossings(model: Model) -> dict[tuple[str, Age | None], tuple[int, ...]]:
    """Per source, how many days after a fact's day something may happen: by window (None) and by kind of age."""
    found: dict[tuple[str, Age | None], set[int]] = {}
    for key in model.metrics:
        metric = METRICS[key]
        match metric.moves:
            case Lags() as lags if metric.source is not None:
                found.setdefault((metric.source, None), set()).update(lags.crossings)
            case Age() as age if metric.source is not None:
                found.setdefault((metric.source, age), set()).update(_ages(model, metric))
            case _:
                continue
    return {place: tuple(sorted(days)) for place, days in found.items()}


def _ages(model: Model, metric: Metric) -> Iterator[int]:
    """The ages in days at which a band, a condition or staleness may change its mind about this metric."""
    days_per_unit = Fraction(metric.scale[1], metric.scale[0])
    for value in _edges(model, metric.key):
        at = value * days_per_unit
        # On the edge and just past it: whichever side the edge belongs to, one of the two is the change.
        yield from (days for days in (-floor(-at), floor(at) + 1) if days > 0)
    for indicator in model.indicators:
        if indicator.stale is not None and indicator.stale.age == metric.key:
            yield indicator.stale.after_days + 1


def _edges(model: Model, metric: str) -> Iterator[Fraction]:
    conditions: list[Condition] = [rule.when for rule in model.rules]
    if model.stages is not None:
        conditions += [condition for condition, _ in model.stages.cases]
    for indicator in model.indicators:
        match indicator.banding:
            case ByEdges(cuts=cuts) if indicator.metric == metric:
                yield from (cut.at for cut in cuts)
            case ByCondition(cases=cases):
                conditions += [condition for condition, _ in cases]
            case _:
                continue
    for comparison in (found for condition in conditions for found in comparisons_of(condition)):
        yield from _compared(comparison, metric)


def _compared(comparison: Compare, metric: str) -> Iterator[Fraction]:
    if comparison.of is None and comparison.metric == metric:
        yield comparison.value
        if comparison.bound is Bound.EQUALS:
            yield comparison.value + 1


def _midnights(waits: pl.Series, today: date, zone: str) -> pl.Series:
    """The instant at which the day so many days ahead begins in the zone, even where a clock change skips midnight."""
    unique = waits.unique()
    days = [today + timedelta(days=wait) for wait in unique.to_list()]
    starts = [datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in days]
    dtype = pl.Datetime("us", "UTC")
    if waits.is_empty():  # replacing nothing keeps the type of what it was
        return pl.Series("next_change_at", [], dtype=dtype)
    return waits.replace_strict(unique, pl.Series(starts, dtype=dtype), return_dtype=dtype).alias("next_change_at")
