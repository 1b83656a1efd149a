"""Conditions of a document read into the domain's: metrics that exist, bounds that fit them, money in minor units."""

from fractions import Fraction
from typing import Final

from services.scoring.documents.faults import Faults
from services.scoring.documents.shapes import Bounds, Where, number_text
from services.scoring.domain.models.conditions import Among, Bound, Compare, Condition, Every, Known, Never, Some
from services.scoring.domain.models.metrics import METRICS, Kind, Metric

NEVER: Final = Known("lifecycle_stage", known=False)
"""Stands where a condition could not be read; the document is refused, so nobody sees it."""
_DEEPEST: Final = 6
_COMPARABLE: Final = {Kind.COUNT, Kind.MONEY}
"""Kinds of which one may be a multiple of another. Not days: two ages cross on no known day."""


class Reader:
    """Reads conditions and bounds of one document."""

    def __init__(self, faults: Faults, *, currency_digits: int) -> None:
        self.faults = faults
        self._unit = Fraction(10) ** currency_digits

    def metric(self, key: str, *steps: str | int) -> Metric | None:
        """The catalogue's entry, or a fault at `steps`."""
        found = METRICS.get(key)
        if found is None:
            self.faults.add("metric", f"there is no metric {key!r}", *steps)
        return found

    def in_units(self, metric: Metric, value: Fraction) -> Fraction:
        """A value as documents write it, in the metric's unit: money in the minor unit."""
        return value * self._unit if metric.kind is Kind.MONEY else value

    def condition(self, where: Where, *, forbidden: frozenset[str] = frozenset(), depth: int = 0) -> Condition:
        """The condition, read where `faults` stands; metrics in `forbidden` may not be asked."""
        if depth > _DEEPEST:
            self.faults.add("depth", f"conditions may be nested {_DEEPEST} deep")
            return NEVER
        told = [name for name in ("all", "any", "not", "metric") if getattr(where, name if name != "not" else "not_")]
        if len(told) != 1:
            self.faults.add("condition", "exactly one of all, any, not, metric")
            return NEVER
        if where.metric is not None:
            return self._about_metric(where, where.metric, forbidden)
        if _said(where):
            self.faults.add("condition", f"{', '.join(_said(where))} stands beside a metric only")
        if where.not_ is not None:
            with self.faults.at("not"):
                return Never(self.condition(where.not_, forbidden=forbidden, depth=depth + 1))
        parts = []
        for index, part in enumerate(where.all or where.any or ()):
            with self.faults.at(told[0], index):
                parts.append(self.condition(part, forbidden=forbidden, depth=depth + 1))
        return Every(tuple(parts)) if where.all else Some(tuple(parts))

    def _about_metric(self, where: Where, key: str, forbidden: frozenset[str]) -> Condition:
        metric = self.metric(key, "metric")
        if metric is None:
            return NEVER
        if key in forbidden:
            self.faults.add("circular", f"{key} cannot be asked where it is decided", "metric")
        said = [name for name in _said(where) if name != "of"]
        if len(said) != 1:
            words = "exactly one of at_least, above, at_most, below, equals, in, known"
            self.faults.add("condition", words)
            return NEVER
        if said[0] == "known":
            return Known(key, known=bool(where.known))
        if said[0] == "in":
            return self._among(where, metric)
        if metric.kind is Kind.CATEGORY:
            self.faults.add("condition", f"{key} is a category: ask with in", said[0])
            return NEVER
        return self._compare(where, metric, Bound(said[0]))

    def _among(self, where: Where, metric: Metric) -> Condition:
        values = where.in_ or []
        if metric.kind is not Kind.CATEGORY:
            self.faults.add("condition", f"{metric.key} is a number: ask with a bound", "in")
        for index, value in enumerate(values):
            if metric.kind is Kind.CATEGORY and value not in metric.categories:
                self.faults.add("choice", f"one of {', '.join(metric.categories)}", "in", index)
        return Among(metric.key, frozenset(values))

    def _compare(self, where: Where, metric: Metric, bound: Bound) -> Condition:
        value: Fraction = getattr(where, bound.value)
        if where.of is not None:
            self._times(where.of, metric)
            return Compare(metric.key, bound, value, of=where.of)
        value = self.in_units(metric, value)
        if bound is Bound.EQUALS and metric.kind is not Kind.RATIO and value.denominator != 1:
            self.faults.add("whole", f"{metric.key} is a whole number and never equals this", "equals")
        return Compare(metric.key, bound, value)

    def _times(self, of: str, metric: Metric) -> None:
        other = self.metric(of, "of")
        if other is not None and (other.kind is not metric.kind or metric.kind not in _COMPARABLE):
            self.faults.add("unit", f"{metric.key} and {of} are not both counts, or both money", "of")


def _said(where: Where) -> list[str]:
    """Which words stand in a condition beside its metric."""
    names = {"at_least", "above", "at_most", "below", "equals", "of", "known"}
    said = [name for name in sorted(names) if getattr(where, name) is not None]
    return said + (["in"] if where.in_ is not None else [])


def one_bound(bounds: Bounds) -> tuple[Bound, Fraction] | None:
    """The one bound stated; None where there is none or more than one."""
    found = stated_bounds(bounds)
    return found[0] if len(found) == 1 else None


def stated_bounds(bounds: Bounds) -> list[tuple[Bound, Fraction]]:
    """Every bound stated, lower ones first."""
    words = (Bound.AT_LEAST, Bound.ABOVE, Bound.AT_MOST, Bound.BELOW)
    return [(word, value) for word in words if (value := getattr(bounds, word.value)) is not None]


def told(value: Fraction) -> str:
    """A number in a message."""
    return number_text(value)
