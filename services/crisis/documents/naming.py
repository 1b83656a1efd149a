"""What documents for people have in common: a key, names in both languages, an order, and whom they apply to."""

from typing import Annotated, Literal, TypeVar

from pydantic import Discriminator, Field, Tag

from shared.documents import Document
from shared.documents.model import ONE, SEVERAL

Language = Literal["zh-CN", "en"]
Names = dict[Language, Annotated[str, Field(min_length=1, max_length=200)]]
DocumentKey = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
Order = Annotated[int, Field(ge=0, le=1_000_000)]
"""Documents of a kind are asked from the lowest order up, then by key; the first that applies wins."""
ServiceClassName = Literal["strategic", "key", "standard", "basic"]
SeverityName = Literal["S1", "S2", "S3", "S4"]
Classes = Annotated[tuple[ServiceClassName, ...], Field(strict=False, min_length=1)]
Severities = Annotated[tuple[SeverityName, ...], Field(strict=False, min_length=1)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[tuple[Word, ...], Field(strict=False, min_length=1)]


def _how_many(value: object) -> str:
    return SEVERAL if isinstance(value, list | tuple) else ONE


_Several = TypeVar("_Several")
_One = TypeVar("_One")
_OneOf = Annotated[Annotated[_Several, Tag(SEVERAL)] | Annotated[_One, Tag(ONE)], Discriminator(_how_many)]
"""A word or a list of words. Told apart before it is read, so that a refusal speaks of one of them alone."""


class AppliesDocument(Document):
    """The cases that a document is for: all of what is said has to hold; what is left out holds for every case.

    Segment, channel and regime (`regulated`) are those of what opened the case. Each is one word or a list of several.
    """

    service_class: _OneOf[Classes, ServiceClassName] | None = None
    case_type: _OneOf[Words, Word] | None = None
    severity: _OneOf[Severities, SeverityName] | None = None
    segment: _OneOf[Words, Word] | None = None
    channel: _OneOf[Words, Word] | None = None
    regime: _OneOf[Words, Word] | None = None


def as_set(value: tuple[str, ...] | str | None) -> frozenset[str] | None:
    """One word or several as a set; None stays None."""
    if value is None:
        return None
    return frozenset((value,) if isinstance(value, str) else value)
