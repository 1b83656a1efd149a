"""A published calendar made ready for questions: add open time, measure it, find dates, and say why it is closed."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Literal

from shared.documents import InvalidDocument
from shared.worktime.document import ALWAYS, WEEKDAYS, CalendarDocument, Weekday
from shared.worktime.published import PublishedCalendar
from shared.worktime.span import EPOCH_ORDINAL, OpenDate, Span
from shared.worktime.windows import Window, parse_window
from shared.worktime.zones import DAY, instant_of, local_of, tzdata_version, zone

HORIZON_DAYS = 7305
"""Twenty years, five leap days included: no promise is longer."""
MUST_OPEN_WITHIN = 400 * DAY
"""A calendar without an open second in the 400 days after it becomes effective is refused."""
DayRule = Literal["exception", "holiday", "make_up_workday", "weekly"]
"""What gives a date its windows, the strongest first."""
_BLOCK = 366
_FIRST_BLOCK = date(1870, 1, 1).toordinal() // _BLOCK
_LAST_BLOCK = date(2399, 12, 31).toordinal() // _BLOCK


class Calendar:
    """One published version. Instants are integer microseconds since 1970-01-01T00:00Z; dates are those of its zone.

    Compiled lazily in blocks of about a year. Every answer is a function of the version alone; instants from 1881 to
    2398 are answered, others raise ValueError. Safe to share between threads: a compiled span is replaced, not changed.
    """

    def __init__(self, version: PublishedCalendar) -> None:
        document = version.document
        self.version = version
        self.key = document.key
        self.zone = zone(document.zone)
        self._weekly = tuple(document.windows_of_weekday(weekday) for weekday in range(7))
        self._holidays = {day.toordinal(): name for day, name in version.holidays.items()}
        rule = document.holidays
        self._make_up_days = frozenset(day.toordinal() for day in version.make_up_days)
        self._make_up_windows = _windows_of(document, rule.make_up_as) if rule and rule.make_up_as else ()
        exceptions = sorted(document.exceptions, key=lambda exception: exception.first)
        self._exception_firsts = [exception.first.toordinal() for exception in exceptions]
        self._exceptions = [
            (exception.last.toordinal(), tuple(parse_window(text) for text in exception.windows), exception.note)
            for exception in exceptions
        ]
        known = version.known_until
        # Nothing comes after the last date there is: known for ever.
        self.known_until = None if known is None or known == date.max else self.instant(known, DAY)
        self._blocks: dict[int, list[OpenDate]] = {}
        self._span: Span | None = None

    # ---- instants

    def add_open_time(self, origin: int, micros: int) -> int | None:
        """First instant `t` with `micros` of open time in `[origin, t)`; None where twenty years do not hold that much.

        Used up at closing time means closing time, not the next opening. Zero is reached at once.
        """
        if micros <= 0:
            return origin
        limit = origin + HORIZON_DAYS * DAY
        span = self._covering(origin, origin)
        while True:
            found = span.reached(span.open_before(origin) + micros)
            if found is not None and found <= span.settled_to:
                return found if found <= limit else None
            if span.settled_to >= limit:
                return None
            span = self._covering(origin, min(limit, span.settled_to + (span.settled_to - origin) + _BLOCK * DAY))

    def open_time_between(self, begin: int, end: int) -> int:
        """Open microseconds in `[begin, end)`; 0 where `end` is not later."""
        if end <= begin:
            return 0
        span = self._covering(begin, end)
        return span.open_before(end) - span.open_before(begin)

    def closed_between(self, begin: int, end: int) -> Sequence[tuple[int, int, str]]:
        """The closed stretches `(from, to, reason)` of `[begin, end)`, in order, split where the reason changes."""
        if end <= begin:
            return ()
        stretches: list[tuple[int, int, str]] = []
        for gap_begin, gap_end in self._covering(begin, end).gaps(begin, end):
            self._explain(gap_begin, gap_end, stretches)
        return stretches

    def opens_within(self, begin: int, micros: int) -> bool:
        """Whether there is any open time in `[begin, begin + micros)`."""
        return self.open_time_between(begin, begin + micros) > 0

    # ---- civil time

    def local(self, instant: int) -> tuple[date, int]:
        """The date and the wall time (microseconds after `00:00`) that the zone shows."""
        return local_of(self.zone, instant)

    def instant(self, day: date, wall: int) -> int:
        """The instant of a wall time; gaps and folds as RFC 5545 says. `wall` of 24 hours is the next midnight."""
        return instant_of(self.zone, day.toordinal(), wall)

    def windows(self, day: date) -> tuple[tuple[int, int], ...]:
        """The windows listed for the date as instants, also where they run into the next date."""
        return self._instants(day.toordinal(), self._listed(day.toordinal()))

    def end_of_last_window(self, day: date) -> int | None:
        """Latest end among the windows listed for the date; None where it has none."""
        ends = [end for _, end in self.windows(day)]
        return max(ends, default=None)

    def window_date(self, day: date, *, after: int) -> date | None:
        """The `after`-th date later than `day` that has a window; None where twenty years do not hold it."""
        ordinal = day.toordinal()
        limit = ordinal + HORIZON_DAYS
        span = self._spanning(ordinal, ordinal + 1)
        while (found := span.date_after(ordinal, after)) is None and span.last < limit:
            span = self._spanning(ordinal, min(limit, span.last + (span.last - ordinal) + 1))
        return None if found is None or found > limit else date.fromordinal(found)

    def nearest_window_date(self, day: date, *, forward: bool) -> date | None:
        """The date itself where it has a window, else the nearest later (or earlier) one; None beyond twenty years."""
        ordinal = day.toordinal()
        if self._listed(ordinal):
            return day
        if forward:
            return self.window_date(day, after=1)
        limit = ordinal - HORIZON_DAYS
        span = self._spanning(ordinal - 1, ordinal)
        while (found := span.date_before(ordinal)) is None and span.first > limit:
            span = self._spanning(max(limit, span.first - _BLOCK), ordinal)
        return None if found is None or found < limit else date.fromordinal(found)

    def rule_of(self, day: date) -> tuple[DayRule, str | None]:
        """What gives the date its windows, with the exception's note or the holiday's name."""
        ordinal = day.toordinal()
        exception = self._exception(ordinal)
        if exception is not None:
            return "exception", exception[1]
        if ordinal in self._holidays:
            return "holiday", self._holidays[ordinal]
        return ("make_up_workday" if ordinal in self._make_up_days else "weekly"), None

    def reason_closed(self, day: date) -> str:
        """Why a date is closed: `exception: <note>`, `holiday: <name>`, `weekend`, `day off`, or `outside hours`."""
        ordinal = day.toordinal()
        if self._listed(ordinal):
            return "outside hours"
        exception = self._exception(ordinal)
        if exception is not None:
            return f"exception: {exception[1]}" if exception[1] else "exception"
        if ordinal in self._holidays:
            return f"holiday: {self._holidays[ordinal]}"
        return "weekend" if day.weekday() >= 5 else "day off"

    # ---- compiling

    def _exception(self, ordinal: int) -> tuple[tuple[Window, ...], str | None] | None:
        index = bisect_right(self._exception_firsts, ordinal) - 1
        if index < 0 or self._exceptions[index][0] < ordinal:
            return None
        return self._exceptions[index][1:]

    def _listed(self, ordinal: int) -> tuple[Window, ...]:
        """Exception, else holiday, else make-up workday, else the weekday."""
        if self._exceptions:
            exception = self._exception(ordinal)
            if exception is not None:
                return exception[0]
        if ordinal in self._holidays:
            return ()
        if ordinal in self._make_up_days:
            return self._make_up_windows
        return self._weekly[(ordinal - 1) % 7]

    def _instants(self, ordinal: int, windows: Sequence[Window]) -> tuple[tuple[int, int], ...]:
        return tuple(
            (instant_of(self.zone, ordinal, window.begin), instant_of(self.zone, ordinal, window.end))
            for window in windows
        )

    def _covering(self, begin: int, end: int) -> Span:
        span = self._span
        if span is not None and span.settled_from <= begin and end <= span.settled_to:
            return span
        return self._spanning(begin // DAY + EPOCH_ORDINAL - 2, end // DAY + EPOCH_ORDINAL + 2)

    def _spanning(self, first: int, last: int) -> Span:
        """A span that holds these dates, built on what is compiled already."""
        span = self._span
        if span is not None:
            if span.first <= first and last <= span.last:
                return span
            first, last = min(first, span.first), max(last, span.last)
        blocks = range(first // _BLOCK, last // _BLOCK + 1)
        if blocks[0] < _FIRST_BLOCK or blocks[-1] > _LAST_BLOCK:
            raise ValueError("calendars answer for the years 1881 to 2398")
        grown = Span(blocks[0] * _BLOCK, (blocks[-1] + 1) * _BLOCK - 1, self._open_dates(blocks))
        self._span = grown
        return grown

    def _open_dates(self, blocks: range) -> list[OpenDate]:
        for block in blocks:
            if block not in self._blocks:
                ordinals = range(block * _BLOCK, (block + 1) * _BLOCK)
                listed = ((ordinal, self._listed(ordinal)) for ordinal in ordinals)
                self._blocks[block] = [
                    OpenDate(ordinal, self._instants(ordinal, windows)) for ordinal, windows in listed if windows
                ]
        return [date for block in blocks for date in self._blocks[block]]

    def _explain(self, begin: int, end: int, into: list[tuple[int, int, str]]) -> None:
        """Append the closed stretch `[begin, end)`, split at the midnights where the reason changes."""
        while begin < end:
            day, _ = self.local(begin)
            midnight = self.instant(day, DAY)
            until = min(end, midnight) if midnight > begin else end
            reason = self.reason_closed(day)
            if into and into[-1][1] == begin and into[-1][2] == reason:
                into[-1] = (into[-1][0], until, reason)
            else:
                into.append((begin, until, reason))
            begin = until


def _windows_of(document: CalendarDocument, weekday: Weekday) -> tuple[Window, ...]:
    return document.windows_of_weekday(WEEKDAYS.index(weekday))


def require_open_time(calendar: Calendar, *, effective: int) -> None:
    """Raise `InvalidDocument` for a calendar that has no open second in the 400 days after it becomes effective."""
    if calendar.open_time_between(effective, effective + MUST_OPEN_WITHIN) == 0:
        detail = f"calendar {calendar.key!r} has no open second in the 400 days after it becomes effective"
        raise InvalidDocument.at("", "no-open-time", detail)


@cache
def always() -> Calendar:
    """The calendar that is built in: every date `00:00-24:00`, in UTC."""
    document = CalendarDocument.model_construct(
        key=ALWAYS,
        zone="UTC",
        weekly=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)),
        holidays=None,
        exceptions=(),
        known_until=None,
    )
    return Calendar(PublishedCalendar.model_construct(document=document, tzdata_version=tzdata_version()))
