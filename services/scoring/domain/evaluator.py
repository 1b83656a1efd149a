"""The one evaluator: from metrics to tiers, for one customer or for ten million, by the same expressions.

    compiled = compile_model(parse_model(document))      # parse_model: services.scoring.documents
    grades = evaluate(compiled, frame)

**Frame in.** `customer_id` (String) and the columns of the metrics in `compiled.metrics_needed`, as `Metric.columns`
names and types them (`services.scoring.domain.models.metrics`): counts, days, ratings and money (minor units of the
model's currency) Int64; ratios two Int64 columns `<key>.num` and `<key>.den`; categories String. A null, or a column
that is not there, is *not known*. `lifecycle_stage` may be given; where it is null or absent the model's own stage rule
derives it. Other columns are ignored; row order is kept.

**Frame out**, one row per row of the input:
`customer_id`; `state` (Enum `graded`, `insufficient_data`); `tier` (Enum), `rank` (Int8, 1 = best), `service_class`
(Enum) and the exact score `score.num`, `score.den` (Int64), all null unless graded; `max_score.num`, `max_score.den`;
`coverage.num`, `coverage.den` (known weight over whole weight); `stage` (Enum, null if not known or not used); per
indicator `band.<key>` (Enum, null = missing) and `points.<key>.num`, `points.<key>.den` (null where it does not count);
`rules` (String: keys of the rules that fired, strongest first, comma separated; empty when none); `combination` (Int64:
equal for two rows under one model version and profile exactly if stage, bands and fired rules are all equal).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from services.scoring.domain import evaluator_expressions as expressions
from services.scoring.domain.evaluator_outcomes import OutcomeTable
from services.scoring.domain.models.conditions import metrics_of
from services.scoring.domain.models.decision import Outcome
from services.scoring.domain.models.metrics import METRICS, STAGE, STAGES, Kind
from services.scoring.domain.models.model import Model


class UnknownProfile(LookupError):  # noqa: N818 - the domain's own word
    """The model has no profile of this name."""


class WrongColumn(TypeError):  # noqa: N818 - the domain's own word
    """A column of the frame does not have the type that the metric catalogue gives it."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """How a combination becomes one number: mixed radix over the stage, the bands and the rules, in this order."""

    radixes: tuple[int, ...]

    @property
    def size(self) -> int:
        size = 1
        for radix in self.radixes:
            size *= radix
        return size

    def expression(self, digits: list[pl.Expr]) -> pl.Expr:
        dtype = pl.Int32 if self.size < 1 << 31 else pl.Int64
        number: pl.Expr | None = None
        for digit, radix in zip(digits, self.radixes, strict=True):
            wide = digit.cast(dtype)
            number = wide if number is None else number * radix + wide
        return (pl.lit(0, dtype=dtype) if number is None else number).alias("combination")


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A model made ready to grade; keep one per model version. Safe to share between threads."""

    model: Model
    metrics_needed: frozenset[str]
    numbering: Numbering
    number: pl.Expr = field(repr=False)
    number_given_stage: pl.Expr = field(repr=False)
    stage_column: pl.Expr | None = field(repr=False)
    """The stage as a column, for models that ask for it outside the tiers."""
    _outcomes: Mapping[str, OutcomeTable] = field(repr=False)

    @property
    def key(self) -> str:
        return self.model.key

    @property
    def segment(self) -> str | None:
        return self.model.segment

    @property
    def priority(self) -> int:
        return self.model.priority

    @property
    def currency(self) -> str:
        return self.model.currency

    @property
    def zone(self) -> str:
        return self.model.zone

    @property
    def profiles(self) -> tuple[str, ...]:
        return tuple(self.model.profiles)

    def outcomes(self, profile: str | None) -> OutcomeTable:
        """The decisions under one profile's weights; None is the model's default. Raises `UnknownProfile`."""
        chosen = profile or self.model.default_profile
        try:
            return self._outcomes[chosen]
        except KeyError:
            raise UnknownProfile(f"{self.key} has no profile {chosen!r}") from None

    def outcome(self, combination: int, *, profile: str | None = None) -> Outcome:
        """The whole decision behind a row's `combination`."""
        return self.outcomes(profile).outcome(combination)


def compile_model(model: Model) -> CompiledModel:
    """Make a parsed model ready; pure and repeatable. Costs about a millisecond."""
    bands = [expressions.band_digit(indicator) for indicator in model.indicators]
    rules = [expressions.condition(rule.when).fill_null(value=False) for rule in model.rules]
    radixes = [len(indicator.bands) + 1 for indicator in model.indicators] + [2] * len(rules)
    derived = given = [*bands, *rules]
    if model.stages is not None:
        derived = [expressions.stage_digit(model.stages, STAGES, given=False), *derived]
        given = [expressions.stage_digit(model.stages, STAGES, given=True), *given]
        radixes = [len(STAGES) + 1, *radixes]
    numbering = Numbering(tuple(radixes))
    return CompiledModel(
        model=model,
        metrics_needed=model.metrics,
        numbering=numbering,
        number=numbering.expression(derived),
        number_given_stage=numbering.expression(given),
        stage_column=_stage_column(model),
        _outcomes={profile: OutcomeTable(model, profile, numbering.radixes) for profile in model.profiles},
    )


def evaluate(compiled: CompiledModel, frame: pl.DataFrame, *, profile: str | None = None) -> pl.DataFrame:
    """Grade every row (frames in and out: see the module). `profile` None is the model's default profile.

    Raises `UnknownProfile`, and `WrongColumn` naming a metric column whose type is not the catalogue's.
    """
    outcomes = compiled.outcomes(profile)
    mended = _mended_columns(compiled, frame)
    metrics = frame.with_columns(mended) if mended else frame
    if compiled.stage_column is not None:
        metrics = metrics.with_columns(compiled.stage_column)
    stage_is_told = compiled.stage_column is not None or STAGE in frame.columns
    number = compiled.number_given_stage if stage_is_told else compiled.number
    combinations = metrics.with_columns(number).get_column("combination")
    return outcomes.look_up(combinations).insert_column(0, frame.get_column("customer_id"))


def _stage_column(model: Model) -> pl.Expr | None:
    asked = {metric for indicator in model.indicators for metric in indicator.metrics}
    asked |= {metric for rule in model.rules for metric in metrics_of(rule.when)}
    if model.stages is None or STAGE not in asked:
        return None
    digit = expressions.stage_digit(model.stages, STAGES, given=True)
    stage = pl.lit(None, dtype=pl.String)
    for place, name in enumerate(STAGES, start=1):
        stage = pl.when(digit == place).then(pl.lit(name)).otherwise(stage)
    return stage.alias(STAGE)


def _mended_columns(compiled: CompiledModel, frame: pl.DataFrame) -> list[pl.Expr]:
    """The needed columns that are not there (as nulls) or have another integer or text type. Raises `WrongColumn`."""
    columns: list[pl.Expr] = []
    derives_stage = compiled.model.stages is not None and compiled.stage_column is None
    for key in sorted(compiled.metrics_needed):
        if key == STAGE and derives_stage and STAGE not in frame.columns:
            continue
        metric = METRICS[key]
        wanted: type[pl.DataType] = pl.String if metric.kind is Kind.CATEGORY else pl.Int64
        for name in metric.columns:
            dtype = frame.schema.get(name)
            if dtype is None or dtype == pl.Null:
                columns.append(pl.lit(None, dtype=wanted).alias(name))
            elif dtype == wanted:
                continue
            elif dtype.is_integer() if wanted is pl.Int64 else isinstance(dtype, pl.Enum | pl.Categorical):
                columns.append(pl.col(name).cast(wanted))
            else:
                raise WrongColumn(f"{name} must be {wanted.__name__}, not {dtype}")
    return columns
