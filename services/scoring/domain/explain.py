"""Why a customer has this tier: one row through the evaluator, told in full.

    grade = evaluate_one(compiled, {"days_since_last_purchase": 12, "spend_365d": 51_000_000, ...})

`metrics` maps keys to values in the evaluator's units: int for counts, days, ratings and money (minor units), Fraction
(or int) for ratios, str for categories, None (or absent) for not known. Keys that the model does not need are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from services.scoring.domain.evaluator import CompiledModel, evaluate
from services.scoring.domain.evaluator_rows import MetricValue, frame_of
from services.scoring.domain.explain_changes import Change, smallest_changes
from services.scoring.domain.models.decision import Combination, Outcome, State
from services.scoring.domain.models.metrics import STAGE
from services.scoring.domain.models.model import Indicator, Rule, Weight


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one indicator gives to the score: points times effective weight; all contributions add up to the score.

    `values` are those of the metrics that the band is told by. `band` is None when missing; `points` and
    `effective_weight` are None when it does not count. `weight` is the document's own figure. `missing` is `excluded`,
    `required` or `assumed` (the points are those of the stated band), `stale` says that a value was too old.
    """

    indicator: str
    values: Mapping[str, MetricValue]
    band: str | None
    points: Fraction | None
    weight: Fraction | None
    effective_weight: Fraction | None
    missing: str | None
    stale: bool

    @property
    def amount(self) -> Fraction:
        """Its part of the score."""
        return (self.points or Fraction(0)) * (self.effective_weight or Fraction(0))


@dataclass(frozen=True, slots=True)
class Grade:
    """A tier with its reasons.

    `tier`, `scored_tier` (before rules), `rank`, `service_class` and `score` are None unless `state` is graded;
    `lacking` then says why: required indicators, `lifecycle_stage`, `coverage`. `missing` are the metrics not known.
    """

    state: State
    tier: str | None
    scored_tier: str | None
    rank: int | None
    service_class: str | None
    score: Fraction | None
    max_score: Fraction
    coverage: Fraction
    stage: str | None
    bands: Mapping[str, str | None]
    contributions: tuple[Contribution, ...]
    rules: tuple[Rule, ...]
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    smallest_changes: tuple[Change, ...]
    combination: int


def evaluate_one(
    compiled: CompiledModel,
    metrics: Mapping[str, MetricValue],
    *,
    profile: str | None = None,
    with_changes: bool = True,
) -> Grade:
    """Grade one customer through `evaluate`, with bands, contributions, rules, what is missing and what would change.

    `with_changes` False leaves the counterfactuals out. Raises `UnknownProfile`, and `WrongValue` naming a metric whose
    value is not of its kind.
    """
    row = evaluate(compiled, frame_of(compiled.metrics_needed, [metrics]), profile=profile)
    number: int = row["combination"][0]
    outcome, combination = compiled.outcome(number, profile=profile), compiled.outcomes(profile).combination(number)
    contributions = _contributions(compiled, metrics, combination, outcome, profile or compiled.model.default_profile)
    needed = compiled.metrics_needed - {STAGE} if combination.stage is not None else compiled.metrics_needed
    return Grade(
        state=outcome.state,
        tier=outcome.tier.key if outcome.tier else None,
        scored_tier=outcome.scored_tier.key if outcome.scored_tier else None,
        rank=outcome.tier.rank if outcome.tier else None,
        service_class=outcome.tier.service_class if outcome.tier else None,
        score=outcome.score,
        max_score=outcome.max_score,
        coverage=outcome.coverage,
        stage=combination.stage,
        bands={told.indicator: told.band for told in contributions},
        contributions=contributions,
        rules=combination.rules,
        missing=tuple(sorted(key for key in needed if metrics.get(key) is None)),
        lacking=outcome.lacking,
        smallest_changes=smallest_changes(compiled, metrics, profile=profile) if with_changes else (),
        combination=number,
    )


def _contributions(
    compiled: CompiledModel,
    metrics: Mapping[str, MetricValue],
    combination: Combination,
    outcome: Outcome,
    profile: str,
) -> tuple[Contribution, ...]:
    model = compiled.model
    stated = dict(_stated(model.profiles[profile]))
    rows = zip(model.indicators, combination.bands, outcome.points, outcome.effective, strict=True)
    return tuple(
        Contribution(
            indicator=indicator.key,
            values={metric: metrics.get(metric) for metric in _asked(indicator)},
            band=None if band is None else indicator.bands[band].key,
            points=points if effective is not None else None,
            weight=stated.get(indicator.key),
            effective_weight=effective,
            missing=None if band is not None else _policy(indicator),
            stale=_is_stale(indicator, metrics),
        )
        for indicator, band, points, effective in rows
    )


def _asked(indicator: Indicator) -> tuple[str, ...]:
    stale = {indicator.stale.age} if indicator.stale is not None else set()
    return tuple(sorted(indicator.metrics - (stale - {indicator.metric})))


def _policy(indicator: Indicator) -> str:
    if indicator.required:
        return "required"
    return "excluded" if indicator.assumed is None else "assumed"


def _is_stale(indicator: Indicator, metrics: Mapping[str, MetricValue]) -> bool:
    if indicator.stale is None:
        return False
    age = metrics.get(indicator.stale.age)
    return isinstance(age, int) and age > indicator.stale.after_days


def _stated(node: Weight) -> list[tuple[str, Fraction]]:
    if not node.parts:
        return [(node.key, node.weight)]
    return [found for part in node.parts for found in _stated(part)]
