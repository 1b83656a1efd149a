"""Configuration documents: strict models, and refusals that name the place, the rule and what would be right."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.contracts.errors import FieldError, pointer_of, rule_of, words_of


class Document(BaseModel):
    """A versioned configuration document, or a part of one: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InvalidDocument(ValueError):  # noqa: N818 - reads as a fact
    """The document breaks its rules. `errors` is never empty; pointers are RFC 6901 from the root of what was sent."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors: tuple[FieldError, ...] = tuple(errors)
        super().__init__("; ".join(f"{error.pointer or '/'}: {error.detail} ({error.rule})" for error in self.errors))

    @classmethod
    def at(cls, pointer: str, rule: str, detail: str) -> "InvalidDocument":
        """A refusal with a single reason."""
        return cls((FieldError(pointer, rule, detail),))

    @classmethod
    def of(cls, error: ValidationError, *, prefix: str = "", skip: int = 0) -> "InvalidDocument":
        """The refusal that a model's validation amounts to; `skip` leading steps of each location are no places."""
        return cls(_field_errors(error, prefix, skip))

    def under(self, prefix: str) -> "InvalidDocument":
        """The same refusal seen from an enclosing document, e.g. `/calendars/0`."""
        return InvalidDocument(error._replace(pointer=prefix + error.pointer) for error in self.errors)


ONE, SEVERAL = "[one]", "[several]"
"""Tags of the two ways to write what may be a word or a list of words."""
_NO_PLACES = frozenset({"[key]", ONE, SEVERAL})
"""Steps of a location that are no part of the document."""


def _field_errors(error: ValidationError, prefix: str, skip: int) -> Iterator[FieldError]:
    for problem in error.errors(include_url=False, include_input=False):
        places = (step for step in problem["loc"][skip:] if step not in _NO_PLACES)
        yield FieldError(prefix + pointer_of(places), rule_of(problem["type"]), words_of(problem))
