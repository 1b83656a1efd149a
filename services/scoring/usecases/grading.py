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
from services.scoring.domain.standing import Cause, Verdict, change
from services.scoring.store.models import ActiveModel
from services.scoring.store.standings import Entry, Place, Reached

INSTANT: Final = pl.Datetime("us", "UTC")
Schema = dict[str, pl.DataType | type[pl.DataType]]
STANDING_SCHEMA: Final[Schema] = {
    "customer_id": pl.String,
    "model": pl.String,
    "old_version": pl.Int32,
    "old_state": pl.String,
    "old_tier": pl.String,
    "old_class": pl.String,
    "old_next": INSTANT,
}
_NEXT_SCHEMA: Final[Schema] = {"customer_id": pl.String, "next": INSTANT}
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
    """What one model makes of a batch: rows whose verdict changed, and whom to look at when."""

    model: ActiveModel
    changed: list[dict[str, Any]]
    moved: dict[Place, tuple[int, datetime | None]]

    @property
    def places(self) -> list[Place]:
        """Where there was another verdict before."""
        return [(row["customer_id"], self.model.key) for row in self.changed if row["old_state"] is not None]


def sources_of(models: Iterable[ActiveModel]) -> frozenset[str]:
    """The sources whose days move the metrics of these models."""
    metrics = (METRICS[key] for model in models for key in model.compiled.metrics_needed)
    return frozenset(metric.source for metric in metrics if metric.source is not None)


def standing_frame(columns: Sequence[Sequence[object]]) -> pl.DataFrame:
    """The standings of a batch, from columns in the order of STANDING_SCHEMA."""
    named = zip(STANDING_SCHEMA.items(), columns, strict=True)
    return pl.DataFrame([pl.Series(name, values, dtype=dtype) for (name, dtype), values in named])


def grade(
    model: ActiveModel, metrics: pl.DataFrame, standings: pl.DataFrame, *, timing: Timing, now: datetime
) -> Graded:
    """Grade the customers of `metrics` by `model` as of `now` and compare with what it said before."""
    graded = evaluate(model.compiled, metrics).select(
        "customer_id",
        pl.col("state", "tier", "service_class").cast(pl.String),
        "rank",
        "score.num",
        "score.den",
        "max_score.num",
        "max_score.den",
        *(f"band.{indicator.key}" for indicator in model.compiled.model.indicators),
    )
    mine = standings.filter(pl.col("model") == model.key).drop("model")
    table = _with_next(graded.join(mine, on="customer_id", how="left"), model, timing, now)
    differs = (
        pl.col("state").ne_missing(pl.col("old_state"))
        | pl.col("tier").ne_missing(pl.col("old_tier"))
        | pl.col("service_class").ne_missing(pl.col("old_class"))
    )
    put_off = pl.col("next").ne_missing(pl.col("old_next"))
    moves = ~differs & ((pl.col("old_version") != model.version) | put_off)
    moved = table.filter(moves).select("customer_id", "next").iter_rows()
    return Graded(
        model,
        changed=table.filter(differs).to_dicts(),
        moved={(customer_id, model.key): (model.version, instant) for customer_id, instant in moved},
    )


def entries_of(graded: Graded, before: Mapping[Place, Reached], *, causes: tuple[Cause, Cause]) -> list[Entry]:
    """The history entries of what changed; `before` is how the verdicts in `graded.places` were reached.

    `causes` are those of a change and of a first grading.
    """
    model = graded.model
    entries = []
    for row in graded.changed:
        after = Verdict(model.key, model.version, *(row[name] for name in _VERDICT))
        old = before.get((row["customer_id"], model.key))
        found = change(old.standing if old else None, after, cause=causes[0] if old else causes[1])
        if found is not None:
            entries.append(
                Entry(
                    customer_id=row["customer_id"],
                    change=found,
                    score=_fraction(row, "score"),
                    max_score=_fraction(row, "max_score"),
                    bands={name[5:]: band for name, band in row.items() if name[:5] == "band."},
                    bands_before=old.bands if old else {},
                    next_change_at=row["next"],
                    replaces=old.history_id if old else None,
                )
            )
    return entries


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
    if timing.ahead:
        upcoming = upcoming.group_by("customer_id").agg(pl.col("next").min())
    joined = table.join(upcoming, on="customer_id", how="left")
    if timing.whole is None:
        return joined
    sooner = pl.min_horizontal("next", "old_next")
    if timing.whole:
        is_whole = pl.col("customer_id").is_in(sorted(timing.whole))
        sooner = pl.when(is_whole).then(pl.col("next")).otherwise(sooner)
    return joined.with_columns(sooner.alias("next"))


def _fraction(row: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    return None if row[f"{name}.num"] is None else (row[f"{name}.num"], row[f"{name}.den"])
