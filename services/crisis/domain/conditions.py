"""Conditions on the fields of an event: what a rule's `where` says, compiled once and asked often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from services.crisis.domain.service_class import CLASSES, rank_of

Fields = Mapping[str, Any]
Test = Callable[[Any, Fields], bool]
OPERATORS = ("in", "not", "lt", "lte", "gt", "gte", "present", "worse_than")
"""`worse_than` names another field that holds a service class; the others compare with the value given."""


class UnknownCondition(ValueError):  # noqa: N818 - reads as a fact
    """The condition is written in a way that nobody reads; the message says what is read."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field and what has to hold of it."""

    field: str
    tests: tuple[Test, ...]

    def holds(self, fields: Fields) -> bool:
        value = fields.get(self.field)
        return all(test(value, fields) for test in self.tests)


def compile_where(where: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions that all have to hold. A bare value means equal, a list one of these, an object its operators."""
    return tuple(Condition(field, _tests(wanted)) for field, wanted in where.items())


def _tests(wanted: Any) -> tuple[Test, ...]:
    if isinstance(wanted, Mapping):
        return tuple(_operator(name, operand) for name, operand in wanted.items())
    if isinstance(wanted, list | tuple):
        return (_one_of(tuple(wanted)),)
    return (_one_of((wanted,)),)


def _operator(name: str, operand: Any) -> Test:
    match name:
        case "in":
            return _one_of(tuple(operand))
        case "not":
            inside = _one_of(tuple(operand) if isinstance(operand, list | tuple) else (operand,))
            return lambda value, fields: not inside(value, fields)
        case "lt" | "lte" | "gt" | "gte":
            return _comparison(name, operand)
        case "present":
            return lambda value, _: (value is not None) is bool(operand)
        case "worse_than":
            return lambda value, fields: _is_worse(value, fields.get(str(operand)))
        case _:
            raise UnknownCondition(f"{name!r} is no condition; there are: {', '.join(OPERATORS)}")


def _one_of(values: tuple[Any, ...]) -> Test:
    return lambda value, _: any(
        value == wanted and isinstance(value, bool) is isinstance(wanted, bool) for wanted in values
    )


def _comparison(name: str, operand: Any) -> Test:
    limit = _number(operand)
    if limit is None:
        raise UnknownCondition(f"{name} compares numbers, not {operand!r}")

    def holds(value: Any, _: Fields) -> bool:
        number = _number(value)
        if number is None:
            return False
        match name:
            case "lt":
                return number < limit
            case "lte":
                return number <= limit
            case "gt":
                return number > limit
            case _:
                return number >= limit

    return holds


def _number(value: Any) -> Decimal | None:
    """Numbers and decimal text, exactly; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_worse(value: Any, other: Any) -> bool:
    return value in CLASSES and other in CLASSES and rank_of(value) > rank_of(other)
