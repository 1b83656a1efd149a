"""Clocks that have only been started and tightened: what the fold would answer, found without driving a machine.

When customers are regraded, thousands of running clocks are tightened at once, and of most of them nothing else is
recorded. Where anything else happened, or a warning or the breach has come already, the fold itself has to be asked. A
property test holds both to the same answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.events import Behaviour, ClockEvent, Retarget, Start
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.domain.clocks.policy import Policy, Target, Threshold
from services.crisis.domain.clocks.results import ClockResult
from services.crisis.domain.clocks.started import Whole, first_ahead, standing, whole_line

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
    thresholds: tuple[Threshold, ...] = target.thresholds
    ahead = first_ahead(line, thresholds, origin)
    for at, new in changes:
        added = whole_line(new, calendars, origin)
        # What had been told before the change would count after it.
        if added is None or ahead[0] <= at:
            return None
        lines.append(added)
        thresholds = (*thresholds, *new.thresholds)
        line = min(lines, key=_due)
        ahead = first_ahead(line, thresholds, origin)
        # Thresholds that a change jumps over are spent, whether the next change brings them forward again or not.
        if ahead[0] <= at:
            return None
    return None if ahead[0] <= now else standing(name, line, started, now, ahead)


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
