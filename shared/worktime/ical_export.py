"""A calendar's holidays, make-up workdays and exceptions as iCalendar (RFC 5545), for people's own calendars."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from shared.worktime.compiled import Calendar
from shared.worktime.content_lines import escaped, written

HOLIDAY: Final = "HOLIDAY"
MAKE_UP: Final = "MAKE-UP-WORKDAY"
EXCEPTION: Final = "EXCEPTION"
"""What CATEGORIES says; only the last kind is read back."""
WINDOWS: Final = "X-MOAT-WINDOWS"
"""The open windows of an exception, as the document writes them; empty for a closed day."""
UID_SUFFIX: Final = ".calendar.moat"

_Lines = Iterator[tuple[str, str]]


def export_icalendar(calendar: Calendar, first: date, last: date, *, version: int, stamp: datetime) -> bytes:
    """Every special date between `first` and `last` (both included) as all-day events, in order of their dates.

    `stamp` is when the version was made: the same version gives the same octets. UIDs are the same in every version.
    """
    document = calendar.version.document
    events = [*_holidays(calendar, first, last), *_make_up_days(calendar, first, last)]
    for exception in document.exceptions:
        if exception.last >= first and exception.first <= last:
            summary = exception.note or ("open" if exception.windows else "closed")
            windows = ",".join(exception.windows)
            events.append((exception.first, exception.last, EXCEPTION, summary, windows))
    lines: list[tuple[str, str]] = [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", f"-//Moat//Calendar {escaped(calendar.key)} version {version}//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("X-WR-CALNAME", escaped(calendar.key)),
        ("X-WR-TIMEZONE", document.zone),
    ]
    for event in sorted(events):
        lines.extend(_event(calendar.key, event, stamp))
    return written([*lines, ("END", "VCALENDAR")])


_Event = tuple[date, date, str, str, str]


def _holidays(calendar: Calendar, first: date, last: date) -> Iterator[_Event]:
    for day, name in calendar.version.holidays.items():
        if first <= day <= last:
            yield day, day, HOLIDAY, name, ""


def _make_up_days(calendar: Calendar, first: date, last: date) -> Iterator[_Event]:
    rule = calendar.version.document.holidays
    open_windows = calendar.version.document.weekly.get(rule.make_up_as, ()) if rule and rule.make_up_as else ()
    for day in calendar.version.make_up_days:
        if first <= day <= last:
            yield day, day, MAKE_UP, "Make-up workday", ",".join(open_windows)


def _event(key: str, event: _Event, stamp: datetime) -> _Lines:
    begin, end, category, summary, windows = event
    yield "BEGIN", "VEVENT"
    yield "UID", f"{category.lower()}-{begin:%Y%m%d}@{escaped(key)}{UID_SUFFIX}"
    yield "DTSTAMP", stamp.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    yield "DTSTART;VALUE=DATE", f"{begin:%Y%m%d}"
    yield "DTEND;VALUE=DATE", f"{end + timedelta(days=1):%Y%m%d}"
    yield "SUMMARY", escaped(summary)
    yield "CATEGORIES", category
    yield "TRANSP", "TRANSPARENT"
    yield WINDOWS, windows
    yield "END", "VEVENT"
