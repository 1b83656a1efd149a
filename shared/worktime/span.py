"""A stretch of a calendar compiled to sorted arrays: open time by bisection, never by walking over days."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from shared.worktime.zones import DAY

EPOCH_ORDINAL = 719_163
"""The proleptic Gregorian ordinal of 1970-01-01."""


@dataclass(frozen=True, slots=True)
class OpenDate:
    """A date that has a window: its windows as instants, some perhaps empty (in a clock change)."""

    ordinal: int
    windows: tuple[tuple[int, int], ...]

    @property
    def last_end(self) -> int:
        """The end of its last window."""
        return max(end for _, end in self.windows)


class Span:
    """Open time of the dates `[first, last]` (ordinals). Instants are integer microseconds, intervals half-open.

    Windows of neighbouring dates reach into the edges: answers are right between `settled_from` and `settled_to`.
    """

    __slots__ = (
        "_begins",
        "_dates",
        "_ends",
        "_last_ends",
        "_used_at_end",
        "first",
        "last",
        "settled_from",
        "settled_to",
    )

    def __init__(self, first: int, last: int, dates: Iterable[OpenDate]) -> None:
        self.first = first
        self.last = last
        # A window may run a day into the next date, and no zone is more than a day away from UTC.
        self.settled_from = (first - EPOCH_ORDINAL + 2) * DAY
        self.settled_to = (last - EPOCH_ORDINAL - 1) * DAY
        known = list(dates)
        self._dates = [date.ordinal for date in known]
        self._last_ends = [date.last_end for date in known]
        merged = list(_merged(window for date in known for window in date.windows))
        self._begins = [begin for begin, _ in merged]
        self._ends = [end for _, end in merged]
        self._used_at_end = list(_running_totals(merged))

    def open_before(self, instant: int) -> int:
        """Open microseconds from the span's beginning up to the instant."""
        index = bisect_right(self._begins, instant) - 1
        if index < 0:
            return 0
        return self._used_at_end[index] - max(0, self._ends[index] - instant)

    def reached(self, total: int) -> int | None:
        """The first instant by which the span has been open for `total` (above zero); None where it is less."""
        index = bisect_left(self._used_at_end, total)
        if index == len(self._ends):
            return None
        return self._ends[index] - (self._used_at_end[index] - total)

    def gaps(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The closed stretches of `[begin, end)`, in order."""
        index = bisect_right(self._ends, begin)
        while begin < end:
            opens = self._begins[index] if index < len(self._begins) else end
            if opens > begin:
                yield begin, min(opens, end)
            if opens >= end:
                return
            begin = self._ends[index]
            index += 1

    def last_end(self, ordinal: int) -> int | None:
        """The end of the last window of a date inside the span; None where it has no window."""
        index = bisect_left(self._dates, ordinal)
        if index < len(self._dates) and self._dates[index] == ordinal:
            return self._last_ends[index]
        return None

    def date_after(self, ordinal: int, count: int) -> int | None:
        """The `count`-th date later than `ordinal` that has a window; None where it lies beyond the span."""
        index = bisect_right(self._dates, ordinal) + count - 1
        return self._dates[index] if index < len(self._dates) else None

    def date_before(self, ordinal: int) -> int | None:
        """The nearest earlier date that has a window; None where it lies before the span."""
        index = bisect_left(self._dates, ordinal) - 1
        return self._dates[index] if index >= 0 else None


def _merged(windows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The union as disjoint intervals in order: windows that touch or overlap become one, empty ones vanish."""
    begin = end = None
    for next_begin, next_end in sorted(windows, key=itemgetter(0)):
        if next_end <= next_begin:
            continue
        if begin is None or end is None:
            begin, end = next_begin, next_end
        elif next_begin <= end:
            end = max(end, next_end)
        else:
            yield begin, end
            begin, end = next_begin, next_end
    if begin is not None and end is not None:
        yield begin, end


def _running_totals(intervals: Iterable[tuple[int, int]]) -> Iterator[int]:
    total = 0
    for begin, end in intervals:
        total += end - begin
        yield total
