"""Conditions over metrics, as a document states them. Three-valued: a condition over what is not known is not known.

`all` is false as soon as one part is false and `any` true as soon as one part is true, whatever else is unknown
(Kleene's logic): what decides is never guessed, and what cannot matter is not asked for.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import assert_never


class Bound(StrEnum):
    """A comparison, in the words that documents use."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"
    EQUALS = "equals"


@dataclass(frozen=True, slots=True)
class Compare:
    """`metric` against `value`, or against `value` times the metric `of` when that is given.

    `value` is in the metric's own unit (minor units for money), a bare factor when `of` is given.
    """

    metric: str
    bound: Bound
    value: Fraction
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """The category is one of `values`."""

    metric: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Known:
    """Whether the metric is known at all; the one condition that is never unknown itself."""

    metric: str
    known: bool


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Never:
    part: "Condition"


Condition = Compare | Among | Known | Every | Some | Never


def metrics_of(condition: Condition) -> frozenset[str]:
    """Every metric that the condition asks for."""
    match condition:
        case Compare(metric=metric, of=of):
            return frozenset({metric} if of is None else {metric, of})
        case Among(metric=metric) | Known(metric=metric):
            return frozenset({metric})
        case Every(parts=parts) | Some(parts=parts):
            return frozenset().union(*map(metrics_of, parts))
        case Never(part=part):
            return metrics_of(part)
        case _:
            assert_never(condition)


def comparisons_of(condition: Condition) -> tuple[Compare, ...]:
    """Every comparison inside the condition, in the order written."""
    match condition:
        case Compare():
            return (condition,)
        case Among() | Known():
            return ()
        case Every(parts=parts) | Some(parts=parts):
            return tuple(found for part in parts for found in comparisons_of(part))
        case Never(part=part):
            return comparisons_of(part)
        case _:
            assert_never(condition)
