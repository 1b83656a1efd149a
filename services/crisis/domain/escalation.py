"""Escalation: who is called next when nobody takes notice or a promise is broken.

Policies are documents, frozen on the case. Level 1 is told by the opening of the case itself; a run begins with the
first call of a higher one. Roles are resolved to people when a message is sent, never here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.severity import Severity

RunState = Literal["waiting", "acknowledged", "ended"]
Reason = Literal["not_acknowledged", "warning", "breach", "undeliverable", "broken_promise", "relapse"]
REPEAT: Final = "repeat"
RETRIGGER: Final = "retrigger"
STOP: Final = "stop"
Delay = Callable[[str, datetime], datetime | None]
"""(name, origin) → when the delay of that name is over, or None where the policy has none of it.

Names are `level_<n>` (how long level n may take to acknowledge), `repeat`, `retrigger` and `stop`."""


@dataclass(frozen=True, slots=True)
class Level:
    """One rung. Conditions that are None hold for every case."""

    role: str
    severities: frozenset[Severity] | None = None
    service_classes: frozenset[ServiceClass] | None = None

    def applies(self, severity: Severity, service_class: ServiceClass) -> bool:
        return (self.severities is None or severity in self.severities) and (
            self.service_classes is None or service_class in self.service_classes
        )


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """A policy document's rungs and limits. Its delays are targets of the pinned promise of the same name."""

    key: str
    version: int
    levels: tuple[Level, ...]
    raised_by: frozenset[Reason]
    repeats: int
    severities: frozenset[Severity] | None = None
    service_classes: frozenset[ServiceClass] | None = None

    def next_level(self, after: int, severity: Severity, service_class: ServiceClass) -> int | None:
        """The number of the next rung above `after` that is there for such a case, from 1."""
        for number in range(after + 1, len(self.levels) + 1):
            if self.levels[number - 1].applies(severity, service_class):
                return number
        return None


@dataclass(frozen=True, slots=True)
class About:
    """The clock that led to a call, where one did."""

    clock_id: str | None = None
    matter_id: str | None = None
    target: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The escalation of one case. `level` was called last; `next_at` is when it goes on by itself."""

    id: str
    case_id: str
    state: RunState
    level: int
    step: int
    repeat: int
    started_at: datetime
    raised_at: datetime
    next_at: datetime | None
    reason: Reason
    about: About = About()


@dataclass(frozen=True, slots=True)
class Call:
    """The call that is now to be made: level `run.level` is to act."""

    run: Run
    role: str
    at: datetime


def begin(run_id: str, case_id: str, at: datetime) -> Run:
    """A run in which only level 1 has been told, by the opening of the case."""
    return Run(
        run_id, case_id, "waiting", 1, 0, 0, started_at=at, raised_at=at, next_at=None, reason="not_acknowledged"
    )


def climb(
    run: Run,
    policy: EscalationPolicy,
    *,
    reason: Reason,
    at: datetime,
    delay: Delay,
    severity: Severity,
    service_class: ServiceClass,
    about: About | None = None,
) -> tuple[Run, Call | None]:
    """Call the next level; at the top the same one again. Repeats and the stop bound only calls for want of notice.

    Where the top could not be told, it is tried again after its patience and not at once: the answer would be the same.
    """
    by_silence = reason == "not_acknowledged" and run.step > 0
    stop = delay(STOP, run.started_at)
    is_over = stop is not None and at >= stop
    level = policy.next_level(run.level, severity, service_class)
    if level is None and reason == "undeliverable":
        return _tried_later(run, policy, at, delay, severity, service_class), None
    repeat = run.repeat + 1 if level is None else 0
    if by_silence and (is_over or repeat > policy.repeats):
        return end(run), None
    level = level or run.level
    called = Run(
        id=run.id,
        case_id=run.case_id,
        state="waiting",
        level=level,
        step=run.step + 1,
        repeat=repeat,
        started_at=at if is_over or run.step == 0 else run.started_at,
        raised_at=at,
        next_at=_patience(policy, level, repeat, at, delay, severity, service_class),
        reason=reason,
        about=about or run.about,
    )
    return called, Call(called, policy.levels[level - 1].role, at)


def _tried_later(
    run: Run, policy: EscalationPolicy, at: datetime, delay: Delay, severity: Severity, service_class: ServiceClass
) -> Run:
    """The run of a top that nobody reached: its call comes again when it would, had nobody answered it."""
    if run.state != "waiting" or run.next_at is not None:
        return run
    return replace(run, next_at=_patience(policy, run.level, run.repeat, at, delay, severity, service_class))


def _patience(
    policy: EscalationPolicy,
    level: int,
    repeat: int,
    at: datetime,
    delay: Delay,
    severity: Severity,
    service_class: ServiceClass,
) -> datetime | None:
    """How long this call may stay unanswered; None when nothing follows."""
    if policy.next_level(level, severity, service_class) is not None:
        return delay(f"level_{level}", at)
    return delay(REPEAT, at) if repeat < policy.repeats else None


def acknowledge(run: Run, *, at: datetime, delay: Delay) -> Run:
    """Somebody took notice: nobody else is called for lack of it. If things stay broken, the level is called again."""
    if run.state != "waiting":
        return run
    return replace(run, state="acknowledged", next_at=delay(RETRIGGER, at), repeat=0)


def go_on(
    run: Run,
    policy: EscalationPolicy,
    *,
    at: datetime,
    delay: Delay,
    severity: Severity,
    service_class: ServiceClass,
    overdue: Sequence[About],
) -> tuple[Run, Call | None]:
    """What the run does by itself when its instant has come. `overdue` are the promises that are broken now."""
    match run.state:
        case "waiting":
            return climb(
                run,
                policy,
                reason="not_acknowledged",
                at=at,
                delay=delay,
                severity=severity,
                service_class=service_class,
            )
        case "acknowledged" if overdue:
            again = replace(
                run,
                state="waiting",
                step=run.step + 1,
                raised_at=at,
                next_at=delay(f"level_{run.level}", at),
                reason="breach",
                about=overdue[0],
            )
            return again, Call(again, policy.levels[run.level - 1].role, at)
        case _:
            return replace(run, next_at=None), None


def end(run: Run) -> Run:
    """The case is over, or its last matter is resolved: nobody is called any more."""
    return replace(run, state="ended", next_at=None)


def take_over(run: Run | None, other: Run, policy: EscalationPolicy, *, run_id: str, case_id: str) -> Run:
    """The run of a case that goes on for another: what was called there is not silenced by it.

    It waits where either waits, goes on where the first of them would, and stands at the higher level, as far as its
    own policy reaches.
    """
    level = min(other.level, len(policy.levels))
    if run is None or run.state == "ended":
        # Its own calls go on counting.
        id_, step = (run_id, 0) if run is None else (run.id, run.step)
        return replace(other, id=id_, case_id=case_id, level=level, step=max(step, other.step))
    leading = other if (other.state, run.state) == ("waiting", "acknowledged") else run
    pending = [one.next_at for one in (run, other) if one.state == leading.state and one.next_at is not None]
    return replace(
        leading,
        id=run.id,
        case_id=case_id,
        level=max(run.level, level),
        step=max(run.step, other.step),
        started_at=min(run.started_at, other.started_at),
        next_at=min(pending, default=None),
    )


def restart(run: Run) -> Run:
    """The case is open again: the next call begins above level 1 once more."""
    return replace(run, state="ended", level=1, repeat=0, next_at=None)
