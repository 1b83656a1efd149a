"""Indicators of a document read into the domain's: bands that cover every value once, by construction or by refusal."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from services.scoring.documents.conditions import Reader, one_bound, stated_bounds, told
from services.scoring.documents.shapes import BandShape, IndicatorShape
from services.scoring.domain.models.conditions import Bound
from services.scoring.domain.models.metrics import Kind, Metric
from services.scoring.domain.models.model import Band, ByCategory, ByCondition, ByEdges, Cut, Indicator, Stale

Banding = ByEdges | ByCategory | ByCondition
MOST_POINTS: Final = 1_000_000
MOST_CONDITIONS: Final = 8
"""Each is known, unknown or false: all their answers are listed when the model is compiled."""
LOWER: Final = {Bound.AT_LEAST, Bound.ABOVE}
NOTHING: Final = ByEdges((), (0,))
"""Stands where bands could not be read; the document is refused, so nobody sees it."""


def read_indicator(reader: Reader, shape: IndicatorShape, *, is_sum: bool) -> Indicator:
    """The indicator, read where the reader's faults stand."""
    faults = reader.faults
    if shape.key is None and shape.metric is None:
        faults.add("required", "an indicator over several metrics needs a key", "key")
    faults.unique("bands", [band.key for band in shape.bands])
    _points(reader, shape.bands)
    banding = _banding(reader, shape)
    assumed, required = _missing(reader, shape, is_sum=is_sum)
    stale = None
    if shape.stale is not None:
        with faults.at("stale"):
            age = reader.metric(shape.stale.age, "age")
            if age is not None and age.kind is not Kind.DAYS:
                faults.add("unit", f"{age.key} does not count days", "age")
            stale = Stale(shape.stale.age, shape.stale.after_days)
    bands = tuple(Band(band.key, band.points) for band in shape.bands)
    return Indicator(shape.key or shape.metric or "", shape.metric, bands, banding, required, assumed, stale)


def _points(reader: Reader, bands: Sequence[BandShape]) -> None:
    """Points within what scores can hold exactly in 64 bits."""
    for index, band in enumerate(bands):
        if not 0 <= band.points <= MOST_POINTS or (band.points * 1000).denominator != 1:
            reader.faults.add("range", "0 to 1 000 000 with at most 3 decimals", "bands", index, "points")


def _missing(reader: Reader, shape: IndicatorShape, *, is_sum: bool) -> tuple[int | None, bool]:
    """The assumed band and whether a value is required. Left out: a sum requires, a mean excludes."""
    policy = shape.missing.policy if shape.missing else ("require" if is_sum else "exclude")
    if policy == "exclude" and is_sum:
        detail = "a sum without one of its parts would count it as nothing: require it, or assume a stated band"
        reader.faults.add("missing", detail, "missing", "policy")
    stated = shape.missing.band if shape.missing else None
    if (policy == "assume") != (stated is not None):
        reader.faults.add("missing", "a band stands with assume, and only with assume", "missing", "band")
        return None, policy == "require"
    keys = [band.key for band in shape.bands]
    if stated is None:
        return None, policy == "require"
    if stated not in keys:
        reader.faults.add("reference", f"no band {stated}; there are {', '.join(keys)}", "missing", "band")
        return None, False
    return keys.index(stated), False


def _banding(reader: Reader, shape: IndicatorShape) -> Banding:
    bands = shape.bands
    if any(band.when is not None for band in bands):
        return _by_condition(reader, shape)
    if shape.metric is None:
        reader.faults.add("required", "bands that are not told by conditions need a metric", "metric")
        return NOTHING
    metric = reader.metric(shape.metric, "metric")
    if metric is None:
        return NOTHING
    if metric.kind is Kind.CATEGORY:
        return _by_category(reader, bands, metric)
    return _by_edges(reader, bands, metric)


def _by_condition(reader: Reader, shape: IndicatorShape) -> Banding:
    faults, cases = reader.faults, []
    if shape.metric is not None:
        faults.add("bands", "bands told by conditions name their metrics there", "metric")
    last = len(shape.bands) - 1
    if last > MOST_CONDITIONS:
        faults.add("length", f"at most {MOST_CONDITIONS} bands by condition, and the rest", "bands")
    for index, band in enumerate(shape.bands):
        with faults.at("bands", index):
            if stated_bounds(band) or band.values is not None:
                faults.add("bands", "all bands of an indicator are told in one way: these by when")
            if index == last:
                if band.when is not None:
                    faults.add("gap", "the last band takes all the rest and states no condition", "when")
            elif band.when is None:
                faults.add("overlap", "only the last band takes all the rest", "when")
            else:
                with faults.at("when"):
                    cases.append((reader.condition(band.when), index))
    return ByCondition(tuple(cases), last)


def _by_category(reader: Reader, bands: Sequence[BandShape], metric: Metric) -> Banding:
    faults, band_of = reader.faults, dict[str, int]()
    rest = [index for index, band in enumerate(bands) if band.values is None]
    for index, band in enumerate(bands):
        with faults.at("bands", index):
            if stated_bounds(band):
                faults.add("bands", f"{metric.key} is a category: its bands state values")
            for place, value in enumerate(band.values or ()):
                if value not in metric.categories:
                    faults.add("choice", f"one of {', '.join(metric.categories)}", "values", place)
                elif value in band_of:
                    faults.add("overlap", f"{value} stands in two bands", "values", place)
                band_of[value] = index
    left = [value for value in metric.categories if value not in band_of]
    if len(rest) > 1:
        faults.add("overlap", "only one band may take all the rest", "bands", rest[1])
    if left and not rest:
        faults.add("gap", f"{', '.join(left)} in no band", "bands")
    return ByCategory(band_of | {value: rest[0] for value in left if rest})


def _by_edges(reader: Reader, bands: Sequence[BandShape], metric: Metric) -> Banding:
    """The cuts between the bands. Each band but one states its own edge, all on the same side."""
    faults, edges, open_bands = reader.faults, list[tuple[int, Bound, Cut]](), list[int]()
    for index, band in enumerate(bands):
        with faults.at("bands", index):
            if band.values is not None:
                faults.add("bands", f"{metric.key} is a number: its bands state edges", "values")
            stated = stated_bounds(band)
            if len(stated) > 1:
                faults.add("edges", "a band states one edge; the other is its neighbour's")
            bound = one_bound(band)
            if bound is not None:
                word, value = bound
                belongs_above = word in {Bound.AT_LEAST, Bound.BELOW}
                edges.append((index, word, Cut(reader.in_units(metric, value), belongs_above)))
            elif not stated:
                open_bands.append(index)
    if not open_bands:
        faults.add(
            "gap", "one band must state no edge: the lowest by at_least/above, the highest by at_most/below", "bands"
        )
    for index in open_bands[1:]:
        faults.add("overlap", "only one band may state no edge", "bands", index)
    sides = {word in LOWER for _, word, _ in edges}
    if len(sides) > 1:
        faults.add(
            "edges", "state either every lower edge (at_least, above) or every upper edge (at_most, below)", "bands"
        )
    if len(sides) != 1 or len(open_bands) != 1:
        return NOTHING
    return _along(reader, edges, open_bands[0], lower=sides.pop())


def _along(reader: Reader, edges: list[tuple[int, Bound, Cut]], rest: int, *, lower: bool) -> Banding:
    edges.sort(key=lambda edge: edge[2].at)
    for (_, _, left), (index, word, right) in pairwise(edges):
        if left.at == right.at:
            reader.faults.add("overlap", f"a second edge at {told(right.at)}", "bands", index, word.value)
    cuts = tuple(cut for _, _, cut in edges)
    order = tuple(index for index, _, _ in edges)
    return ByEdges(cuts, (rest, *order) if lower else (*order, rest))
