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
    context = problem.get("ctx") or {}
    match problem["type"]:
        case "missing":
            return "required, but not there"
        case "extra_forbidden":
            return "there is no such field here"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "an object is expected here"
        case "list_type" | "tuple_type" | "set_type":
            return "a list is expected here"
        case "string_type":
            return "text is expected here"
        case "too_short" | "string_too_short" if "min_length" in context:
            return f"at least {context['min_length']} {_units(problem)} expected here"
        case _:
            return str(problem["msg"])


def _units(problem: Mapping[str, Any]) -> str:
    one = problem["ctx"]["min_length"] == 1
    if problem["type"] == "string_too_short":
        return "character is" if one else "characters are"
    return "entry is" if one else "entries are"


def pointer_of(path: Iterable[str | int]) -> str:
    """RFC 6901 pointer to a place in a document; empty for the document itself."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
