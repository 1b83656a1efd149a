"""Ticks of a time axis at round wall times of a zone, and the clock changes that lie on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.crisis.domain.clocks.instants import DAY, from_micros
from services.crisis.explain.words import Language, weekday
from shared.worktime.zones import instant_of, local_of

_MINUTE: Final = 60_000_000
_WITHIN_A_DAY: Final = tuple(m * _MINUTE for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720))
_DAYS: Final = (1, 2, 7, 14)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60)
_MONTH: Final = 30 * DAY
_SHIFT: Final = 120 * _MINUTE


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the axis. `above` is its label, `below` the coarser one, where that begins."""

    at: int
    above: str
    below: str | None = None


def ticks(begin: int, end: int, zone: ZoneInfo, language: Language, *, most: int) -> list[Tick]:
    """At most about `most` ticks in `[begin, end]` (microseconds), at wall times that people find round."""
    length = end - begin
    for step in _WITHIN_A_DAY:
        if length <= step * most:
            return list(_of_hours(begin, end, zone, step, language))
    for days in _DAYS:
        if length <= days * DAY * most:
            return list(_of_days(begin, end, zone, days, language))
    months = next((months for months in _MONTHS if length <= months * _MONTH * most), _MONTHS[-1])
    return list(_of_months(begin, end, zone, months))


def clock_changes(begin: int, end: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Where the zone's offset from UTC changes: the instant, and `+00:00 → +01:00`."""
    changes: list[tuple[int, str]] = []
    at = begin
    while at < end:
        later = min(at + DAY, end)
        if _offset(at, zone) != _offset(later, zone):
            low, high = at, later
            while high - low > 1_000_000:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle, zone) == _offset(at, zone) else (low, middle)
            edge = high // 1_000_000 * 1_000_000
            changes.append((edge, f"{_offset(at, zone)} → {_offset(later, zone)}"))
        at = later
    return changes


def midnights(begin: int, end: int, zone: ZoneInfo, *, every: int) -> list[int]:
    """The local midnights of every so many dates in `(begin, end)`."""
    dates = (day.toordinal() for day in _dates(begin, end, zone))
    instants = (instant_of(zone, day, 0) for day in dates if (day - 1) % every == 0)
    return [at for at in instants if begin < at < end]


def _of_hours(begin: int, end: int, zone: ZoneInfo, step: int, language: Language) -> Iterator[Tick]:
    """Wall times of every date; one that a clock change skips has no tick."""
    shown: date | None = None
    (first, since), (last, until) = local_of(zone, begin), local_of(zone, end)
    for day in _dates(begin, end, zone):
        # Two hours more than needed on either side: there a clock change may have moved the wall.
        earliest = max(0, since - _SHIFT) // step * step if day == first else 0
        for wall in range(earliest, min(DAY, until + _SHIFT) if day == last else DAY, step):
            at = instant_of(zone, day.toordinal(), wall)
            if begin <= at <= end and local_of(zone, at) == (day, wall):
                name = None if day == shown else _date_label(at, zone, language)
                shown = day
                yield Tick(at, f"{wall // _MINUTE // 60:02d}:{wall // _MINUTE % 60:02d}", name)


def _of_days(begin: int, end: int, zone: ZoneInfo, step: int, language: Language) -> Iterator[Tick]:
    """Midnights; with steps of weeks, those of Mondays."""
    year: int | None = None
    for day in _dates(begin, end, zone):
        if (day.toordinal() - 1) % step:  # ordinal 1 is a Monday
            continue
        at = instant_of(zone, day.toordinal(), 0)
        if begin <= at <= end:
            yield Tick(at, f"{day:%m-%d} {weekday(from_micros(at), zone, language)}", _year(day, year))
            year = day.year


def _of_months(begin: int, end: int, zone: ZoneInfo, step: int) -> Iterator[Tick]:
    """First days of months."""
    first, _ = local_of(zone, begin)
    index = first.year * 12 + first.month - 1
    index += -index % step
    year: int | None = None
    while True:
        day = date(index // 12, index % 12 + 1, 1)
        at = instant_of(zone, day.toordinal(), 0)
        if at > end:
            return
        if at >= begin:
            yield Tick(at, f"{day:%Y-%m}" if step < 12 else f"{day:%Y}", None if step < 12 else _year(day, year))
            year = day.year
        index += step


def _year(day: date, shown: int | None) -> str | None:
    return None if day.year == shown else f"{day:%Y}"


def _dates(begin: int, end: int, zone: ZoneInfo) -> Iterator[date]:
    day, _ = local_of(zone, begin)
    last, _ = local_of(zone, end)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _date_label(at: int, zone: ZoneInfo, language: Language) -> str:
    local = from_micros(at).astimezone(zone)
    return f"{local:%Y-%m-%d} {weekday(local, zone, language)}"


def _offset(at: int, zone: ZoneInfo) -> str:
    return from_micros(at).astimezone(zone).isoformat()[-6:]
