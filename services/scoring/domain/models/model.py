"""A tier model: the values that a checked document becomes. Nothing here is ever a float.

The shape promises what `checks` has proved: bands cover every value exactly once, and every combination of bands and
stage that can occur falls in exactly one tier.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from services.scoring.domain.models.conditions import Condition, metrics_of
from services.scoring.domain.models.metrics import STAGE


class Scoring(StrEnum):
    SUM = "sum"
    """The score is the sum of the points; every indicator is required or has a stated band when missing."""
    WEIGHTED_MEAN = "weighted_mean"
    """The score is the mean of the points by weight; a missing indicator leaves it, and the weights close ranks."""


class Effect(StrEnum):
    VETO = "veto"
    """The tier is exactly the rule's."""
    CAP = "cap"
    """The tier is not better than the rule's."""
    FLOOR = "floor"
    """The tier is not worse than the rule's."""


@dataclass(frozen=True, slots=True)
class Band:
    key: str
    points: Fraction


@dataclass(frozen=True, slots=True)
class Cut:
    """An edge between two bands; a value that lies on it belongs to the band above, or to the one below."""

    at: Fraction
    belongs_above: bool


@dataclass(frozen=True, slots=True)
class ByEdges:
    """Bands along a number line: `ascending[i]` names the band (an index) between the cuts i-1 and i."""

    cuts: tuple[Cut, ...]
    ascending: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ByCategory:
    """A band (an index) for each category of the metric."""

    band_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ByCondition:
    """The first condition that holds names the band (an index), else `otherwise`."""

    cases: tuple[tuple[Condition, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class Stale:
    """A value older than `after_days` (by the metric `age`) counts as missing; an unknown age does not."""

    age: str
    after_days: int


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that is looked at. `metric` is None where the bands are told by conditions over several metrics."""

    key: str
    metric: str | None
    bands: tuple[Band, ...]
    banding: ByEdges | ByCategory | ByCondition
    required: bool
    assumed: int | None
    """The band (an index) that a missing value is stated to count as; it is still not *known*."""
    stale: Stale | None

    @property
    def metrics(self) -> frozenset[str]:
        found = {self.metric} if self.metric is not None else set()
        if isinstance(self.banding, ByCondition):
            found |= {metric for condition, _ in self.banding.cases for metric in metrics_of(condition)}
        if self.stale is not None:
            found.add(self.stale.age)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Weight:
    """A leaf (an indicator) or a group of weights; `weight` is relative to its siblings."""

    key: str
    weight: Fraction
    parts: tuple["Weight", ...] = ()

    @property
    def indicators(self) -> tuple[str, ...]:
        return tuple(key for part in self.parts for key in part.indicators) if self.parts else (self.key,)


@dataclass(frozen=True, slots=True)
class Stages:
    """The lifecycle rule: the first condition that holds names the stage, else `otherwise`."""

    cases: tuple[tuple[Condition, str], ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of scores; None is no limit on that side."""

    low: Fraction | None = None
    low_included: bool = True
    high: Fraction | None = None
    high_included: bool = True

    def __contains__(self, score: Fraction) -> bool:
        if self.low is not None and (score < self.low or (score == self.low and not self.low_included)):
            return False
        return self.high is None or score < self.high or (score == self.high and self.high_included)


@dataclass(frozen=True, slots=True)
class Cell:
    """One way into a tier: a range of scores, in some stages (None: whatever the stage)."""

    score: Interval
    stages: frozenset[str] | None = None

    def holds(self, score: Fraction, stage: str | None) -> bool:
        return score in self.score and (self.stages is None or stage in self.stages)


@dataclass(frozen=True, slots=True)
class Tier:
    key: str
    rank: int
    service_class: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Overrules the score where its condition holds. Of two that disagree the one with the higher `priority` wins."""

    key: str
    priority: int
    effect: Effect
    tier: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Model:
    """A whole model. `tiers` stand best first and `rules` strongest first; `profiles` is never empty."""

    key: str
    segment: str | None
    priority: int
    currency: str
    currency_digits: int
    zone: str
    scoring: Scoring
    indicators: tuple[Indicator, ...]
    profiles: Mapping[str, Weight]
    default_profile: str
    coverage_gate: Fraction
    stages: Stages | None
    tiers: tuple[Tier, ...]
    rules: tuple[Rule, ...]

    @property
    def metrics(self) -> frozenset[str]:
        """Every metric that the model asks for; the stage itself only if the model has a rule for it."""
        found = {metric for indicator in self.indicators for metric in indicator.metrics}
        found |= {metric for rule in self.rules for metric in metrics_of(rule.when)}
        if self.stages is not None:
            found |= {metric for condition, _ in self.stages.cases for metric in metrics_of(condition)} | {STAGE}
        return frozenset(found)
