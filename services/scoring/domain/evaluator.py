"""The one evaluator: from metrics to tiers, for one customer or for ten million, by the same expressions.

    compiled = compile_model(parse_model(document))      # parse_model: services.scoring.documents
    grades = evaluate(compiled, frame)

**Frame in.** `customer_id` (String) and the columns of the metrics in `compiled.metrics_needed`, as `Metric.columns`
names and types them (`services.scoring.domain.models.metrics`): counts, days, ratings and money (minor units of the
model's currency) Int64; ratios two Int64 columns `<key>.num` and `<key>.den`; categories String. A null, or a column
that is not there, is *not known*. `lifecycle_stage` may be given; where it is null or absent the model's own stage rule
derives it. Other columns are ignored; row order is kept.

**Frame out**, one row per row of the input:
`customer_id`; `state` (Enum `graded`, `insufficient_data`); `tier` (Enum) and `rank` (Int8, 1 = best) and
`service_class` (Enum), null unless graded; `score.num`, `score.den` (Int64, the exact score; null when no indicator
counts); `max_score.num`, `max_score.den`; `coverage.num`, `coverage.den` (known weight over whole weight);
`stage` (Enum, null if not known or not used); per indicator `band.<key>` (Enum, null = missing) and
`points.<key>.num`, `points.<key>.den` (null when missing); `rules` (String: keys of the rules that fired, comma
separated, strongest first; empty when none); `combination` (Int64: equal for rows of one model and profile exactly if
stage, bands and rules are all equal).
"""

from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class CompiledModel:
    """A model made ready to grade. `key`, `segment`, `priority`, `currency` and `zone` are the document's."""

    key: str
    metrics_needed: frozenset[str]
    segment: str | None
    priority: int
    currency: str
    zone: str
    profiles: tuple[str, ...]


def compile_model(model: Any) -> CompiledModel:
    """Make a parsed model ready; pure and repeatable, worth keeping per model version."""
    raise NotImplementedError


def evaluate(compiled: CompiledModel, frame: pl.DataFrame, *, profile: str | None = None) -> pl.DataFrame:
    """Grade every row (frames in and out: see the module). `profile` None is the model's default profile.

    Raises `UnknownProfile`, and `WrongColumn` naming a metric column whose type is not the catalogue's.
    """
    raise NotImplementedError
