"""Clocks that have only been started: what the fold would answer, found without driving a machine.

Most folds of a busy hour are of this kind: a case opens and nothing has happened to its clocks yet. Where a warning or
the breach has come already, the fold itself is asked. A property test holds both to the same answer.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.cycle import Placed
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
    Policy,
    Target,
    Threshold,
)
from services.crisis.domain.clocks.results import Ahead, ClockResult, Result, Stage, Warned


def fold_started(
    policy: Policy, at: datetime, *, calendars: Mapping[str, OpenTime], until: datetime
) -> tuple[ClockResult, ...]:
    """As `fold(policy, [Start(at=at)], …)`, for `at` not later than `until`; `ahead` may hold its first instant only.

    Raises `UnreachableTarget`.
    """
    origin, now = to_micros(at), to_micros(until)
    results: list[ClockResult] = []
    for name, target in policy.targets.items():
        line = whole_line(target, calendars, origin)
        ahead = None if line is None else first_ahead(line, target.thresholds, origin)
        if line is None or ahead is None or ahead[0] <= now:
            alone = Policy(policy.key, {name: target}, reopen=policy.reopen)
            results += fold(alone, (Start(at=at),), calendars=calendars, until=until)
        else:
            results.append(standing(name, line, at, now, ahead))
    return tuple(results)


_BEFORE_ALL: Final = -1
"""The place of the breach among what comes at one instant: before every threshold."""


class Whole(NamedTuple):
    """A line that measures the whole of a target from its start. `due` is in integer microseconds."""

    target: Target
    calendar: OpenTime | None
    due: int


def whole_line(target: Target, calendars: Mapping[str, OpenTime], origin: int) -> Whole | None:
    """The line of a target from `origin`; None where the horizon does not hold it, so that the fold may say so."""
    calendar = None if target.calendar is None else calendars[target.calendar]
    due = _due(target, calendar, origin)
    return None if due is None else Whole(target, calendar, due)


def first_ahead(line: Whole, thresholds: Iterable[Threshold], origin: int) -> tuple[int, str | None]:
    """What time brings first on a line that runs from `origin`: the instant, and the threshold; None for the breach.

    Of several at one instant the first in the order of `thresholds`; one that stands there twice counts once.
    """
    duration = line.target.duration
    length = line.due - origin
    whole_share = duration.micros if isinstance(duration, Business) else length
    least: tuple[int, int, str] | None = None
    longest: tuple[int, int, str] | None = None
    for place, threshold in enumerate(thresholds):
        if isinstance(threshold, LeadTime):
            lead = threshold.micros
            if lead <= length and (longest is None or lead > longest[0]):
                longest = lead, place, threshold.label
        elif threshold.parts < threshold.whole:
            # The share that is used up first: only its instant has to be looked for in the calendar.
            share = -(-whole_share * threshold.parts // threshold.whole)
            if least is None or share < least[0]:
                least = share, place, threshold.label
    found: list[tuple[int, int, str | None]] = [(line.due, _BEFORE_ALL, None)]
    if longest is not None:
        found.append((line.due - longest[0], longest[1], longest[2]))
    if least is not None:
        used = _used_at(line, origin, least[0])
        if used is not None:
            found.append((used, least[1], least[2]))
    instant, _, label = min(found)
    return instant, label


def _used_at(line: Whole, origin: int, amount: int) -> int | None:
    """When so much of the line is used up."""
    if isinstance(line.target.duration, Business) and line.calendar is not None:
        return line.calendar.add_open_time(origin, amount)
    return origin + amount


def passed_by(line: Whole, thresholds: Iterable[Threshold], origin: int, at: int) -> list[Placed]:
    """The thresholds that lie at or before `at` on the line, each once."""
    duration = line.target.duration
    length = line.due - origin
    whole_share = duration.micros if isinstance(duration, Business) else length
    found: list[Placed] = []
    for threshold in dict.fromkeys(thresholds):
        instant: int | None = None
        if isinstance(threshold, LeadTime):
            instant = line.due - threshold.micros if threshold.micros <= length else None
        elif threshold.parts < threshold.whole:
            instant = _used_at(line, origin, -(-whole_share * threshold.parts // threshold.whole))
        if instant is not None and instant <= at:
            found.append(Placed(instant, threshold))
    return found


def standing(
    name: str,
    line: Whole,
    at: datetime,
    now: int,
    ahead: tuple[int, str | None],
    *,
    warnings: tuple[Warned, ...] = (),
) -> ClockResult:
    """A clock in its first cycle that is not broken, running on `line` since `at`."""
    target, calendar, due = line
    origin = to_micros(at)
    total = now - origin
    counted, known_until = total, None
    is_elapsed = isinstance(target.duration, Elapsed)
    if calendar is not None and not is_elapsed:
        known_until = calendar.known_until
        if isinstance(target.duration, Business):
            counted = calendar.open_time_between(origin, now)
    due_at = from_micros(due)
    next_at, label = ahead
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
        warnings=warnings,
        elapsed_seconds=counted / SECOND,
        paused_seconds=0.0,
        closed_seconds=(total - counted) / SECOND,
        segments=(),
        calendar=None if is_elapsed else target.calendar,
        statutory=target.statutory,
        department=target.department,
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
