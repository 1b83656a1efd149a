"""When time alone could move a band: the instant at which a silent customer has to be looked at again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import floor
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from services.scoring.domain.evaluator import CompiledModel
from services.scoring.domain.models.conditions import Bound, Compare, Condition, comparisons_of
from services.scoring.domain.models.metrics import METRICS, Age, Lags, Metric
from services.scoring.domain.models.model import ByCondition, ByEdges, Model

LATEST_DAY: Final = date(9998, 12, 31)
"""Nothing is planned beyond: a zone's midnight must still be an instant."""


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
    crossings = _crossings(compiled.model)
    candidates = [*_leaving_windows(crossings, days, today), *_growing_older(crossings, days, today)]
    upcoming = pl.concat(candidates) if candidates else pl.DataFrame()
    if upcoming.is_empty():
        return pl.DataFrame(schema={"customer_id": pl.String, "next_change_at": pl.Datetime("us", "UTC")})
    earliest = upcoming.group_by("customer_id").agg(pl.col("day").min())
    return earliest.select("customer_id", _midnights(earliest.get_column("day"), compiled.zone))


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


def _leaving_windows(
    crossings: dict[tuple[str, Age | None], tuple[int, ...]], days: pl.DataFrame, today: date
) -> Iterator[pl.DataFrame]:
    for (source, age), lags in crossings.items():
        if age is None:
            facts = days.filter(pl.col("source") == source, pl.col("day") >= today - timedelta(days=max(lags) - 1))
            yield from (_after(facts, lag, today) for lag in lags)


def _growing_older(
    crossings: dict[tuple[str, Age | None], tuple[int, ...]], days: pl.DataFrame, today: date
) -> Iterator[pl.DataFrame]:
    for (source, age), ages in crossings.items():
        if age is not None:
            facts = days.filter(pl.col("source") == source, pl.col("day") <= today)
            anchor = pl.col("day").max() if age.latest else pl.col("day").min()
            anchors = facts.group_by("customer_id").agg(anchor)
            yield from (_after(anchors, lag, today) for lag in ages)


def _after(facts: pl.DataFrame, lag: int, today: date) -> pl.DataFrame:
    """The days that lie `lag` after the facts', as far as they are still to come."""
    furthest = LATEST_DAY - timedelta(days=lag)
    moved = facts.filter(pl.col("day") <= furthest).select("customer_id", pl.col("day") + pl.duration(days=lag))
    return moved.filter(pl.col("day") > today)


def _midnights(days: pl.Series, zone: str) -> pl.Series:
    """The instant at which each day begins in the zone: with the clock change where that skips midnight."""
    unique = days.unique()
    starts = [datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in unique.to_list()]
    instants = pl.Series(starts, dtype=pl.Datetime("us", "UTC"))
    return days.replace_strict(unique, instants, return_dtype=pl.Datetime("us", "UTC")).alias("next_change_at")
