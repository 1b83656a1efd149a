"""Clocks that have only been started and tightened: what the fold would answer, found without driving a machine.

When customers are regraded, thousands of running clocks are tightened at once, and of most of them nothing else is
recorded. Where anything else happened, or time has brought a warning or the breach, the fold itself has to be asked. A
property test holds both to the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.events import Behaviour, ClockEvent, Retarget, Start
from services.crisis.domain.clocks.instants import from_micros, to_micros
from services.crisis.domain.clocks.policy import Policy, Target, Threshold
from services.crisis.domain.clocks.results import ClockResult, Warned
from services.crisis.domain.clocks.started import Whole, first_ahead, passed_by, standing, whole_line

_due = attrgetter("due")


def fold_tightened(
    name: str,
    policy: Policy,
    events: Sequence[ClockEvent],
    *,
    calendars: Mapping[str, OpenTime],
    until: datetime,
    policies: Mapping[str, Policy],
) -> ClockResult | None:
    """As `fold(policy, events, …)` for the target `name`; `ahead` holds its first instant only.

    None where the fold has to be asked.
    """
    target = policy.targets[name]
    if target.statutory or not events or not isinstance(events[0], Start):
        return None
    started = events[0].at
    changes = _changes(name, events, policies, until)
    if changes is None:
        return None
    origin, now = to_micros(started), to_micros(until)
    line = whole_line(target, calendars, origin)
    if line is None:
        return None
    lines: list[Whole] = [line]
    latest = target
    thresholds: tuple[Threshold, ...] = target.thresholds
    ahead = first_ahead(line, thresholds, origin)
    for number, (at, new) in enumerate(changes, start=1):
        added = whole_line(new, calendars, origin)
        # What had been told before the change would count after it.
        if added is None or ahead[0] <= at:
            return None
        if all(new != known.target for known in lines):
            latest = new
        lines.append(added)
        thresholds = (*thresholds, *new.thresholds)
        line = min(lines, key=_due)
        ahead = first_ahead(line, thresholds, origin)
        if ahead[0] <= at:
            # What one change jumps over is spent for the next: only the last may.
            is_judged = line.due > at and number == len(changes)
            warned = _warned(name, line, thresholds, started, at, now) if is_judged else None
            return _owed_by(latest, warned)
    return None if ahead[0] <= now else _owed_by(latest, standing(name, line, started, now, ahead))


def _owed_by(latest: Target, result: ClockResult | None) -> ClockResult | None:
    """The clock with the department of the target that was put in force last, whichever gives the due instant."""
    if result is None or result.department == latest.department:
        return result
    return replace(result, department=latest.department)


def _warned(
    name: str, line: Whole, thresholds: tuple[Threshold, ...], started: datetime, at: int, now: int
) -> ClockResult | None:
    """A change at `at` has jumped over thresholds: the latest of them on the line is told there, the others never."""
    origin = to_micros(started)
    jumped = passed_by(line, thresholds, origin, at)
    spent = {one.threshold for one in jumped}
    ahead = first_ahead(line, [threshold for threshold in thresholds if threshold not in spent], origin)
    if ahead[0] <= now:
        return None
    latest = max(jumped, key=attrgetter("rank"))
    told = Warned(latest.threshold.label, from_micros(at))
    return standing(name, line, started, now, ahead, warnings=(told,))


def _changes(
    name: str, events: Sequence[ClockEvent], policies: Mapping[str, Policy], until: datetime
) -> list[tuple[int, Target]] | None:
    """When the clock was tightened and by which targets; None where anything else was recorded, or out of order."""
    changes: list[tuple[int, Target]] = []
    before = events[0].at
    if before > until:
        return None
    for event in events[1:]:
        if not isinstance(event, Retarget) or event.behaviour is not Behaviour.TIGHTEN_ONLY or event.policy is None:
            return None
        if not before <= event.at <= until or event.target not in {None, name}:
            return None
        before = event.at
        target = policies[event.policy].targets.get(name)
        if target is not None:
            changes.append((to_micros(event.at), target))
    return changes
