"""Grading many customers by one model at once, and finding those for whom anything changed.

Everything is columns: only what changed becomes an object.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import polars as pl

from services.scoring.domain.evaluator import evaluate
from services.scoring.domain.evaluator_time import next_changes
from services.scoring.domain.models.metrics import METRICS
from services.scoring.domain.standing import Cause, Standing, Verdict, change
from services.scoring.store.models import ActiveModel
from services.scoring.store.standings import Entry

INSTANT: Final = pl.Datetime("us", "UTC")
STANDING_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "customer_id": pl.String,
    "model": pl.String,
    "old_version": pl.Int32,
    "old_state": pl.String,
    "old_tier": pl.String,
    "old_rank": pl.Int16,
    "old_class": pl.String,
    "graded_before": pl.Boolean,
    "effective_at": INSTANT,
    "old_next": INSTANT,
}
_NEXT_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {"customer_id": pl.String, "next": INSTANT}
_VERDICT: Final = ("state", "tier", "rank", "service_class")


@dataclass(frozen=True, slots=True)
class Timing:
    """From what it follows when customers have to be looked at again.

    `days` are local days of facts by zone. For customers in `whole` (None: all) they are all the days there are; for
    the others only those of the facts just added, which can bring the next look forward and never put it off. `ahead`
    are instants at which something already told takes effect.
    """

    days: Mapping[str, pl.DataFrame]
    whole: frozenset[str] | None
    ahead: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graded:
    """What one model makes of a batch: what changed, and whom to look at when."""

    entries: list[Entry]
    moved: dict[tuple[str, str], tuple[int, datetime | None]]


def sources_of(models: Iterable[ActiveModel]) -> frozenset[str]:
    """The sources whose days move the metrics of these models."""
    metrics = (METRICS[key] for model in models for key in model.compiled.metrics_needed)
    return frozenset(metric.source for metric in metrics if metric.source is not None)


def grade(
    model: ActiveModel,
    metrics: pl.DataFrame,
    standings: pl.DataFrame,
    *,
    timing: Timing,
    cause: Cause,
    now: datetime,
) -> Graded:
    """Grade the customers of `metrics` by `model` as of `now`.

    `standings` has the columns of STANDING_SCHEMA for all models; what this one said before is compared with what it
    says now.
    """
    bands = [f"band.{indicator.key}" for indicator in model.compiled.model.indicators]
    graded = evaluate(model.compiled, metrics).select(
        "customer_id",
        pl.col("state", "tier", "service_class").cast(pl.String),
        pl.col("rank").cast(pl.Int16),
        "score.num",
        "score.den",
        "max_score.num",
        "max_score.den",
        *bands,
    )
    mine = standings.filter(pl.col("model") == model.key).drop("model")
    table = _with_next(graded.join(mine, on="customer_id", how="left"), model, timing, now)
    is_new = pl.col("old_state").is_null()
    differs = (
        is_new
        | (pl.col("state") != pl.col("old_state"))
        | pl.col("tier").ne_missing(pl.col("old_tier"))
        | pl.col("service_class").ne_missing(pl.col("old_class"))
    )
    moves = ~differs & ((pl.col("old_version") != model.version) | pl.col("next").ne_missing(pl.col("old_next")))
    changed = table.filter(differs)
    entries = [_entry(model, row, bands, cause) for row in changed.iter_rows(named=True)]
    rows = table.filter(moves).select("customer_id", "next").iter_rows()
    return Graded(
        entries=[entry for entry in entries if entry is not None],
        moved={(customer_id, model.key): (model.version, instant) for customer_id, instant in rows},
    )


def _with_next(table: pl.DataFrame, model: ActiveModel, timing: Timing, now: datetime) -> pl.DataFrame:
    """The table with `next`: when each customer has to be looked at again."""
    days = timing.days.get(model.compiled.zone)
    parts = [pl.DataFrame(schema=_NEXT_SCHEMA)]
    if days is not None and days.height:
        found = next_changes(model.compiled, days, as_of=now)
        parts.append(found.select("customer_id", pl.col("next_change_at").alias("next")))
    if timing.ahead:
        columns = {"customer_id": list(timing.ahead), "next": list(timing.ahead.values())}
        parts.append(pl.DataFrame(columns, schema=_NEXT_SCHEMA))
    upcoming = pl.concat(parts)
    if len(parts) > 1 + bool(timing.ahead):
        upcoming = upcoming.group_by("customer_id").agg(pl.col("next").min())
    joined = table.join(upcoming, on="customer_id", how="left")
    if timing.whole is None:
        return joined
    sooner = pl.min_horizontal("next", "old_next")
    is_whole = pl.col("customer_id").is_in(pl.Series(sorted(timing.whole), dtype=pl.String).implode())
    return joined.with_columns(pl.when(is_whole).then(pl.col("next")).otherwise(sooner).alias("next"))


def _entry(model: ActiveModel, row: Mapping[str, Any], bands: Sequence[str], cause: Cause) -> Entry | None:
    after = Verdict(model.key, model.version, *(row[name] for name in _VERDICT))
    before = None
    if row["old_state"] is not None:
        old = Verdict(
            model.key, row["old_version"], row["old_state"], row["old_tier"], row["old_rank"], row["old_class"]
        )
        before = Standing(old, row["graded_before"], row["effective_at"], row["old_next"])
    found = change(before, after, cause=cause)
    if found is None:
        return None
    return Entry(
        customer_id=row["customer_id"],
        change=found,
        score=_fraction(row, "score"),
        max_score=_fraction(row, "max_score"),
        bands={name.removeprefix("band."): row[name] for name in bands},
        next_change_at=row["next"],
    )


def _fraction(row: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    return None if row[f"{name}.num"] is None else (row[f"{name}.num"], row[f"{name}.den"])
