"""What a model decides for one combination of bands, stage and fired rules.

Bands, stages and rules are finitely many, so a model's decision is a finite function. It is written here once, in exact
fractions; the evaluator finds the combination of every row and looks its outcome up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

from services.scoring.domain.models.model import Effect, Model, Rule, Scoring, Tier, Weight

State = Literal["graded", "insufficient_data"]
ONE: Final = Fraction(1)


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


@dataclass(slots=True)
class Decider:
    """Decides combinations for one model under one profile's weights."""

    model: Model
    profile: str
    _shares: dict[tuple[bool, ...], tuple[Fraction | None, ...]] = field(default_factory=dict)

    def decide(self, combination: Combination) -> Outcome:
        """The outcome of one combination."""
        model = self.model
        points = self._points(combination.bands)
        effective = self.effective_weights(tuple(value is not None for value in points))
        coverage = self.coverage(combination.bands)
        best = tuple(max(band.points for band in indicator.bands) for indicator in model.indicators)
        max_score = _total(best, effective)
        lacking = self._lacking(combination, coverage)
        if lacking:
            return Outcome("insufficient_data", None, None, None, max_score, coverage, points, effective, lacking)
        score = _total(points, effective)
        scored = self.tier_of(score, combination.stage)
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
        if counted not in self._shares:
            keys = [indicator.key for indicator in self.model.indicators]
            present = {key for key, counts in zip(keys, counted, strict=True) if counts}
            if self.model.scoring is Scoring.SUM:
                shares = dict.fromkeys(present, ONE)
            else:
                shares = _shares(self.model.profiles[self.profile], present, ONE)
            self._shares[counted] = tuple(shares.get(key) for key in keys)
        return self._shares[counted]

    def coverage(self, bands: Sequence[int | None]) -> Fraction:
        """The known part of the whole weight, 0…1; a band that is merely assumed is not known."""
        whole = self.effective_weights((True,) * len(bands))
        known = (weight or Fraction(0) for weight, band in zip(whole, bands, strict=True) if band is not None)
        total = sum(known, start=Fraction(0))
        return total / len(bands) if self.model.scoring is Scoring.SUM else total

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
        if coverage < model.coverage_gate or (coverage == 0 and not lacking):
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


def _total(points: Sequence[Fraction | None], weights: Sequence[Fraction | None]) -> Fraction:
    pairs = zip(points, weights, strict=True)
    return sum((p * w for p, w in pairs if p is not None and w is not None), start=Fraction(0))


def _shares(node: Weight, present: set[str], share: Fraction) -> dict[str, Fraction]:
    if not node.parts:
        return {node.key: share}
    parts = [part for part in node.parts if any(key in present for key in part.indicators)]
    whole = sum((part.weight for part in parts), start=Fraction(0))
    found: dict[str, Fraction] = {}
    for part in parts:
        found |= _shares(part, present, share * part.weight / whole)
    return found
