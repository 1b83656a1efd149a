"""Lines of a clock: targets measured from an origin, told when the clock runs and halts, knowing when they are due.

They hold state and change in place: the fold makes them, owns them and throws them away; nothing outside sees one.
Instants are integer microseconds.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, assert_never

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.course import Course, Meter
from services.crisis.domain.clocks.day_rules import due_of_business_days, due_of_period
from services.crisis.domain.clocks.events import Reopen, Retarget, Start
from services.crisis.domain.clocks.policy import Business, BusinessDays, CalendarPeriod, Elapsed, PercentUsed, Target


class Brought(NamedTuple):
    """What put a line in force: the event, and the key of the policy that its target is of; None for one sent along."""

    event: Start | Retarget | Reopen
    policy: str | None


class Line(Protocol):
    """One target, measured from one origin."""

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

    @property
    def due_without_halts(self) -> int:
        """Where it would be due had the clock never stood still, and been granted no extension."""


class RunningLine:
    """`elapsed` and `business`: an amount of real or open time that is used up while the clock runs.

    `whole` is the target's duration, `budget` what of it was left at the base: less than whole after a prorate.
    """

    __slots__ = (
        *("_before", "_meter"),
        *("base", "brought", "budget", "calendar", "due", "extended", "target", "whole"),
    )

    def __init__(
        self, target: Target, meter: Meter, base: int, brought: Brought, *, before: int, whole: int, budget: int
    ) -> None:
        self.target = target
        self.brought = brought
        self.extended: tuple[tuple[int, int], ...] = ()
        self.calendar = meter.calendar
        self.base = base
        self.whole = whole
        self.budget = budget
        self._meter = meter
        self._before = before
        self.due = meter.reached(before + budget) if budget > 0 else base

    @property
    def is_whole(self) -> bool:
        return self.budget == self.whole

    @property
    def due_without_halts(self) -> int:
        return self._meter.after(self.base, self.budget)

    def run(self, at: int) -> None:  # noqa: ARG002 - the meter was told
        if self.due is None:
            self.due = self._meter.reached(self._before + self.budget)

    def halt(self, at: int) -> None:
        if self.due is not None and self.due > at:
            self.due = None

    def due_if_resumed(self, at: int) -> int:
        return self.due if self.due is not None else self._meter.after(at, self._unused(at))

    def left(self, at: int) -> int:
        """What is left of the budget, never below zero."""
        return 0 if self.due is not None and self.due <= at else self._unused(at)

    def used_at(self, share: PercentUsed) -> int:
        need = -(-self.whole * share.parts // share.whole) - (self.whole - self.budget)
        if need <= 0:
            return self.base
        reached = self._meter.reached(self._before + need)
        assert reached is not None
        return reached

    def extend(self, due: int, at: int) -> None:
        self.due = due
        self.extended = (*self.extended, (at, due))
        self.whole = self.budget = self._meter.measure(self.base, due)

    def _unused(self, at: int) -> int:
        return self.budget - (self._meter.used(at) - self._before)


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
        halts: Iterable[tuple[int, int | None]],
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
        for begin, end in halts if shift else ():
            self.halt(begin)
            if end is not None:
                self.run(end)

    @property
    def is_whole(self) -> bool:
        return True

    @property
    def due_without_halts(self) -> int:
        return self._rule(self.base)

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


def line_of(target: Target, calendar: OpenTime | None, brought: Brought, course: Course) -> Line:
    """A whole line of the target, as if it had stood since the cycle's start.

    Every kind but `elapsed` needs the calendar.
    """
    base = course.started_at
    match target.duration:
        case Elapsed(micros=micros) | Business(micros=micros):
            meter = _meter_of(target, calendar, course)
            return RunningLine(target, meter, base, brought, before=0, whole=micros, budget=micros)
        case BusinessDays() as days:
            known = _needed(calendar)
            rule: Callable[[int], int] = partial(due_of_business_days, days, known)
            return DayLine(target, known, base, brought, rule, shift=days.shift, halts=course.halts)
        case CalendarPeriod() as period:
            known = _needed(calendar)
            rule = partial(due_of_period, period, known)
            return DayLine(target, known, base, brought, rule, shift=period.shift, halts=course.halts)
        case _:
            assert_never(target.duration)


def prorated(
    new: Target, calendar: OpenTime | None, brought: Brought, course: Course, *, earliest: Line, at: int
) -> Line | None:
    """A line with the new target that has, from `at`, the share that the earliest line has left.

    None where a kind that counts days is on either side: then nothing changes.
    """
    match new.duration:
        case Elapsed(micros=whole) | Business(micros=whole) if isinstance(earliest, RunningLine):
            budget = earliest.left(at) * whole // earliest.whole
            meter = _meter_of(new, calendar, course)
            return RunningLine(new, meter, at, brought, before=meter.used(at), whole=whole, budget=budget)
        case _:
            return None


def earliest_of(lines: Sequence[Line], at: int) -> Line:
    """The line with the earliest due instant, as if a halted clock ran again at `at`; of equals the first."""
    if len(lines) == 1:
        return lines[0]
    return min(lines, key=lambda line: line.due_if_resumed(at))


def _meter_of(target: Target, calendar: OpenTime | None, course: Course) -> Meter:
    if isinstance(target.duration, Elapsed):
        return course.meter(None, None)
    return course.meter(target.calendar, _needed(calendar))


def _needed(calendar: OpenTime | None) -> OpenTime:
    if calendar is None:
        raise ValueError("every kind but elapsed needs a calendar")
    return calendar
