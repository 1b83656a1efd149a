"""The calendar document, as people write and edit it."""

import re
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from shared.documents import Document, InvalidDocument
from shared.worktime.windows import Window, parse_window
from shared.worktime.zones import is_zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "always"
"""The key of the calendar that is built in: every date `00:00-24:00`, in UTC. No document may take it."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _window_text(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("window_format", "A window is text like '09:00-18:00' (in YAML: in quotes)")
    parse_window(value)
    return value


def _civil_date(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date_format", "A date is written YYYY-MM-DD and exists")


def _zone(value: object) -> object:
    if isinstance(value, str) and not is_zone(value):
        raise PydanticCustomError("unknown_zone", "There is no IANA time zone {zone}", {"zone": repr(value)})
    return value


def _free_key(value: str) -> str:
    if value == ALWAYS:
        raise PydanticCustomError("reserved_key", "The calendar `always` is built in; choose another key")
    return value


CivilDate = Annotated[date, BeforeValidator(_civil_date)]
WindowText = Annotated[str, BeforeValidator(_window_text)]
Windows = Annotated[tuple[WindowText, ...], Field(strict=False, max_length=48)]


class HolidayRule(Document):
    """Which public holidays close the calendar, and whether the days worked instead (调休) open it."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
    subdivision: str | None = None
    make_up_workdays: bool = False
    make_up_as: Weekday | None = None

    @model_validator(mode="after")
    def _make_up_days_have_hours(self) -> Self:
        if self.make_up_workdays and self.make_up_as is None:
            raise PydanticCustomError(
                "make_up_as_missing", "make_up_workdays needs make_up_as: the weekday whose windows a make-up day has"
            )
        return self


class CalendarException(Document):
    """One date or a range of dates (both ends included) whose windows beat everything else."""

    on: Annotated[CivilDate | None, Field(alias="date")] = None
    from_: Annotated[CivilDate | None, Field(alias="from")] = None
    to: CivilDate | None = None
    windows: Windows
    note: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _names_its_dates(self) -> Self:
        single = self.on is not None and self.from_ is None and self.to is None
        ranged = self.on is None and self.from_ is not None and self.to is not None
        if not (single or ranged):
            raise PydanticCustomError("exception_dates", "An exception has either `date`, or `from` and `to`")
        if self.last < self.first:
            raise PydanticCustomError("exception_dates", "An exception's `to` is not before its `from`")
        return self

    @property
    def first(self) -> date:
        """The first date of the exception."""
        return self.on or self.from_ or date.min

    @property
    def last(self) -> date:
        """The last date of the exception, included."""
        return self.on or self.to or date.max


class CalendarDocument(Document):
    """When a team works: weekly windows in an IANA zone, public holidays, make-up workdays and exceptions."""

    key: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_free_key)]
    zone: Annotated[str, BeforeValidator(_zone)]
    weekly: dict[Weekday, Windows] = Field(default_factory=dict)
    holidays: HolidayRule | None = None
    exceptions: Annotated[tuple[CalendarException, ...], Field(strict=False)] = ()
    known_until: CivilDate | None = None

    def windows_of_weekday(self, weekday: int) -> tuple[Window, ...]:
        """The windows of a weekday, Monday being 0."""
        return tuple(parse_window(text) for text in self.weekly.get(WEEKDAYS[weekday], ()))


def parse_calendar(raw: object) -> CalendarDocument:
    """The document that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        document = CalendarDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    _refuse_overlaps(document)
    return document


def _refuse_overlaps(document: CalendarDocument) -> None:
    ordered = sorted(enumerate(document.exceptions), key=lambda numbered: numbered[1].first)
    for (_, before), (index, after) in pairwise(ordered):
        if after.first <= before.last:
            raise InvalidDocument.at(
                f"/exceptions/{index}",
                "overlapping-exceptions",
                f"{after.first.isoformat()} belongs to two exceptions; a date has at most one",
            )
