"""Polars expressions for what a document says: conditions, bands, the stage. Exact: integers and nothing else.

Every digit is 0 where the answer is not known and 1 + index of the answer otherwise.
"""

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from itertools import product
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
            column = pl.col(indicator.metric)
            told = [(column == category).cast(pl.Int8) * (band + 1) for category, band in band_of.items()]
            digit = reduce(operator.add, told)
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
    stated = reduce(operator.add, ((pl.col(STAGE) == stage).cast(pl.Int8) * digit for stage, digit in place.items()))
    return pl.when(stated > 0).then(stated).otherwise(derived)


def _first(cases: Sequence[tuple[pl.Expr, int]], *, otherwise: int) -> pl.Expr:
    """The digit of the first case that holds; 0 as soon as a case before it is not known.

    Each case is 0 (not known), 1 (no) or 2 (yes), all of them together a number in base three, and the digit is looked
    up: one pass instead of a chain of choices.
    """
    number: pl.Expr = pl.lit(0, dtype=pl.Int16)
    for holds, _ in cases:
        number = number * 3 + (holds.cast(pl.Int16) + 1).fill_null(0)
    answers = product((None, False, True), repeat=len(cases))
    digits = [_decided(told, [digit for _, digit in cases], otherwise) for told in answers]
    return pl.lit(pl.Series(digits, dtype=pl.Int8)).gather(number)


def _decided(told: Sequence[bool | None], digits: Sequence[int], otherwise: int) -> int:
    for holds, digit in zip(told, digits, strict=True):
        if holds is None:
            return 0
        if holds:
            return digit
    return otherwise


def _along_edges(metric: str, banding: ByEdges) -> pl.Expr:
    """How many cuts the value has passed, as the band's digit."""
    if METRICS[metric].kind is Kind.RATIO:
        passed = [_ratio_passes(metric, cut) for cut in banding.cuts]
    else:
        passed = [pl.col(metric) >= _first_integer(cut) for cut in banding.cuts]
    indexes = banding.ascending
    count = reduce(operator.add, (p.cast(pl.Int8) for p in passed))
    return pl.lit(pl.Series([index + 1 for index in indexes], dtype=pl.Int8)).gather(count)


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
