"""One cycle of one clock: its lines, its breach, its warnings, and what they do when time passes or something changes.

Holds state and changes in place, inside one fold. Instants are integer microseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter

from services.crisis.domain.clocks.course import Course
from services.crisis.domain.clocks.lines import Line, earliest_of
from services.crisis.domain.clocks.pauses import Pauses
from services.crisis.domain.clocks.policy import LeadTime, PercentUsed, Threshold
from services.crisis.domain.clocks.results import BreachCause, Result, Stage


@dataclass(slots=True)
class Placed:
    """A threshold with the instant at which it fires by time alone."""

    at: int
    threshold: Threshold

    @property
    def rank(self) -> tuple[int, bool, Fraction]:
        """Later on the line is higher; of equals the percentage, then the larger."""
        match self.threshold:
            case PercentUsed(parts=parts, whole=whole):
                return self.at, True, Fraction(parts, whole)
            case LeadTime(micros=micros):
                return self.at, False, Fraction(micros)


@dataclass(slots=True)
class Cycle:
    """A cycle from its start to its end. `ended_at` is None while it is in progress or paused.

    `pauses` are those of the target, `stops` the cycle's own stops that a reopen turned into pauses.
    """

    number: int
    course: Course
    lines: list[Line]
    pauses: Pauses
    stage: Stage = Stage.IN_PROGRESS
    result: Result = Result.OPEN
    ended_at: int | None = None
    breached_at: int | None = None
    breach_cause: BreachCause | None = None
    fired: list[tuple[str, int]] = field(default_factory=list)
    pending: list[Placed] = field(default_factory=list)
    spent: set[Threshold] = field(default_factory=set)
    stops: list[tuple[int, int]] = field(default_factory=list)
    pauses_told: int = 0
    """How many changes of the pauses had come when it ended."""

    @property
    def started_at(self) -> int:
        """Where the cycle began."""
        return self.course.started_at

    @property
    def is_active(self) -> bool:
        """Whether the clock is in progress or paused."""
        return self.ended_at is None

    @property
    def known_due(self) -> int | None:
        """The earliest due instant that is known: while paused, only lines that the pause does not move have one."""
        if len(self.lines) == 1:
            return self.lines[0].due
        return min((line.due for line in self.lines if line.due is not None), default=None)

    def advance(self, to: int, *, ends_here: bool) -> None:
        """Let time pass up to and including `to`: warnings fire, and at the due instant comes the breach.

        `ends_here` tells that a stop or cancel comes at `to` itself: it averts both there.
        """
        if not self.is_active or self.breached_at is not None:
            return
        while self.pending and self.pending[0].at <= to:
            if self.pending[0].at == to and ends_here:
                break
            self._fire(self.pending.pop(0), at=None)
        due = self.known_due
        if due is not None and due <= to and not (due == to and ends_here):
            self._breach(due, BreachCause.DUE)

    def change(self, at: int, cause: BreachCause, *, ends_here: bool) -> None:
        """Judge the clock after a change at `at`: breached at once if it is due already, else warned once.

        `ends_here` tells that a stop or cancel recorded after the change comes at the same instant. No warning
        stands at the instant of a stop, whatever was recorded first, nor at a change that breaches.
        """
        self.pending = []
        if self.breached_at is not None:
            return
        due = self.known_due
        if due is not None and due <= at:
            if not (due == at and ends_here):
                self.fired = [told for told in self.fired if told[1] != at]
                self._breach(at, cause)
            return
        if self.stage is Stage.PAUSED:
            return
        placed = self._placed(earliest_of(self.lines, at))
        self.pending = [one for one in placed if one.at > at]
        jumped = placed[: len(placed) - len(self.pending)]
        if jumped and not ends_here and (at, at) not in self.stops[-1:]:
            self.spent.update(one.threshold for one in jumped)
            self._fire(max(jumped, key=lambda one: one.rank), at=at)

    def halt(self, at: int) -> None:
        """The clock is paused."""
        self.stage = Stage.PAUSED
        self.pending = []
        self.course.halt(at)
        for line in self.lines:
            line.halt(at)

    def run(self, at: int) -> None:
        """The clock runs again."""
        self.stage = Stage.IN_PROGRESS
        self.course.run(at)
        for line in self.lines:
            line.run(at)

    def end(self, at: int, stage: Stage, result: Result) -> None:
        """Fulfilled or cancelled; the lines stay as they are, so that the clock is due as if resumed at its end."""
        self.ended_at, self.stage, self.result = at, stage, result
        self.pending = []
        self.pauses_told = len(self.pauses.history)

    def go_on(self, at: int, *, stood_still: bool) -> None:
        """Reopened at `at`: since the stop it stood still, or else ran but for the pauses that came meanwhile."""
        stopped_at, self.ended_at, self.result = self.ended_at, None, Result.OPEN
        if stood_still and stopped_at is not None:
            self.stops.append((stopped_at, at))
            self.halt(stopped_at)
        else:
            for changed_at, reasons in self.pauses.history[self.pauses_told :]:
                self._become(changed_at, halted=bool(reasons))
        self._become(at, halted=bool(self.pauses.reasons))

    def thresholds(self) -> Iterable[Threshold]:
        """The thresholds that the lines bring, each once, in the order of the lines and their documents."""
        if len(self.lines) == 1:
            return self.lines[0].target.thresholds
        return dict.fromkeys(threshold for line in self.lines for threshold in line.target.thresholds)

    def _become(self, at: int, *, halted: bool) -> None:
        if halted:
            self.halt(at)
        else:
            self.run(at)

    def _placed(self, line: Line) -> list[Placed]:
        """The thresholds not spent yet, placed on the earliest line, in order of time."""
        due = line.due
        if due is None:
            return []
        placed = []
        for threshold in self.thresholds():
            if self.spent and threshold in self.spent:
                continue
            match threshold:
                case PercentUsed(parts=parts, whole=whole) if parts < whole:
                    used_at = line.used_at(threshold)
                    if used_at < due:  # rounded up to the due instant, it would come after the breach
                        placed.append(Placed(used_at, threshold))
                case LeadTime(micros=lead) if lead <= due - self.started_at:
                    placed.append(Placed(due - lead, threshold))
                case _:
                    pass
        placed.sort(key=attrgetter("at"))
        return placed

    def _fire(self, placed: Placed, *, at: int | None) -> None:
        self.spent.add(placed.threshold)
        self.fired.append((placed.threshold.label, placed.at if at is None else at))

    def _breach(self, at: int, cause: BreachCause) -> None:
        """Breached for good. The whole of it used (`100%`) is the one threshold that fires with the breach."""
        self.breached_at, self.breach_cause = at, cause
        self.pending = []
        for threshold in self.thresholds():
            if isinstance(threshold, PercentUsed) and threshold.parts == threshold.whole:
                self._fire(Placed(at, threshold), at=None)
