"""What documents for people have in common: a key, names in both languages, an order, and whom they apply to."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.documents import Document

Language = Literal["zh-CN", "en"]
Names = dict[Language, Annotated[str, Field(min_length=1, max_length=200)]]
DocumentKey = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
Order = Annotated[int, Field(ge=0, le=1_000_000)]
"""Documents of a kind are asked from the lowest order up, then by key; the first that applies wins."""
ServiceClassName = Literal["strategic", "key", "standard", "basic"]
SeverityName = Literal["S1", "S2", "S3", "S4"]
Classes = Annotated[tuple[ServiceClassName, ...], Field(strict=False, min_length=1)]
Severities = Annotated[tuple[SeverityName, ...], Field(strict=False, min_length=1)]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(strict=False, min_length=1)]


class AppliesDocument(Document):
    """The cases that a document is for; what is left out holds for every case."""

    service_class: Classes | ServiceClassName | None = None
    case_type: Words | str | None = None
    severity: Severities | SeverityName | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.case_type == "":
            raise PydanticCustomError("empty_choice", "case_type names at least one type")
        return self


def as_set(value: tuple[str, ...] | str | None) -> frozenset[str] | None:
    """One word or several as a set; None stays None."""
    if value is None:
        return None
    return frozenset((value,) if isinstance(value, str) else value)
