"""Tiers of a document read into the domain's, and the proof that every combination falls in exactly one."""

from collections.abc import Sequence

from services.scoring.documents.conditions import stated_bounds, told
from services.scoring.documents.faults import Faults
from services.scoring.documents.shapes import Bounds, TierShape
from services.scoring.domain.models.checks import faults_of_tiers
from services.scoring.domain.models.conditions import Bound
from services.scoring.domain.models.metrics import STAGES
from services.scoring.domain.models.model import Cell, Interval, Model, Tier


def read_tiers(faults: Faults, shapes: Sequence[TierShape], *, with_stages: bool) -> tuple[Tier, ...]:
    faults.unique("tiers", [shape.key for shape in shapes])
    tiers = []
    if sorted(shape.rank for shape in shapes) != list(range(1, len(shapes) + 1)):
        faults.add("rank", f"the ranks are 1 to {len(shapes)}, each once", "tiers")
    for index, shape in enumerate(shapes):
        cells = []
        for place, cell in enumerate(shape.when):
            with faults.at("tiers", index, "when", place):
                if cell.stages is not None and not with_stages:
                    faults.add("stages", "the model has no lifecycle rule", "stages")
                for spot, stage in enumerate(cell.stages or ()):
                    if stage not in STAGES:
                        faults.add("choice", f"one of {', '.join(STAGES)}", "stages", spot)
                stages = None if cell.stages is None else frozenset(cell.stages)
                cells.append(Cell(_interval(faults, cell.score), stages))
        tiers.append(Tier(shape.key, shape.rank, shape.service_class, tuple(cells)))
    return tuple(sorted(tiers, key=lambda tier: tier.rank))


def _interval(faults: Faults, bounds: Bounds) -> Interval:
    stated = dict(stated_bounds(bounds))
    low = [word for word in (Bound.AT_LEAST, Bound.ABOVE) if word in stated]
    high = [word for word in (Bound.AT_MOST, Bound.BELOW) if word in stated]
    if len(low) > 1 or len(high) > 1:
        faults.add("edges", "of at_least and above one, of at_most and below one", "score")
    interval = Interval(
        stated[low[0]] if low else None,
        Bound.ABOVE not in low,
        stated[high[0]] if high else None,
        Bound.BELOW not in high,
    )
    if interval.low is not None and interval.high is not None and interval.low > interval.high:
        faults.add("range", f"from {told(interval.low)} to {told(interval.high)} there is nothing", "score")
    return interval


def prove_total(faults: Faults, model: Model, shapes: Sequence[TierShape]) -> None:
    places = {shape.key: index for index, shape in enumerate(shapes)}
    for fault in faults_of_tiers(model):
        if not fault.tiers:
            faults.add("gap", f"{fault.combination}: in no tier", "tiers")
        elif not fault.combination:
            faults.add("unreachable", "no combination and no rule leads to this tier", "tiers", places[fault.tiers[0]])
        else:
            detail = f"{fault.combination}: in {' and in '.join(fault.tiers)}"
            faults.add("overlap", detail, "tiers", places[fault.tiers[1]], "when")
