"""A published calendar version: the document with its holidays and make-up workdays written down, once and for ever."""

from datetime import date
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import ConfigDict, Field

from shared.documents import Document, InvalidDocument
from shared.worktime.document import CalendarDocument
from shared.worktime.zones import tzdata_version

FIRST_YEAR = 1970
LAST_YEAR = 2100
"""Holidays are written down for these years (both included); the package knows no later ones for most countries."""


class PublishedCalendar(Document):
    """What a clock is pinned to. Holds every date that the fold needs, so that no package is ever asked again.

    `make_up_days` is empty unless the document wants them. `known_until` is the document's, or derived.
    """

    model_config = ConfigDict(strict=False)

    document: CalendarDocument
    known_until: date | None = None
    holidays: dict[date, str] = Field(default_factory=dict)
    make_up_days: tuple[date, ...] = ()
    holidays_version: str | None = None
    tzdata_version: str

    def to_json(self) -> dict[str, Any]:
        """The version with JSON's own types, as it is stored; `PublishedCalendar.model_validate` reads it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def publish(document: CalendarDocument, *, derive_known_until: bool = True) -> PublishedCalendar:
    """The version of the document that today's `holidays` and `tzdata` packages make.

    Where the document names no `known_until`, it becomes the end of the last year for which make-up workdays are
    published (a year without them is not known); countries that have none are known for ever.
    `derive_known_until=False` takes the document as it stands. Raises `InvalidDocument` for a country or subdivision
    that the package does not know.
    """
    known_until = document.known_until
    if document.holidays is None:
        return PublishedCalendar(document=document, known_until=known_until, tzdata_version=tzdata_version())
    holidays, make_up_days, version = _published_dates(document.holidays.country, document.holidays.subdivision)
    if known_until is None and derive_known_until and make_up_days:
        known_until = date(make_up_days[-1].year, 12, 31)
    return PublishedCalendar(
        document=document,
        known_until=known_until,
        holidays=holidays,
        make_up_days=make_up_days if document.holidays.make_up_workdays else (),
        holidays_version=version,
        tzdata_version=tzdata_version(),
    )


@cache
def _published_dates(country: str, subdivision: str | None) -> tuple[dict[date, str], tuple[date, ...], str]:
    """Public holidays (in-lieu days count), in English where the package can, and the days worked instead."""
    import holidays

    years = range(FIRST_YEAR, LAST_YEAR + 1)
    try:
        entity = holidays.country_holidays(country)
    except NotImplementedError:
        detail = f"no public holidays are published for {country!r}"
        raise InvalidDocument.at("/holidays/country", "unknown-country", detail) from None
    language = "en_US" if "en_US" in entity.supported_languages else None
    try:
        entity = holidays.country_holidays(country, subdiv=subdivision, years=years, language=language)
    except NotImplementedError:
        detail = f"{country} has no subdivision {subdivision!r}; it has: {', '.join(entity.subdivisions) or 'none'}"
        raise InvalidDocument.at("/holidays/subdivision", "unknown-subdivision", detail) from None
    names = {day: str(entity[day]) for day in sorted(entity)}
    make_up_days = tuple(sorted(entity.weekend_workdays))
    return names, make_up_days, version("holidays")
