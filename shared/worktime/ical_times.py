"""Dates, times and lengths of iCalendar events, as dates and windows of a calendar's own zone."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from shared.worktime.content_lines import ContentLine
from shared.worktime.windows import DAY, MINUTE
from shared.worktime.zones import is_zone, zone

_DATE: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_TIME: Final = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(Z?)", re.ASCII)
_LENGTH: Final = re.compile(r"\+?P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?)")


class Cannot(Exception):  # noqa: N818 - a named fact
    """An event that cannot become an exception: the property, the rule and why."""

    def __init__(self, property_: str, rule: str, detail: str) -> None:
        self.property, self.rule, self.detail = property_, rule, detail
        super().__init__(detail)


class Moment(NamedTuple):
    """A date, or a date and the wall time (microseconds after `00:00`), in the calendar's zone."""

    day: date
    wall: int | None


def moment_of(line: ContentLine, calendar_zone: str) -> Moment:
    """DTSTART or DTEND in the calendar's zone; a time without a zone is the calendar's own. Raises Cannot."""
    value = line.value.strip()
    try:
        if (found := _DATE.fullmatch(value)) is not None:
            return Moment(date(int(found[1]), int(found[2]), int(found[3])), None)
        if (found := _TIME.fullmatch(value)) is not None:
            civil = datetime(*(int(part) for part in found.groups()[:6]))  # type: ignore[arg-type] # noqa: DTZ001
            return _local(line, civil, calendar_zone, is_utc=found[7] == "Z")
    except (ValueError, OverflowError):
        pass
    raise Cannot(line.name, "date_format", f"{value[:40]!r} is no date (YYYYMMDD) and no time (YYYYMMDDTHHMMSS)")


def dates_of(begin: Moment, end: Moment | None, duration: str | None) -> tuple[date, date]:
    """The first and last date of an all-day event; DTEND is the date after the last. Raises Cannot."""
    if end is not None:
        if end.wall is not None:
            raise Cannot("DTEND", "date_format", "an event that begins with a date ends with one")
        last = end.day - timedelta(days=1)
    elif duration is not None:
        length = _length(duration)
        if length % DAY:
            raise Cannot("DURATION", "date_format", "an event that begins with a date lasts whole days")
        last = begin.day + timedelta(days=length // DAY - 1)
    else:
        last = begin.day
    if last < begin.day:
        raise Cannot("DTEND" if end else "DURATION", "inverted", "an event does not end before it begins")
    return begin.day, last


def window_of(begin: Moment, end: Moment | None, duration: str | None) -> str:
    """`09:00-12:00` of the date on which the event begins; it may run into the next. Raises Cannot."""
    assert begin.wall is not None
    if end is not None:
        if end.wall is None:
            raise Cannot("DTEND", "date_format", "an event that begins with a time ends with one")
        until = (end.day - begin.day).days * DAY + end.wall
    elif duration is not None:
        until = begin.wall + _length(duration)
    else:
        raise Cannot("DTEND", "required", "an event with a time says when it ends")
    where = "DTEND" if end is not None else "DURATION"
    if until <= begin.wall:
        raise Cannot(where, "inverted", "an event ends after it begins")
    if until - begin.wall > DAY:
        raise Cannot(where, "too-long", "a window is at most 24 hours long; write one event for each date")
    if begin.wall % MINUTE or until % MINUTE:
        raise Cannot("DTSTART" if begin.wall % MINUTE else where, "minutes", "windows begin and end at whole minutes")
    return f"{_wall(begin.wall)}-{_wall(until if until <= DAY else until - DAY)}"


def _local(line: ContentLine, civil: datetime, calendar_zone: str, *, is_utc: bool) -> Moment:
    named = line.parameters.get("TZID")
    if is_utc:
        local = civil.replace(tzinfo=UTC).astimezone(zone(calendar_zone))
    elif named is not None and named != calendar_zone:
        if not is_zone(named):
            raise Cannot(line.name, "unknown-zone", f"there is no IANA time zone {named[:60]!r}")
        local = civil.replace(tzinfo=zone(named)).astimezone(UTC).astimezone(zone(calendar_zone))
    else:
        local = civil
    wall = (local.hour * 3600 + local.minute * 60 + local.second) * 1_000_000
    return Moment(local.date(), wall)


def _length(duration: str) -> int:
    found = _LENGTH.fullmatch(duration)
    if found is None or not any(found.groups()):
        raise Cannot("DURATION", "duration_format", f"{duration[:40]!r} is no length like PT3H or P2D")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (weeks * 7 + days) * DAY + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000


def _wall(micros: int) -> str:
    hours, minutes = divmod(micros // MINUTE, 60)
    return f"{hours:02}:{minutes:02}"
