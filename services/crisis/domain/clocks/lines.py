"""Lines of a clock: targets measured from an origin, told when the clock runs and halts, knowing when they are due.

They hold state and change in place: the fold makes them, owns them and throws them away; nothing outside sees one.
Instants are integer microseconds.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, assert_never

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.day_rules import BeyondHorizonError, due_of_business_days, due_of_period
from services.crisis.domain.clocks.events import Reopen, Retarget, Start
from services.crisis.domain.clocks.instants import HORIZON
from services.crisis.domain.clocks.policy import Business, BusinessDays, CalendarPeriod, Elapsed, PercentUsed, Target


class Brought(NamedTuple):
    """What put a line in force: the event, and the key of the policy that its target is of; None for one sent along."""

    event: Start | Retarget | Reopen
    policy: str | None


class Line(Protocol):
    """One target, measured from one origin. Created running at its base."""

    target: Target
    calendar: OpenTime | None
    """The calendar that gives the due instant; None for real time."""
    base: int
    """Where the measuring begins: the cycle's start, or the change that prorated."""
    due: int | None
    """The due instant; None while halted, if the halt moves it."""
    brought: Brought
    extended: tuple[tuple[int, int], ...]
    """Approved extensions: when each was made, and the due instant that it led to."""

    @property
    def is_whole(self) -> bool:
        """Whether the whole target is measured from the base, nothing of it being used before."""

    def run(self, at: int) -> None:
        """The clock runs again."""

    def halt(self, at: int) -> None:
        """The clock stands still. A halt at or after the due instant does not move it."""

    def due_if_resumed(self, at: int) -> int:
        """The due instant, as if a halted clock ran again at `at`."""

    def used_at(self, share: PercentUsed) -> int:
        """When the share is used up, rounded up to a microsecond; asked for while running."""

    def extend(self, due: int, at: int) -> None:
        """An extension approved at `at` moves the due instant."""

    def fresh(self) -> "Line":
        """The same line as it was at its base."""


class RunningLine:
    """`elapsed` and `business`: an amount of real or open time that is used up while the clock runs.

    `whole` is the target's duration, `budget` what of it was left at the base: less than whole after a prorate.
    """

    __slots__ = (
        *("_consumed", "_runs", "_since"),
        *("base", "brought", "budget", "calendar", "due", "extended", "target", "whole"),
    )

    def __init__(
        self, target: Target, calendar: OpenTime | None, base: int, brought: Brought, *, whole: int, budget: int
    ) -> None:
        self.target = target
        self.brought = brought
        self.extended: tuple[tuple[int, int], ...] = ()
        self.calendar = calendar
        self.base = base
        self.whole = whole
        self.budget = budget
        self.due: int | None = None
        self._consumed = 0
        self._since: int | None = None
        self._runs: list[tuple[int, int]] = []
        self.run(base)

    @property
    def is_whole(self) -> bool:
        return self.budget == self.whole

    def run(self, at: int) -> None:
        if self._since is None:
            self._since = at
            if self.due is None:
                self._runs.append((at, self._consumed))
                self.due = self._after(at, self.budget - self._consumed)

    def halt(self, at: int) -> None:
        if self._since is None:
            return
        if self.due is not None and self.due > at:
            self._consumed += self.measure(self._since, at)
            self.due = None
        self._since = None

    def due_if_resumed(self, at: int) -> int:
        return self.due if self.due is not None else self._after(at, self.budget - self._consumed)

    def left(self, at: int) -> int:
        """What is left of the budget, never below zero."""
        if self.due is None or self._since is None:
            return self.budget - self._consumed if self.due is None else 0
        return 0 if self.due <= at else self.budget - self._consumed - self.measure(self._since, at)

    def used_at(self, share: PercentUsed) -> int:
        need = -(-self.whole * share.parts // share.whole) - (self.whole - self.budget)
        if need <= 0:
            return self.base
        begin, before = next(run for run in reversed(self._runs) if run[1] < need)
        return self._after(begin, need - before)

    def extend(self, due: int, at: int) -> None:
        self.due = due
        self.extended = (*self.extended, (at, due))
        self.whole = self.budget = self.measure(self.base, due)

    def fresh(self) -> "RunningLine":
        return RunningLine(self.target, self.calendar, self.base, self.brought, whole=self.whole, budget=self.budget)

    def measure(self, begin: int, end: int) -> int:
        """Real or open time in `[begin, end)`."""
        return end - begin if self.calendar is None else self.calendar.open_time_between(begin, end)

    def _after(self, begin: int, amount: int) -> int:
        if self.calendar is None:
            found = begin + amount if amount <= HORIZON else None
        else:
            found = self.calendar.add_open_time(begin, amount)
        if found is None:
            raise BeyondHorizonError
        return found


class DayLine:
    """`business_days` and `period`: a date counted from the origin; pauses move it only with `under_pause: shift`."""

    __slots__ = (
        *("_halted_at", "_moved", "_rule", "_shift", "_shifted"),
        *("base", "brought", "calendar", "due", "extended", "target"),
    )

    def __init__(
        self,
        target: Target,
        calendar: OpenTime,
        base: int,
        brought: Brought,
        rule: Callable[[int], int],
        *,
        shift: bool,
    ) -> None:
        self.target = target
        self.brought = brought
        self.extended: tuple[tuple[int, int], ...] = ()
        self.calendar: OpenTime | None = calendar
        self.base = base
        self._rule = rule
        self._shift = shift
        self._shifted = 0
        self._halted_at: int | None = None
        self._moved = False
        self.due: int | None = rule(base)

    @property
    def is_whole(self) -> bool:
        return True

    def run(self, at: int) -> None:
        if self._halted_at is not None and self._moved:
            self._shifted += at - self._halted_at
            self.due = self._rule(self.base + self._shifted)
        self._halted_at = None
        self._moved = False

    def halt(self, at: int) -> None:
        if self._halted_at is not None:
            return
        self._halted_at = at
        if self._shift and self.due is not None and self.due > at:
            self._moved = True
            self.due = None

    def due_if_resumed(self, at: int) -> int:
        if self.due is not None:
            return self.due
        halted = 0 if self._halted_at is None else at - self._halted_at
        return self._rule(self.base + self._shifted + halted)

    def used_at(self, share: PercentUsed) -> int:
        length = (self.base if self.due is None else self.due) - self.base
        return self.base - (-length * share.parts // share.whole)

    def extend(self, due: int, at: int) -> None:
        self.due = due
        self.extended = (*self.extended, (at, due))

    def fresh(self) -> "DayLine":
        assert self.calendar is not None
        return DayLine(self.target, self.calendar, self.base, self.brought, self._rule, shift=self._shift)


def line_of(target: Target, calendar: OpenTime | None, base: int, brought: Brought) -> Line:
    """A whole line of the target, measured from `base`. Every kind but `elapsed` needs the calendar."""
    match target.duration:
        case Elapsed(micros=micros):
            return RunningLine(target, None, base, brought, whole=micros, budget=micros)
        case Business(micros=micros):
            return RunningLine(target, _needed(calendar), base, brought, whole=micros, budget=micros)
        case BusinessDays() as days:
            known = _needed(calendar)
            return DayLine(
                target, known, base, brought, lambda o: due_of_business_days(days, known, o), shift=days.shift
            )
        case CalendarPeriod() as period:
            known = _needed(calendar)
            return DayLine(target, known, base, brought, lambda o: due_of_period(period, known, o), shift=period.shift)
        case _:
            assert_never(target.duration)


def prorated(new: Target, calendar: OpenTime | None, *, earliest: Line, at: int, brought: Brought) -> Line | None:
    """A line with the new target that has, from `at`, the share that the earliest line has left.

    None where a kind that counts days is on either side: then nothing changes.
    """
    match new.duration:
        case Elapsed(micros=whole) | Business(micros=whole) if isinstance(earliest, RunningLine):
            budget = earliest.left(at) * whole // earliest.whole
            over = None if isinstance(new.duration, Elapsed) else _needed(calendar)
            return RunningLine(new, over, at, brought, whole=whole, budget=budget)
        case _:
            return None


def earliest_of(lines: Sequence[Line], at: int) -> Line:
    """The line with the earliest due instant, as if a halted clock ran again at `at`; of equals the first."""
    if len(lines) == 1:
        return lines[0]
    return min(lines, key=lambda line: line.due_if_resumed(at))


def _needed(calendar: OpenTime | None) -> OpenTime:
    if calendar is None:
        raise ValueError("every kind but elapsed needs a calendar")
    return calendar
