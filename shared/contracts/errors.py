"""What is wrong with an event, said so that its producer can mend it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One broken rule: where (pointer into the structured form), which rule, what would be right."""

    pointer: str
    rule: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "rule": self.rule, "detail": self.detail}


class ContractError(ValueError):
    """The event breaks its contract and will never be accepted as it is.

    `errors` is never empty. Pointers speak of the structured form whatever the mode: `/id`, `/time`, `/data/amount`.
    """

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors: tuple[FieldError, ...] = tuple(errors)
        super().__init__("; ".join(f"{error.pointer or '/'}: {error.detail} ({error.rule})" for error in self.errors))

    @classmethod
    def at(cls, pointer: str, rule: str, detail: str) -> "ContractError":
        """A refusal with a single reason."""
        return cls((FieldError(pointer, rule, detail),))

    def under(self, prefix: str) -> "ContractError":
        """The same refusal seen from an enclosing document, e.g. `/facts/3`."""
        return ContractError(error._replace(pointer=prefix + error.pointer) for error in self.errors)


class UnknownType(KeyError):  # noqa: N818 - an ordinary occurrence for a consumer, not a defect of the event
    """No published event type has this name; a consumer skips and counts it, the public door refuses it."""

    def __init__(self, type_: str) -> None:
        self.type = type_
        super().__init__(type_)

    def __str__(self) -> str:
        return f"there is no event type {self.type!r}"

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """The same in the shape of a refusal, for doors that answer with a problem."""
        return (FieldError("/type", "unknown-type", str(self)),)


_RULES = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "json_invalid": "json",
    "literal_error": "choice",
    "enum": "choice",
    "string_pattern_mismatch": "pattern",
    **dict.fromkeys(("greater_than_equal", "greater_than", "less_than_equal", "less_than"), "range"),
    **dict.fromkeys(("string_too_long", "string_too_short", "too_long", "too_short"), "length"),
}


def rule_of(kind: str) -> str:
    """Our name for the rule behind a kind of Pydantic error, the same at every door."""
    return _RULES.get(kind) or ("type" if kind.endswith("_type") else kind.replace("_", "-"))


def words_of(problem: Mapping[str, Any]) -> str:
    """What would be right, for a Pydantic error, in words that need no knowledge of Python; the same at every door."""
    kind, context = problem["type"], problem.get("ctx") or {}
    expected = _KINDS.get(kind) or _bound(kind, context)
    if expected is not None:
        return f"{expected} expected here"
    return _SENTENCES.get(kind) or str(problem["msg"]).removeprefix("Value error, ")


_SENTENCES = {"missing": "required, but not there", "extra_forbidden": "there is no such field here"}
_KINDS = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "an object is"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "a list is"),
    "string_type": "text is",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number is"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), "a number is"),
    "finite_number": "a finite number is",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false is"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "a date such as 2026-03-01 is"),
}


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    """What a rule with a bound of its own expects; None for other rules."""
    match kind:
        case "literal_error" | "enum":
            return f"{context['expected']} is"
        case "string_pattern_mismatch":
            return f"text of the form {context['pattern']} is"
        case "greater_than_equal":
            return f"at least {context['ge']} is"
        case "greater_than":
            return f"more than {context['gt']} is"
        case "less_than_equal":
            return f"at most {context['le']} is"
        case "less_than":
            return f"less than {context['lt']} is"
        case "too_short" | "string_too_short":
            return f"at least {_units(kind, context['min_length'])}"
        case "too_long" | "string_too_long":
            return f"at most {_units(kind, context['max_length'])}"
    return None


def _units(kind: str, number: int) -> str:
    one, more = ("character is", "characters are") if kind.startswith("string") else ("entry is", "entries are")
    return f"{number} {one if number == 1 else more}"


def pointer_of(path: Iterable[str | int]) -> str:
    """RFC 6901 pointer to a place in a document; empty for the document itself."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
