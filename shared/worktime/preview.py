"""A month of a calendar as people check it: when each day is open, for how long, and why it is closed or special."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from shared.worktime.compiled import Calendar

DayKind = Literal["workday", "weekend", "day_off", "holiday", "make_up_workday", "exception"]


@dataclass(frozen=True, slots=True)
class DayPreview:
    """One date of the calendar's zone. Windows are those that begin on it, as instants (microseconds).

    `open_micros` counts each instant once, so that the days of a month add up to its open time, also where windows
    run into the next date. `note` is the exception's. `is_known` is false beyond the calendar's `known_until`.
    """

    day: date
    kind: DayKind
    windows: tuple[tuple[int, int], ...]
    open_micros: int
    reason: str | None
    holiday: str | None
    is_known: bool


def preview_month(calendar: Calendar, year: int, month: int) -> tuple[DayPreview, ...]:
    """Every date of the month, in order. Years from 1881 to 2398; others raise ValueError."""
    first = date(year, month, 1)
    before = calendar.windows(first - timedelta(days=1))
    counted_to = max((end for _, end in before), default=calendar.instant(first, 0))
    days: list[DayPreview] = []
    for number in range(monthrange(year, month)[1]):
        day = first + timedelta(days=number)
        windows = tuple(sorted(calendar.windows(day)))
        micros = 0
        for begin, end in windows:
            micros += max(0, end - max(begin, counted_to))
            counted_to = max(counted_to, end)
        days.append(_day(calendar, day, windows, micros))
    return tuple(days)


def _day(calendar: Calendar, day: date, windows: tuple[tuple[int, int], ...], micros: int) -> DayPreview:
    rule, words = calendar.rule_of(day)
    is_open = bool(windows)
    kind: DayKind
    if rule != "weekly":
        kind = rule
    elif is_open:
        kind = "workday"
    else:
        kind = "weekend" if day.weekday() >= 5 else "day_off"
    known_until = calendar.version.known_until
    return DayPreview(
        day=day,
        kind=kind,
        windows=windows,
        open_micros=micros,
        reason=None if is_open and kind == "workday" else _reason(kind, words),
        holiday=calendar.version.holidays.get(day),
        is_known=known_until is None or day <= known_until,
    )


def _reason(kind: DayKind, words: str | None) -> str:
    name = {"make_up_workday": "make-up workday", "day_off": "day off"}.get(kind, kind)
    return f"{name}: {words}" if words else name
