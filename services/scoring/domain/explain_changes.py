"""Counterfactuals: the smallest changes that would move a tier up, and the smallest that would lose it.

Nothing is deduced: values on both sides of every edge that the model knows are tried, alone and in pairs, through the
evaluator itself, and what it answers is told. Changes that no act can bring about are not tried: the window before the
present one is past, and an age counted from the first day only grows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, floor
from typing import Final, Literal

from services.scoring.domain.evaluator import CompiledModel, evaluate
from services.scoring.domain.evaluator_rows import MetricValue, frame_of
from services.scoring.domain.models.conditions import Compare, Condition, comparisons_of
from services.scoring.domain.models.metrics import METRICS, STAGE, Age, Kind, Lags
from services.scoring.domain.models.model import ByCondition, ByEdges, Model

MOST_TOLD: Final = 3
MOST_TRIED: Final = 20_000
RATIO_STEP: Final = Fraction(1, 1000)
"""The least step past an edge of a ratio that is worth telling."""


@dataclass(frozen=True, slots=True)
class Step:
    """One metric that would have to stand elsewhere, in the evaluator's units."""

    metric: str
    present: MetricValue
    wanted: MetricValue


@dataclass(frozen=True, slots=True)
class Change:
    """`up`: these steps together would bring the better `tier`. `down`: they would cost the present one for `tier`."""

    direction: Literal["up", "down"]
    tier: str
    service_class: str
    steps: tuple[Step, ...]


def smallest_changes(
    compiled: CompiledModel, metrics: Mapping[str, MetricValue], *, profile: str | None = None
) -> tuple[Change, ...]:
    """At most three ways up and three down, fewest metrics first, then the smallest steps; empty unless graded."""
    present = evaluate(compiled, frame_of(compiled.metrics_needed, [metrics]), profile=profile).row(0, named=True)
    if present["state"] != "graded":
        return ()
    singles = list(_steps(compiled.model, metrics))
    found = _found(compiled, metrics, present["rank"], [(step,) for step in singles], profile)
    if {change.direction for change, _ in found} != {"up", "down"}:
        pairs = [pair for pair in combinations(singles, 2) if pair[0].metric != pair[1].metric][:MOST_TRIED]
        missing = {"up", "down"} - {change.direction for change, _ in found}
        in_pairs = _found(compiled, metrics, present["rank"], pairs, profile)
        found += [(change, size) for change, size in in_pairs if change.direction in missing]
    return (*_smallest(found, "up"), *_smallest(found, "down"))


def _smallest(found: Sequence[tuple[Change, Fraction]], direction: str) -> list[Change]:
    """The smallest change for each set of metrics, smallest first."""
    told: dict[frozenset[str], Change] = {}
    ordered = sorted(found, key=lambda pair: (len(pair[0].steps), pair[1], [step.metric for step in pair[0].steps]))
    for change, _ in ordered:
        if change.direction == direction:
            told.setdefault(frozenset(step.metric for step in change.steps), change)
    return list(told.values())[:MOST_TOLD]


def _found(
    compiled: CompiledModel,
    metrics: Mapping[str, MetricValue],
    rank: int,
    tries: Sequence[tuple[Step, ...]],
    profile: str | None,
) -> list[tuple[Change, Fraction]]:
    if not tries:
        return []
    rows = [{**metrics, **{step.metric: step.wanted for step in steps}} for steps in tries]
    answers = evaluate(compiled, frame_of(compiled.metrics_needed, rows), profile=profile)
    columns = (answers[name].to_list() for name in ("rank", "tier", "service_class"))
    return [
        (Change("up" if there < rank else "down", tier, service_class, steps), sum(map(_size, steps), Fraction(0)))
        for steps, there, tier, service_class in zip(tries, *columns, strict=True)
        if there is not None and there != rank
    ]


def _size(step: Step) -> Fraction:
    """How far a step goes, relative to the larger of the two values; another category is a whole step."""
    if isinstance(step.present, str) or isinstance(step.wanted, str) or step.present is None or step.wanted is None:
        return Fraction(1)
    present, wanted = Fraction(step.present), Fraction(step.wanted)
    return abs(wanted - present) / max(abs(present), abs(wanted), Fraction(1))


def _steps(model: Model, metrics: Mapping[str, MetricValue]) -> Iterator[Step]:
    """Every value worth trying, metric by metric."""
    for key in sorted(model.metrics):
        present = metrics.get(key)
        if present is None:
            continue
        if isinstance(present, str):
            yield from (Step(key, present, category) for category in METRICS[key].categories if category != present)
            continue
        tried = sorted({value for edge in _edges(model, key, metrics) for value in _around(key, edge)})
        yield from (Step(key, present, value) for value in tried if value != present and _can(key, present, value))


def _can(key: str, present: int | Fraction, wanted: int | Fraction) -> bool:
    metric = METRICS[key]
    match metric.moves:
        case Lags(first=first) if first > 1:
            return False
        case Age(latest=False) if metric.source == "since":
            return wanted > present
        case _:
            pass
    return (metric.least is None or wanted >= metric.least) and (metric.most is None or wanted <= metric.most)


def _around(key: str, edge: Fraction) -> Iterator[int | Fraction]:
    """The values on the edge and just beside it."""
    if METRICS[key].kind is Kind.RATIO:
        yield from (edge, edge - RATIO_STEP, edge + RATIO_STEP)
    else:
        yield from {ceil(edge) - 1, ceil(edge), floor(edge), floor(edge) + 1}


def _edges(model: Model, key: str, metrics: Mapping[str, MetricValue]) -> Iterator[Fraction]:
    conditions: list[Condition] = [rule.when for rule in model.rules]
    if model.stages is not None and metrics.get(STAGE) is None:
        conditions += [condition for condition, _ in model.stages.cases]
    for indicator in model.indicators:
        match indicator.banding:
            case ByEdges(cuts=cuts) if indicator.metric == key:
                yield from (cut.at for cut in cuts)
            case ByCondition(cases=cases):
                conditions += [condition for condition, _ in cases]
            case _:
                continue
    for comparison in (found for condition in conditions for found in comparisons_of(condition)):
        yield from _compared(comparison, key, metrics)


def _compared(comparison: Compare, key: str, metrics: Mapping[str, MetricValue]) -> Iterator[Fraction]:
    if comparison.of is None:
        if comparison.metric == key:
            yield comparison.value
        return
    other = metrics.get(comparison.of)
    if comparison.metric == key and isinstance(other, int | Fraction):
        yield comparison.value * other
    this = metrics.get(comparison.metric)
    if comparison.of == key and isinstance(this, int | Fraction) and comparison.value != 0:
        yield Fraction(this) / comparison.value
