"""Polars expressions for what a document says: conditions, bands, the stage. Exact: integers and nothing else.

Every digit is 0 where the answer is not known and 1 + index of the answer otherwise.
"""

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from math import floor
from typing import Any, Final, assert_never

import polars as pl

from services.scoring.domain.models.conditions import Among, Bound, Compare, Condition, Every, Known, Never, Some
from services.scoring.domain.models.metrics import METRICS, STAGE, Kind
from services.scoring.domain.models.model import ByCategory, ByCondition, ByEdges, Cut, Indicator, Stages

_OPERATORS: Final[dict[Bound, Callable[[Any, Any], Any]]] = {
    Bound.AT_LEAST: operator.ge,
    Bound.ABOVE: operator.gt,
    Bound.AT_MOST: operator.le,
    Bound.BELOW: operator.lt,
    Bound.EQUALS: operator.eq,
}


def condition(stated: Condition) -> pl.Expr:
    """A Boolean column: null where the condition is not known (polars' `&` and `|` follow Kleene's logic)."""
    match stated:
        case Compare():
            return _compare(stated)
        case Among(metric=metric, values=values):
            return reduce(operator.or_, (pl.col(metric) == value for value in sorted(values)))
        case Known(metric=metric, known=known):
            column = METRICS[metric].columns[-1]
            return pl.col(column).is_not_null() if known else pl.col(column).is_null()
        case Every(parts=parts):
            return reduce(operator.and_, map(condition, parts))
        case Some(parts=parts):
            return reduce(operator.or_, map(condition, parts))
        case Never(part=part):
            return ~condition(part)
        case _:
            assert_never(stated)


def band_digit(indicator: Indicator) -> pl.Expr:
    """0 = missing, else 1 + the index of the band in the document's order."""
    banding = indicator.banding
    match banding:
        case ByEdges():
            assert indicator.metric is not None
            digit = _along_edges(indicator.metric, banding)
        case ByCategory(band_of=band_of):
            assert indicator.metric is not None
            pairs = [(pl.col(indicator.metric) == category, band + 1) for category, band in band_of.items()]
            digit = _first(pairs, otherwise=0)
        case ByCondition(cases=cases, otherwise=otherwise):
            digit = _first([(condition(when), band + 1) for when, band in cases], otherwise=otherwise + 1)
        case _:
            assert_never(banding)
    if indicator.stale is not None:
        stale = pl.col(indicator.stale.age) > indicator.stale.after_days
        digit = pl.when(stale).then(_constant(0)).otherwise(digit)
    return digit.fill_null(0)


def stage_digit(stages: Stages, order: Sequence[str], *, given: bool) -> pl.Expr:
    """0 = not known, else 1 + the place in `order`; `given`: a stage in the frame goes before the rule."""
    place = {stage: index + 1 for index, stage in enumerate(order)}
    derived = _first(
        [(condition(when), place[stage]) for when, stage in stages.cases], otherwise=place[stages.otherwise]
    )
    if not given:
        return derived
    stated = pl.col(STAGE)
    chosen = derived
    for stage, digit in place.items():
        chosen = pl.when(stated == stage).then(_constant(digit)).otherwise(chosen)
    return chosen


def _first(cases: Sequence[tuple[pl.Expr, int]], *, otherwise: int) -> pl.Expr:
    """The digit of the first case that holds; 0 as soon as a case before it is not known."""
    digit = _constant(otherwise)
    for holds, value in reversed(cases):
        digit = pl.when(holds.is_null()).then(_constant(0)).when(holds).then(_constant(value)).otherwise(digit)
    return digit


def _along_edges(metric: str, banding: ByEdges) -> pl.Expr:
    """How many cuts the value has passed, as the band's digit."""
    if METRICS[metric].kind is Kind.RATIO:
        passed = [_ratio_passes(metric, cut) for cut in banding.cuts]
    else:
        passed = [pl.col(metric) >= _first_integer(cut) for cut in banding.cuts]
    indexes = banding.ascending
    if indexes in (tuple(range(len(indexes))), tuple(reversed(range(len(indexes))))):
        count = reduce(operator.add, (p.cast(pl.Int8) for p in passed))
        return count + 1 if indexes[0] == 0 else _constant(len(indexes)) - count
    digit = _constant(indexes[0] + 1)
    for holds, index in zip(passed, indexes[1:], strict=True):
        digit = pl.when(holds.is_null()).then(_constant(0)).when(holds).then(_constant(index + 1)).otherwise(digit)
    return digit


def _first_integer(cut: Cut) -> int:
    """The least whole number above the cut: what a whole number has to reach to have passed it."""
    return -floor(-cut.at) if cut.belongs_above else floor(cut.at) + 1


def _ratio_passes(metric: str, cut: Cut) -> pl.Expr:
    return _ratio(metric, Bound.AT_LEAST if cut.belongs_above else Bound.ABOVE, cut.at)


def _ratio(metric: str, bound: Bound, value: Fraction) -> pl.Expr:
    """num/den against p/q as num*q against p*den, wide enough for any Int64."""
    num, den = (pl.col(column).cast(pl.Int128) for column in METRICS[metric].columns)
    return _OPERATORS[bound](num * _wide(value.denominator), den * _wide(value.numerator))  # type: ignore[no-any-return]


def _compare(stated: Compare) -> pl.Expr:
    if METRICS[stated.metric].kind is Kind.RATIO:
        return _ratio(stated.metric, stated.bound, stated.value)
    compare = _OPERATORS[stated.bound]
    if stated.of is not None:
        left = pl.col(stated.metric).cast(pl.Int128) * _wide(stated.value.denominator)
        right = pl.col(stated.of).cast(pl.Int128) * _wide(stated.value.numerator)
        return compare(left, right)  # type: ignore[no-any-return]
    return _against_integer(pl.col(stated.metric), stated.bound, stated.value)


def _against_integer(column: pl.Expr, bound: Bound, value: Fraction) -> pl.Expr:
    """A whole number against an exact bound, which need not be whole."""
    match bound:
        case Bound.AT_LEAST | Bound.BELOW:
            limit = -floor(-value)
        case Bound.ABOVE | Bound.AT_MOST:
            limit = floor(value)
        case Bound.EQUALS:
            return column == int(value)  # a document may only ask for whole numbers here
        case _:
            assert_never(bound)
    return _OPERATORS[bound](column, limit)  # type: ignore[no-any-return]


def _constant(digit: int) -> pl.Expr:
    return pl.lit(digit, dtype=pl.Int8)


def _wide(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)
