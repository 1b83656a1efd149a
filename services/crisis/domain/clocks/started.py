"""Clocks that have only been started: what the fold would answer, found without driving a machine.

Most folds of a busy hour are of this kind: a case opens and nothing has happened to its clocks yet. Where a warning or
the breach has come already, the fold itself is asked. A property test holds both to the same answer.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.day_rules import BeyondHorizonError, due_of_business_days, due_of_period
from services.crisis.domain.clocks.events import Start
from services.crisis.domain.clocks.fold import fold
from services.crisis.domain.clocks.instants import HORIZON, SECOND, from_micros, to_micros
from services.crisis.domain.clocks.policy import (
    Business,
    BusinessDays,
    CalendarPeriod,
    Elapsed,
    LeadTime,
    PercentUsed,
    Policy,
    Target,
)
from services.crisis.domain.clocks.results import Ahead, ClockResult, Result, Stage


def fold_started(
    policy: Policy, at: datetime, *, calendars: Mapping[str, OpenTime], until: datetime
) -> tuple[ClockResult, ...]:
    """As `fold(policy, [Start(at=at)], …)`, for `at` not later than `until`; `ahead` may hold its first instant only.

    Raises `UnreachableTarget`.
    """
    origin, now = to_micros(at), to_micros(until)
    results: list[ClockResult] = []
    for name, target in policy.targets.items():
        calendar = None if target.calendar is None else calendars[target.calendar]
        found = _started(name, target, calendar, origin, now, at)
        if found is None:
            alone = Policy(policy.key, {name: target}, reopen=policy.reopen)
            results += fold(alone, (Start(at=at),), calendars=calendars, until=until)
        else:
            results.append(found)
    return tuple(results)


def _started(
    name: str, target: Target, calendar: OpenTime | None, origin: int, now: int, at: datetime
) -> ClockResult | None:
    """None where the fold has to be asked."""
    due = _due(target, calendar, origin)
    if due is None or due <= now:
        return None
    next_at, label = due, None
    for instant, threshold in _placed(target, calendar, origin, due):
        if instant < next_at:
            next_at, label = instant, threshold
    if next_at <= now:
        return None
    total = now - origin
    counted, known_until = total, None
    if calendar is not None and not isinstance(target.duration, Elapsed):
        known_until = calendar.known_until
        if isinstance(target.duration, Business):
            counted = calendar.open_time_between(origin, now)
    due_at = from_micros(due)
    return ClockResult(
        target=name,
        cycle=1,
        stage=Stage.IN_PROGRESS,
        result=Result.OPEN,
        has_breached=False,
        breach_cause=None,
        started_at=at,
        due_at=due_at,
        due_if_resumed_now=due_at,
        provisional=known_until is not None and due > known_until,
        breached_at=None,
        stopped_at=None,
        warnings=(),
        elapsed_seconds=counted / SECOND,
        paused_seconds=0.0,
        closed_seconds=(total - counted) / SECOND,
        segments=(),
        calendar=None if isinstance(target.duration, Elapsed) else target.calendar,
        statutory=target.statutory,
        ahead=(Ahead(name, 1, from_micros(next_at), label),),
    )


def _due(target: Target, calendar: OpenTime | None, origin: int) -> int | None:
    """The due instant; None where there is none within the horizon, so that the fold may say so."""
    duration = target.duration
    if isinstance(duration, Elapsed):
        return origin + duration.micros if duration.micros <= HORIZON else None
    if calendar is None:
        return None
    try:
        match duration:
            case Business(micros=micros):
                return calendar.add_open_time(origin, micros)
            case BusinessDays(day_zero="date"):
                return _due_of_date(duration, calendar, calendar.local(origin)[0])  # type: ignore[arg-type] # hashed by identity
            case BusinessDays():
                return due_of_business_days(duration, calendar, origin)
            case CalendarPeriod():
                return due_of_period(duration, calendar, origin)
    except BeyondHorizonError:
        return None


@lru_cache(maxsize=4096)
def _due_of_date(rule: BusinessDays, calendar: OpenTime, day: date) -> int:
    """Business days counted from a date: the same for every origin of that date."""
    return due_of_business_days(rule, calendar, calendar.instant(day, 0))


def _placed(target: Target, calendar: OpenTime | None, origin: int, due: int) -> Iterator[tuple[int, str]]:
    """The thresholds with their instants, in the order of the document."""
    duration = target.duration
    for threshold in target.thresholds:
        match threshold:
            case LeadTime(micros=lead):
                if lead <= due - origin:
                    yield due - lead, threshold.label
            case PercentUsed(parts=parts, whole=whole) if parts < whole:
                if isinstance(duration, Business) and calendar is not None:
                    used = calendar.add_open_time(origin, -(-duration.micros * parts // whole))
                    if used is not None:
                        yield used, threshold.label
                else:
                    yield origin - (-(due - origin) * parts // whole), threshold.label
