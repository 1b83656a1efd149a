"""Exceptions of a calendar out of an iCalendar file (RFC 5545): closed days and days with other hours.

An all-day event closes its dates. An event with times says when its date is open; several of one date are its windows.
What cannot be taken is refused with its place, `/VEVENT/2/RRULE` being a property of the third event.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Final

from shared.contracts.errors import FieldError
from shared.documents import InvalidDocument
from shared.worktime.content_lines import ContentLine, MalformedLine, read_lines, unescaped
from shared.worktime.ical_export import EXCEPTION, HOLIDAY, MAKE_UP, UID_SUFFIX, WINDOWS
from shared.worktime.ical_times import Cannot, Moment, dates_of, moment_of, window_of

_MOST_EVENTS: Final = 2000
_RECURRENCE: Final = ("RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID")
_NOTE: Final = 200


@dataclass(frozen=True, slots=True)
class Imported:
    """Exceptions as the document writes them, in order of their dates; `skipped` counts events that are none."""

    exceptions: tuple[dict[str, Any], ...]
    skipped: int


@dataclass(slots=True)
class _Event:
    index: int
    properties: dict[str, ContentLine] = field(default_factory=dict)

    def error(self, name: str, rule: str, detail: str) -> FieldError:
        line = self.properties.get(name)
        where = f" (line {line.number})" if line else ""
        return FieldError(f"/VEVENT/{self.index}/{name}", rule, detail + where)


@dataclass(slots=True)
class _Dates:
    """What an event says of its dates."""

    event: _Event
    first: date
    last: date
    windows: list[str]
    note: str | None
    is_whole: bool


def import_icalendar(text: str, *, zone: str) -> Imported:
    """The exceptions that the file describes, for a calendar of this zone.

    Cancelled events are skipped, and so are holidays and make-up days of our own export, which come from elsewhere.
    Raises `InvalidDocument` with every event that cannot be taken.
    """
    errors: list[FieldError] = []
    found: list[_Dates] = []
    skipped = 0
    for event in _events(text):
        try:
            if _is_skipped(event):
                skipped += 1
            else:
                found.append(_dates(event, zone))
        except Cannot as error:
            errors.append(event.error(error.property, error.rule, error.detail))
    merged = _merged(found)
    errors.extend(_overlaps(merged))
    if errors:
        raise InvalidDocument(errors)
    return Imported(tuple(_exception(one) for one in merged), skipped)


def _events(text: str) -> Iterator[_Event]:
    """The VEVENTs of the file; what is inside their alarms, and other components, is left out."""
    inside: list[str] = []
    event: _Event | None = None
    count = 0
    for line in _lines(text):
        if line.name == "BEGIN":
            inside.append(line.value.strip().upper())
            if inside == ["VCALENDAR", "VEVENT"]:
                event, count = _Event(count), count + 1
                if count > _MOST_EVENTS:
                    raise InvalidDocument.at("/VEVENT", "length", f"at most {_MOST_EVENTS} events are taken at once")
        elif line.name == "END":
            if not inside or inside.pop() != line.value.strip().upper():
                raise InvalidDocument.at("", "icalendar", f"line {line.number} ends what was not begun")
            if event is not None and inside == ["VCALENDAR"]:
                yield event
                event = None
        elif event is not None and inside == ["VCALENDAR", "VEVENT"]:
            event.properties.setdefault(line.name, line)
    if inside or count == 0:
        detail = f"{inside[-1]} is not ended" if inside else "there is no VEVENT in a VCALENDAR"
        raise InvalidDocument.at("", "icalendar", detail)


def _lines(text: str) -> Iterator[ContentLine]:
    try:
        yield from read_lines(text)
    except MalformedLine as error:
        raise InvalidDocument.at("", "icalendar", str(error)) from None


def _is_skipped(event: _Event) -> bool:
    is_ours = _value(event, "UID").endswith(UID_SUFFIX) and _value(event, "CATEGORIES") in {HOLIDAY, MAKE_UP}
    return is_ours or _value(event, "STATUS").upper() == "CANCELLED"


def _dates(event: _Event, zone: str) -> _Dates:
    for name in _RECURRENCE:
        if name in event.properties:
            raise Cannot(name, "recurrence", "an event that repeats is not taken; write each date as an event")
    begin = _moment(event, "DTSTART", zone)
    if begin is None:
        raise Cannot("DTSTART", "required", "an event has a beginning")
    end = _moment(event, "DTEND", zone)
    duration = _value(event, "DURATION") or None
    note = unescaped(_value(event, "SUMMARY")).replace("\n", " ").strip()[:_NOTE] or None
    if begin.wall is None:
        first, last = dates_of(begin, end, duration)
        windows = _own_windows(event)
        return _Dates(event, first, last, windows, note, is_whole=True)
    return _Dates(event, begin.day, begin.day, [window_of(begin, end, duration)], note, is_whole=False)


def _own_windows(event: _Event) -> list[str]:
    """The windows that our own export wrote down; another all-day event closes its dates."""
    if EXCEPTION not in _value(event, "CATEGORIES").upper().split(","):
        return []
    return [window for window in _value(event, WINDOWS).split(",") if window]


def _moment(event: _Event, name: str, zone: str) -> Moment | None:
    line = event.properties.get(name)
    return None if line is None else moment_of(line, zone)


def _value(event: _Event, name: str) -> str:
    line = event.properties.get(name)
    return "" if line is None else line.value.strip()


def _merged(found: Iterable[_Dates]) -> list[_Dates]:
    """Events with times of one date become one exception with several windows."""
    whole = [one for one in found if one.is_whole]
    timed: dict[date, _Dates] = {}
    for one in found:
        if one.is_whole:
            continue
        known = timed.setdefault(one.first, one)
        if known is not one:
            known.windows = sorted({*known.windows, *one.windows})
    return sorted([*whole, *timed.values()], key=lambda one: (one.first, one.last))


def _overlaps(ordered: list[_Dates]) -> Iterator[FieldError]:
    for before, after in pairwise(ordered):
        if after.first <= before.last:
            detail = f"{after.first} belongs to event {before.event.index} already; a date has one exception"
            yield after.event.error("DTSTART", "overlapping-exceptions", detail)


def _exception(one: _Dates) -> dict[str, Any]:
    dates: Mapping[str, str] = (
        {"date": one.first.isoformat()}
        if one.first == one.last
        else {"from": one.first.isoformat(), "to": one.last.isoformat()}
    )
    return {**dates, "windows": one.windows, **({"note": one.note} if one.note else {})}
