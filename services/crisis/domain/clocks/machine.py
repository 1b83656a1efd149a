"""The clock of one target: what each event does to it. Lives inside one fold; instants are integer microseconds."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.course import Course
from services.crisis.domain.clocks.cycle import Cycle
from services.crisis.domain.clocks.day_rules import BeyondHorizonError, add_period, utc_instant, utc_local
from services.crisis.domain.clocks.events import (
    Behaviour,
    Cancel,
    ClockEvent,
    Extend,
    Pause,
    Reopen,
    Resume,
    Retarget,
    Start,
    Stop,
)
from services.crisis.domain.clocks.instants import HORIZON, to_micros
from services.crisis.domain.clocks.lines import Brought, Line, earliest_of, line_of, prorated
from services.crisis.domain.clocks.pauses import Pauses
from services.crisis.domain.clocks.policy import Policy, ReopenMode, Target
from services.crisis.domain.clocks.results import BreachCause, Result, Stage


class Machine:
    """Every cycle of one target, driven event by event. `policies` are those that a retarget may name, by key."""

    def __init__(
        self, name: str, policy: Policy, *, calendars: Mapping[str, OpenTime], policies: Mapping[str, Policy]
    ) -> None:
        self.name = name
        self.target = policy.targets[name]
        self.cycles: list[Cycle] = []
        self.pauses = Pauses()
        self._policy = policy.key
        self._reopen = policy.reopen
        self._calendars = calendars
        self._policies = policies

    @property
    def cycle(self) -> Cycle | None:
        """The present cycle; None before the start."""
        return self.cycles[-1] if self.cycles else None

    def advance(self, to: int, *, ends_here: bool) -> None:
        """Let time pass; `ends_here` tells of a stop or cancel at `to`."""
        if self.cycle is not None:
            self.cycle.advance(to, ends_here=ends_here)

    def apply(self, event: ClockEvent, at: int, *, ends_here: bool) -> None:
        """What the event does; `ends_here` tells of a stop or cancel recorded after it at the same instant."""
        match event:
            case Start():
                if not self.cycles:
                    wanted = [(self.target, Brought(event, self._policy))]
                    self._begin(wanted, at, BreachCause.DUE, ends_here=ends_here)
            case Pause(reason=reason):
                self._pause(reason, at)
            case Resume(reason=reason):
                self._resume(reason, at, ends_here=ends_here)
            case Stop():
                self._end(at, Stage.COMPLETED, Result.MET)
            case Cancel():
                self._end(at, Stage.CANCELLED, Result.CANCELLED)
            case Retarget():
                self._retarget(event, at, ends_here=ends_here)
            case Reopen(mode=mode):
                self._reopen_stopped(event, mode or self._reopen, at, ends_here=ends_here)
            case Extend():
                self._extend(event, at, ends_here=ends_here)
            case _:
                assert_never(event)

    def calendar_of(self, target: Target) -> OpenTime | None:
        """The calendar that a target names. Raises KeyError where the fold was not given it."""
        return None if target.calendar is None else self._calendars[target.calendar]

    def _line(self, target: Target, brought: Brought, course: Course) -> Line:
        return line_of(target, self.calendar_of(target), brought, course)

    def _begin(self, wanted: Sequence[tuple[Target, Brought]], at: int, cause: BreachCause, *, ends_here: bool) -> None:
        course = Course(at)
        lines = [self._line(target, brought, course) for target, brought in wanted]
        pauses = Pauses() if self.target.statutory else self.pauses
        cycle = Cycle(len(self.cycles) + 1, course, lines, pauses)
        self.cycles.append(cycle)
        if pauses.reasons:
            cycle.halt(at)
        cycle.change(at, cause, ends_here=ends_here)

    def _pause(self, reason: str, at: int) -> None:
        if self.target.statutory or not self.pauses.add(reason, at):
            return
        if self.cycle is not None and self.cycle.is_active:
            self.cycle.halt(at)

    def _resume(self, reason: str | None, at: int, *, ends_here: bool) -> None:
        if self.target.statutory or not self.pauses.remove(reason, at):
            return
        if self.cycle is not None and self.cycle.is_active:
            self.cycle.run(at)
            self.cycle.change(at, BreachCause.DUE, ends_here=ends_here)

    def _end(self, at: int, stage: Stage, result: Result) -> None:
        cycle = self.cycle
        if cycle is None or not cycle.is_active:
            return
        if result is Result.MET and cycle.breached_at is not None:
            result = Result.MISSED
        cycle.end(at, stage, result)

    def _retarget(self, event: Retarget, at: int, *, ends_here: bool) -> None:
        cycle = self.cycle
        if cycle is None or not cycle.is_active or self.target.statutory:
            return
        new = event.to
        if event.policy is not None:
            new = self._policies[event.policy].targets.get(self.name)
        if new is None or event.behaviour is Behaviour.KEEP:
            return
        if event.behaviour is Behaviour.RESTART_NOW:
            cycle.end(at, Stage.CANCELLED, Result.CANCELLED)
            wanted = [(new, Brought(event, event.policy))]
            self._begin(wanted, at, BreachCause.RETARGET, ends_here=ends_here)
            return
        lines = self._retargeted(cycle, new, event, at)
        if lines is not None:
            cycle.lines = lines
            cycle.change(at, BreachCause.RETARGET, ends_here=ends_here)

    def _retargeted(self, cycle: Cycle, new: Target, event: Retarget, at: int) -> list[Line] | None:
        """The lines after the change; None where it changes nothing."""
        behaviour, brought = event.behaviour, Brought(event, event.policy)
        if behaviour is Behaviour.PRORATE:
            earliest = earliest_of(cycle.lines, at)
            line = prorated(new, self.calendar_of(new), brought, cycle.course, earliest=earliest, at=at)
            return None if line is None else [line]
        present = (line for line in cycle.lines if line.target == new and line.base == cycle.started_at)
        if behaviour is Behaviour.TIGHTEN_ONLY and any(line.is_whole for line in present):
            return cycle.lines  # a second line of the same kind would say the same
        line = self._line(new, brought, cycle.course)
        return [line] if behaviour is Behaviour.RETARGET_FROM_START else [*cycle.lines, line]

    def _reopen_stopped(self, event: Reopen, mode: ReopenMode, at: int, *, ends_here: bool) -> None:
        cycle = self.cycle
        if cycle is None or cycle.stage is not Stage.COMPLETED or self.target.statutory:
            return
        if mode in {ReopenMode.NEW_CYCLE, ReopenMode.INVALIDATE_PREVIOUS}:
            if mode is ReopenMode.INVALIDATE_PREVIOUS:
                cycle.result = Result.VOID
            wanted = [(line.target, Brought(event, line.brought.policy)) for line in cycle.lines]
            self._begin(wanted, at, BreachCause.REOPEN, ends_here=ends_here)
            return
        cycle.go_on(at, stood_still=mode is ReopenMode.RESUME)
        cycle.change(at, BreachCause.REOPEN, ends_here=ends_here)

    def _extend(self, event: Extend, at: int, *, ends_here: bool) -> None:
        cycle = self.cycle
        if cycle is None or not cycle.is_active or not self.target.statutory:
            return
        (line,) = cycle.lines
        due = line.due_if_resumed(at)
        extended = to_micros(event.until) if event.until is not None else _later(due, event, line)
        if extended <= due:
            return
        if extended > line.base + HORIZON:
            raise BeyondHorizonError
        line.extend(extended, at)
        cycle.change(at, BreachCause.DUE, ends_here=ends_here)


def _later(due: int, event: Extend, line: Line) -> int:
    """The wall time of the due instant, a period later, in the calendar's zone (UTC without one); not rolled again."""
    if event.by is None:
        return due
    if line.calendar is None:
        day, wall = utc_local(due)
        return utc_instant(add_period(day, event.by), wall)
    day, wall = line.calendar.local(due)
    return line.calendar.instant(add_period(day, event.by), wall)
