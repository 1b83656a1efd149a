"""From the inside of the fold to its answer: what each cycle shows at an instant."""

from collections.abc import Iterator

from services.crisis.domain.clocks.cycle import Cycle
from services.crisis.domain.clocks.instants import SECOND, from_micros
from services.crisis.domain.clocks.lines import Line, RunningLine, earliest_of
from services.crisis.domain.clocks.machine import Machine
from services.crisis.domain.clocks.policy import Business
from services.crisis.domain.clocks.results import Ahead, ClockResult, LineResult, Stage, Warned
from services.crisis.domain.clocks.segments import segments_of


def readings_of(machine: Machine, now: int, *, segments: bool, lines: bool) -> Iterator[ClockResult]:
    """The clock of each cycle as seen at `now`; an ended one as it stood at its end."""
    for cycle in machine.cycles:
        yield _reading(machine, cycle, now, segments=segments, lines=lines)


def _reading(machine: Machine, cycle: Cycle, now: int, *, segments: bool, lines: bool) -> ClockResult:
    end = now if cycle.ended_at is None else cycle.ended_at
    line = earliest_of(cycle.lines, end)
    if_resumed = line.due_if_resumed(end)
    due = line.due if cycle.stage is Stage.PAUSED else if_resumed
    known_until = None if line.calendar is None else line.calendar.known_until
    counted, halted, closed = _sums(cycle, line, end)
    return ClockResult(
        target=machine.name,
        cycle=cycle.number,
        stage=cycle.stage,
        result=cycle.result,
        has_breached=cycle.breached_at is not None,
        breach_cause=cycle.breach_cause,
        started_at=from_micros(cycle.started_at),
        due_at=None if due is None else from_micros(due),
        due_if_resumed_now=from_micros(if_resumed),
        provisional=known_until is not None and if_resumed > known_until,
        breached_at=None if cycle.breached_at is None else from_micros(cycle.breached_at),
        stopped_at=None if cycle.ended_at is None else from_micros(cycle.ended_at),
        warnings=tuple(Warned(label, from_micros(at)) for label, at in cycle.fired),
        elapsed_seconds=counted / SECOND,
        paused_seconds=halted / SECOND,
        closed_seconds=closed / SECOND,
        segments=segments_of(cycle, line, end) if segments else (),
        calendar=None if line.calendar is None else line.target.calendar,
        statutory=machine.target.statutory,
        department=cycle.lines[-1].target.department,
        ahead=tuple(_ahead(machine.name, cycle)),
        lines=tuple(_line(one, end, governs=one is line, stage=cycle.stage) for one in cycle.lines) if lines else (),
    )


def _line(line: Line, end: int, *, governs: bool, stage: Stage) -> LineResult:
    """A line as it stands at `end`."""
    if_resumed = line.due_if_resumed(end)
    due = line.due if stage is Stage.PAUSED else if_resumed
    untouched = if_resumed if line.extended else line.due_without_halts
    whole, budget = (line.whole, line.budget) if isinstance(line, RunningLine) else (None, None)
    return LineResult(
        target=line.target,
        policy=line.brought.policy,
        brought_by=line.brought.event,
        measured_from=from_micros(line.base),
        whole=whole,
        budget=budget,
        due_at=None if due is None else from_micros(due),
        due_if_resumed_now=from_micros(if_resumed),
        due_without_halts=from_micros(untouched),
        extensions=tuple((from_micros(at), from_micros(to)) for at, to in line.extended),
        governs=governs,
    )


def _sums(cycle: Cycle, line: Line, end: int) -> tuple[int, int, int]:
    """Counted, halted and closed microseconds up to `end`, seen with the line; they add up to the real time."""
    total = end - cycle.started_at
    calendar = line.calendar if isinstance(line.target.duration, Business) else None
    halted = 0
    for begin, until in cycle.course.halts:
        stop = end if until is None else min(until, end)
        halted += stop - begin if calendar is None else calendar.open_time_between(begin, stop)
    open_time = total if calendar is None else calendar.open_time_between(cycle.started_at, end)
    return open_time - halted, halted, total - open_time


def _ahead(target: str, cycle: Cycle) -> Iterator[Ahead]:
    if not cycle.is_active or cycle.breached_at is not None:
        return
    for placed in cycle.pending:
        yield Ahead(target, cycle.number, from_micros(placed.at), placed.threshold.label)
    due = cycle.known_due
    if due is not None:
        yield Ahead(target, cycle.number, from_micros(due))
