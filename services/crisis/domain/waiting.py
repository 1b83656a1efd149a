"""Waiting for somebody: which reasons there are, how long each may hold a clock, and what ends it.

Limits are measured by the fold: a wait is a clock that runs while the promise stands still. Nothing else adds time up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from services.crisis.domain.clocks import (
    Business,
    ClockEvent,
    ClockResult,
    Elapsed,
    Pause,
    Policy,
    Resume,
    Start,
    Target,
    fold,
)
from services.crisis.domain.clocks.instants import SECOND, from_micros, to_micros
from services.crisis.domain.conditions import Condition
from services.crisis.domain.sla.clock import Clock
from services.crisis.domain.sla.pins import Promises

Party = Literal["us", "customer", "third_party"]
EndsBecause = Literal["until", "one_wait", "reason_in_total", "in_total"]
"""Why a wait will end by itself: the instant asked for, or the limit of one wait, of its reason, of all reasons."""
IN_TOTAL = "in_total"
_RESTING = "not waiting"


def one_wait(code: str) -> str:
    """The name under which the limit of one wait is promised."""
    return f"one_wait:{code}"


def reason_in_total(code: str) -> str:
    """The name under which the limit of all waits for one reason is promised."""
    return f"in_total:{code}"


@dataclass(frozen=True, slots=True)
class EndsOn:
    """Events that end a wait: of this type, with these fields."""

    type: str
    where: tuple[Condition, ...] = ()

    def is_met_by(self, type_: str, fields: Mapping[str, Any]) -> bool:
        return type_ == self.type and all(condition.holds(fields) for condition in self.where)


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for waiting: `who` waits `for_whom`. `may_exceed`: with approval it may last beyond its limits."""

    code: str
    name: Mapping[str, str]
    who: Party
    for_whom: Party
    may_exceed: bool
    ends_on: tuple[EndsOn, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitRules:
    """The reasons by their codes; `pin` names the version, and the promises that are its limits."""

    pin: str
    reasons: Mapping[str, Reason]


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait of a case, or of one matter. It ends at `ends_at` unless something ends it before.

    What its reason said when it began is kept with it; `rules` is the version that said so. `limit_at` is the instant
    beyond which somebody else has to approve; None where no limit is set, or was not kept yet.
    """

    id: str
    case_id: str
    customer_id: str
    matter_id: str | None
    reason: str
    name: Mapping[str, str]
    who: Party
    for_whom: Party
    rules: str
    since: datetime
    ends_at: datetime
    ends_because: EndsBecause
    by: str
    approved_by: str | None
    recorded_at: datetime
    limit_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_because: str | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    def covers(self, clock: Clock) -> bool:
        """Whether the clock is of what is waited with: a case's wait covers everything."""
        return self.matter_id is None or clock.matter_id == self.matter_id


@dataclass(frozen=True, slots=True)
class Waited:
    """Where a wait of a clock begins, and the stretches of other waits. Instants are integer microseconds."""

    begin: int
    others: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A wait that somebody wants, for a reason of these rules; `until` is None for one without an end."""

    rules: WaitRules
    code: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Limit:
    """The last instant up to which may be waited, and which limit that is."""

    at: datetime
    because: EndsBecause


def limit_of(
    asked: Asked, clocks: Iterable[Clock], waits: Sequence[Wait], *, promises: Promises, now: datetime
) -> Limit | None:
    """How long a wait may last: the earliest of its limits, on the clock that was held longest.

    It lies at or before its beginning where other waits have used a total up. `waits` are the open ones: one that is
    written down late counts against the time that they may still take. None where the rules set no limit.
    """
    code, pin = asked.code, asked.rules.pin
    found: dict[tuple[str, Waited], EndsBecause] = {(one_wait(code), Waited(to_micros(asked.since))): "one_wait"}
    for clock in clocks:
        pauses = clock.pauses(now)
        covering = [wait for wait in waits if wait.covers(clock)]
        same = _latest((wait for wait in covering if wait.reason == code), now)
        waited = _waited(pauses.stretches(code), asked, same)
        found[one_wait(code), Waited(waited.begin)] = "one_wait"
        found[reason_in_total(code), waited] = "reason_in_total"
        found[IN_TOTAL, _waited(pauses.stretches(), asked, _latest(covering, now))] = "in_total"
    limits = [
        Limit(at, because)
        for (name, waited), because in found.items()
        if (at := _used_up(promises, pin, name, waited, now)) is not None
    ]
    return min(limits, key=lambda limit: limit.at, default=None)


def _latest(waits: Iterable[Wait], now: datetime) -> int:
    return to_micros(max((wait.ends_at for wait in waits), default=now))


def _waited(stretches: Iterable[tuple[int, int | None]], asked: Asked, open_end: int) -> Waited:
    """What a clock waits from the beginning on, and what it waits beside that, before or after; the open one too."""
    begin, until = to_micros(asked.since), None if asked.until is None else to_micros(asked.until)
    others: list[tuple[int, int]] = []
    for since, end in stretches:
        is_joined = until is None or until > since if end is None else since <= begin < end
        if is_joined:
            begin = min(begin, since)
        else:
            others.append((since, open_end if end is None else end))
    return Waited(begin, tuple(others))


def _used_up(promises: Promises, pin: str, name: str, waited: Waited, now: datetime) -> datetime | None:
    """The instant at which waiting from its beginning on uses up the time of this name; None where there is none."""
    target = promises.part(pin, (name,)).targets.get(name)
    if target is None or not isinstance(target.duration, Elapsed | Business):
        return None
    begin = from_micros(waited.begin)
    left = target.duration.micros - _used(target, waited.others, promises, now)
    if left <= 0:
        return begin
    rest = replace(target, duration=replace(target.duration, micros=left))
    return _clock_of(rest, [Start(at=begin)], promises, until=begin).due_at


def _used(target: Target, stretches: Sequence[tuple[int, int]], promises: Promises, now: datetime) -> int:
    """Microseconds of the target's own time in these stretches: those of a clock that ran in them alone."""
    if not stretches:
        return 0
    events: list[ClockEvent] = [Start(at=from_micros(stretches[0][0]))]
    for begin, end in stretches:
        events.append(Resume(at=from_micros(begin), reason=_RESTING))
        events.append(Pause(at=from_micros(end), reason=_RESTING))
    until = max(now, from_micros(stretches[-1][1]))
    return round(_clock_of(target, events, promises, until=until).elapsed_seconds * SECOND)


def _clock_of(target: Target, events: Sequence[ClockEvent], promises: Promises, *, until: datetime) -> ClockResult:
    policy = Policy("waiting", {"limit": target})
    (result,) = fold(policy, events, calendars=promises.calendars, until=until)
    return result
