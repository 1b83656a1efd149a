"""What a model decides for one combination of bands, stage and fired rules.

Bands, stages and rules are finitely many, so a model's decision is a finite function. It is written here once, in exact
fractions; the evaluator finds the combination of every row and looks its outcome up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Final, Literal

from services.scoring.domain.models.model import Effect, Model, Rule, Scoring, Tier, Weight

State = Literal["graded", "insufficient_data"]
ONE: Final = Fraction(1)
MOST_WEIGHINGS: Final = 8192
"""Sets of known indicators whose weights are kept: all of them for a model with thirteen."""


@dataclass(frozen=True, slots=True)
class Combination:
    """What a row comes down to: per indicator its band (an index, None = missing), the stage, the rules that fired."""

    bands: tuple[int | None, ...]
    stage: str | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision. `tier`, `scored_tier` (before rules) and `score` are None unless graded.

    `points` and `effective` stand per indicator: None where it does not count. `lacking` says why data is insufficient:
    keys of required indicators, `lifecycle_stage`, `coverage`.
    """

    state: State
    tier: Tier | None
    scored_tier: Tier | None
    score: Fraction | None
    max_score: Fraction
    coverage: Fraction
    points: tuple[Fraction | None, ...]
    effective: tuple[Fraction | None, ...]
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Weighing:
    """The weights when certain indicators count, and the same as whole numbers over one denominator, to add quickly."""

    effective: tuple[Fraction | None, ...]
    whole: tuple[int, ...]
    denominator: int
    max_score: Fraction


class Decider:
    """Decides combinations for one model under one profile's weights."""

    def __init__(self, model: Model, profile: str) -> None:
        self.model, self.profile = model, profile
        self._points_of = [[band.points for band in indicator.bands] for indicator in model.indicators]
        self._scale = lcm(*(points.denominator for bands in self._points_of for points in bands))
        self._weigh = lru_cache(maxsize=MOST_WEIGHINGS)(self._weighing)
        self._covered = lru_cache(maxsize=MOST_WEIGHINGS)(self._coverage)
        self._placed = lru_cache(maxsize=MOST_WEIGHINGS)(self.tier_of)

    def decide(self, combination: Combination) -> Outcome:
        """The outcome of one combination."""
        points = self._points(combination.bands)
        weighing = self._weigh(tuple(value is not None for value in points))
        max_score, effective = weighing.max_score, weighing.effective
        coverage = self.coverage(combination.bands)
        lacking = self._lacking(combination, coverage)
        if lacking:
            return Outcome("insufficient_data", None, None, None, max_score, coverage, points, effective, lacking)
        score = self._score(points, weighing)
        scored = self._placed(score, combination.stage)
        tier = self._overruled(scored, combination.rules)
        return Outcome("graded", tier, scored, score, max_score, coverage, points, effective)

    def tier_of(self, score: Fraction, stage: str | None) -> Tier:
        """The tier by score and stage alone. The model was checked: there is exactly one."""
        for tier in self.model.tiers:
            if any(cell.holds(score, stage) for cell in tier.cells):
                return tier
        raise LookupError(f"no tier for score {score} in stage {stage}")

    def effective_weights(self, counted: tuple[bool, ...]) -> tuple[Fraction | None, ...]:
        """Per indicator the factor its points count with: a mean's weights add up to one, a sum's are one each.

        Weights are normalised level by level among the parts that count: a missing indicator leaves its group as if the
        document had never named it, and the group keeps its own share.
        """
        return self._weigh(counted).effective

    def coverage(self, bands: Sequence[int | None]) -> Fraction:
        """The known part of the whole weight, 0…1; a band that is merely assumed is not known."""
        return self._covered(tuple(band is not None for band in bands))

    def _weighing(self, counted: tuple[bool, ...]) -> _Weighing:
        keys = [indicator.key for indicator in self.model.indicators]
        present = {key for key, counts in zip(keys, counted, strict=True) if counts}
        if self.model.scoring is Scoring.SUM:
            shares = dict.fromkeys(present, ONE)
        else:
            shares = _shares(self.model.profiles[self.profile], present, ONE)
        effective = tuple(shares.get(key) for key in keys)
        denominator = lcm(*(share.denominator for share in shares.values()))
        whole = tuple(int((share or 0) * denominator) for share in effective)
        best = zip(self._points_of, effective, strict=True)
        max_score = sum((max(points) * share for points, share in best if share is not None), start=Fraction(0))
        return _Weighing(effective, whole, denominator, max_score)

    def _coverage(self, known: tuple[bool, ...]) -> Fraction:
        whole = self.effective_weights((True,) * len(known))
        total = sum(
            (weight or Fraction(0) for weight, is_known in zip(whole, known, strict=True) if is_known), Fraction(0)
        )
        return total / len(known) if self.model.scoring is Scoring.SUM else total

    def _score(self, points: tuple[Fraction | None, ...], weighing: _Weighing) -> Fraction:
        scale, total = self._scale, 0
        for value, weight in zip(points, weighing.whole, strict=True):
            if value is not None:
                total += value.numerator * (scale // value.denominator) * weight
        return Fraction(total, scale * weighing.denominator)

    def _points(self, bands: tuple[int | None, ...]) -> tuple[Fraction | None, ...]:
        found: list[Fraction | None] = []
        for indicator, band in zip(self.model.indicators, bands, strict=True):
            counted = indicator.assumed if band is None else band
            found.append(None if counted is None else indicator.bands[counted].points)
        return tuple(found)

    def _lacking(self, combination: Combination, coverage: Fraction) -> tuple[str, ...]:
        model = self.model
        rows = zip(model.indicators, combination.bands, strict=True)
        lacking = [indicator.key for indicator, band in rows if band is None and indicator.required]
        if model.stages is not None and combination.stage is None:
            lacking.append("lifecycle_stage")
        if coverage < model.coverage_gate or (not coverage and not lacking):
            lacking.append("coverage")
        return tuple(lacking)

    def _overruled(self, tier: Tier, fired: tuple[Rule, ...]) -> Tier:
        """The tier after the rules: the weakest speaks first, so that the strongest has the last word."""
        by_key = {candidate.key: candidate for candidate in self.model.tiers}
        for rule in reversed(fired):
            named = by_key[rule.tier]
            match rule.effect:
                case Effect.VETO:
                    tier = named
                case Effect.CAP:
                    tier = max(tier, named, key=lambda candidate: candidate.rank)
                case Effect.FLOOR:
                    tier = min(tier, named, key=lambda candidate: candidate.rank)
        return tier


def _shares(node: Weight, present: set[str], share: Fraction) -> dict[str, Fraction]:
    if not node.parts:
        return {node.key: share}
    parts = [part for part in node.parts if any(key in present for key in part.indicators)]
    whole = sum((part.weight for part in parts), start=Fraction(0))
    found: dict[str, Fraction] = {}
    for part in parts:
        found |= _shares(part, present, share * part.weight / whole)
    return found
