"""When one cycle ran and when it stood still, and how much time it used: real time, and the open time of calendars.

Instants are integer microseconds. Whatever its lines promise, a cycle's time is measured here, once for each calendar:
a line that joins late asks what was used before, and nobody goes through the history again.
"""

from bisect import bisect_left
from operator import itemgetter

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.day_rules import BeyondHorizonError
from services.crisis.domain.clocks.instants import HORIZON

_USED_BEFORE = itemgetter(1)


class Meter:
    """Real time, or the open time of one calendar, that a cycle has used while it ran. Made running at its base."""

    __slots__ = ("_runs", "_since", "_used", "calendar")

    def __init__(self, calendar: OpenTime | None, base: int) -> None:
        self.calendar = calendar
        self._runs = [(base, 0)]  # where each run began, and what had been used before it
        self._since: int | None = base
        self._used = 0

    def run(self, at: int) -> None:
        """The clock runs again."""
        self._since = at
        self._runs.append((at, self._used))

    def halt(self, at: int) -> None:
        """The clock stands still."""
        self._used = self.used(at)
        self._since = None

    def used(self, at: int) -> int:
        """What was used up to `at`, which is not before the last run or halt."""
        return self._used if self._since is None else self._used + self.measure(self._since, at)

    def reached(self, used: int) -> int | None:
        """The first instant by which that much was or will be used; None where the clock stands still before it."""
        if self._since is None and used > self._used:
            return None
        begin, before = self._runs[max(0, bisect_left(self._runs, used, key=_USED_BEFORE) - 1)]
        return self.after(begin, used - before)

    def measure(self, begin: int, end: int) -> int:
        """Real or open time in `[begin, end)`."""
        return end - begin if self.calendar is None else self.calendar.open_time_between(begin, end)

    def after(self, begin: int, amount: int) -> int:
        """First instant `t` with so much real or open time in `[begin, t)`. Raises `BeyondHorizonError`."""
        if self.calendar is None:
            found = begin + amount if amount <= HORIZON else None
        else:
            found = self.calendar.add_open_time(begin, amount)
        if found is None:
            raise BeyondHorizonError
        return found


class Course:
    """The course of one cycle: its halts (pauses, and stops that a reopen turned into pauses), and its meters."""

    __slots__ = ("_meters", "halts", "started_at")

    def __init__(self, started_at: int) -> None:
        self.started_at = started_at
        self.halts: list[tuple[int, int | None]] = []
        """Where each halt began and ended, in order; None where it still lasts."""
        self._meters: dict[str | None, Meter] = {}

    @property
    def is_halted(self) -> bool:
        """Whether the clock stands still."""
        return bool(self.halts) and self.halts[-1][1] is None

    def run(self, at: int) -> None:
        """The clock runs again; nothing changes where it does."""
        if self.is_halted:
            self.halts[-1] = self.halts[-1][0], at
            for meter in self._meters.values():
                meter.run(at)

    def halt(self, at: int) -> None:
        """The clock stands still; nothing changes where it does."""
        if not self.is_halted:
            self.halts.append((at, None))
            for meter in self._meters.values():
                meter.halt(at)

    def meter(self, key: str | None, calendar: OpenTime | None) -> Meter:
        """The meter of the calendar that targets name `key`; of real time where both are None."""
        found = self._meters.get(key)
        if found is None:
            found = self._meters[key] = Meter(calendar, self.started_at)
            for begin, end in self.halts:
                found.halt(begin)
                if end is not None:
                    found.run(end)
        return found
