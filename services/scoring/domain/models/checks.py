"""Proof that a model's tiers are total: every combination that can occur falls in exactly one tier.

The scores that can occur are enumerated with one example of bands for each, per profile and per set of known indicators
that passes the coverage gate. Where that would be too many, every elementary interval between the edges that the tiers
name is checked instead, which asks for more: scores that happen not to occur must then fall in one tier too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import Final

from services.scoring.domain.models.decision import Decider
from services.scoring.domain.models.metrics import STAGES
from services.scoring.domain.models.model import Interval, Model, Scoring, Tier

MOST_MASKS: Final = 1 << 10
MOST_STEPS: Final = 200_000
"""Additions spent on one profile's scores before intervals are checked instead: about a quarter of a second."""
MOST_FAULTS: Final = 20

Example = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A combination in no tier (`tiers` empty), in several, or a tier that nothing reaches (`combination` empty)."""

    combination: str
    tiers: tuple[str, ...]


def faults_of_tiers(model: Model) -> tuple[Fault, ...]:
    """Every gap, overlap and unreachable tier, at most `MOST_FAULTS`; none when the tiers are total."""
    found: list[Fault] = []
    reached: set[str] = {rule.tier for rule in model.rules}
    stages = STAGES if model.stages is not None else (None,)
    for (score, told), stage in product(tuple(_scores(model)), stages):
        tiers = tuple(tier.key for tier in model.tiers if _is_in(tier, score, stage))
        reached.update(tiers)
        if len(tiers) != 1 and len(found) < MOST_FAULTS:
            found.append(Fault(told + (f", {stage}" if stage else ""), tiers))
    found += [Fault("", (tier.key,)) for tier in model.tiers if tier.key not in reached]
    return tuple(found[:MOST_FAULTS])


def _is_in(tier: Tier, score: Fraction, stage: str | None) -> bool:
    return any(cell.holds(score, stage) for cell in tier.cells)


def _scores(model: Model) -> Iterator[tuple[Fraction, str]]:
    """Scores that can occur, each with the words that tell where it comes from."""
    for profile in model.profiles:
        examples = reachable_scores(model, profile)
        where = f" (profile {profile})" if len(model.profiles) > 1 else ""
        if examples is None:
            yield from ((score, f"score {_decimal(score)}{where}") for score in _elementary(model))
        else:
            for score, bands in sorted(examples.items()):
                yield score, f"{_told(model, bands)}: score {_decimal(score)}{where}"


def reachable_scores(model: Model, profile: str) -> dict[Fraction, Example] | None:
    """Each score that can occur with one combination of bands that has it; None where there are too many to list."""
    free = [index for index, indicator in enumerate(model.indicators) if not indicator.required]
    if 1 << len(free) > MOST_MASKS:
        return None
    decider, found, left = Decider(model, profile), dict[Fraction, Example](), MOST_STEPS
    for known in product((True, False), repeat=len(free)):
        missing = {index for index, is_known in zip(free, known, strict=True) if not is_known}
        bands = tuple(None if index in missing else 0 for index in range(len(model.indicators)))
        coverage = decider.coverage(bands)
        if coverage == 0 or coverage < model.coverage_gate:
            continue
        scores, left = _sums(model, decider, missing, left)
        if left <= 0:
            return None
        found = scores | found
    return found


def _sums(model: Model, decider: Decider, missing: set[int], left: int) -> tuple[dict[Fraction, Example], int]:
    """Each score with these indicators missing, and how many of `left` additions remain; none when it gave up."""
    counted = tuple(i not in missing or indicator.assumed is not None for i, indicator in enumerate(model.indicators))
    sums: dict[Fraction, Example] = {Fraction(0): ()}
    for index, weight in enumerate(decider.effective_weights(counted)):
        indicator = model.indicators[index]
        choices: list[int | None] = [None] if index in missing else list(range(len(indicator.bands)))
        longer: dict[Fraction, Example] = {}
        left -= len(sums) * len(choices)
        if left <= 0:
            break
        for score, bands in sums.items():
            for choice in choices:
                band = indicator.assumed if choice is None else choice
                step = indicator.bands[band].points * weight if band is not None and weight is not None else 0
                longer.setdefault(score + step, (*bands, choice))
        sums = longer
    return sums, left


def _elementary(model: Model) -> Iterator[Fraction]:
    """Every edge that a tier names and one score inside every interval between them, over all possible scores."""
    by_indicator = [[band.points for band in indicator.bands] for indicator in model.indicators]
    if model.scoring is Scoring.SUM:
        low = sum(map(min, by_indicator), start=Fraction(0))
        high = sum(map(max, by_indicator), start=Fraction(0))
    else:
        low, high = min(map(min, by_indicator)), max(map(max, by_indicator))
    edges = {edge for tier in model.tiers for cell in tier.cells for edge in _edges(cell.score)}
    marks = sorted({low, high} | {edge for edge in edges if low <= edge <= high})
    yield from marks
    yield from ((left + right) / 2 for left, right in pairwise(marks))


def _edges(interval: Interval) -> Iterator[Fraction]:
    yield from (edge for edge in (interval.low, interval.high) if edge is not None)


def _told(model: Model, bands: Example) -> str:
    pairs = zip(model.indicators, bands, strict=True)
    return ", ".join(
        f"{indicator.key} {'missing' if band is None else indicator.bands[band].key}" for indicator, band in pairs
    )


def _decimal(score: Fraction) -> str:
    return str(score.numerator) if score.denominator == 1 else f"{float(score):.6g}"
