"""Waiting for somebody: which reasons there are, how long each may hold a clock, and what ends it.

Limits are measured by the fold: a wait is a clock that runs while the promise stands still. Nothing else adds time up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.crisis.domain.clocks import ClockEvent, Pause, Resume, Start, fold
from services.crisis.domain.clocks.instants import from_micros, to_micros
from services.crisis.domain.clocks.pauses import Pauses
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

    What its reason said when it began is kept with it; `rules` is the version that said so.
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
class Limit:
    """The last instant up to which may be waited, and which limit that is."""

    at: datetime
    because: EndsBecause


def limit_of(
    rules: WaitRules, code: str, clocks: Iterable[Clock], *, since: datetime, promises: Promises, now: datetime
) -> Limit | None:
    """How long a wait that begins at `since` may last: the earliest of its limits, on the clock that was held longest.

    It lies at or before `since` where earlier waits have used a total up. None where the rules set no limit.
    """
    begin = to_micros(since)
    found: dict[tuple[str, tuple[tuple[int, int | None], ...]], EndsBecause] = {}
    found[one_wait(code), ((begin, None),)] = "one_wait"
    for clock in clocks:
        pauses = clock.pauses(max(now, since), Pause(at=since, reason=code))
        found[reason_in_total(code), _up_to(pauses, begin, code)] = "reason_in_total"
        found[IN_TOTAL, _up_to(pauses, begin, None)] = "in_total"
    limits = [
        Limit(at, because)
        for (name, stretches), because in found.items()
        if (at := _used_up(promises, rules.pin, name, stretches, max(now, since))) is not None
    ]
    return min(limits, key=lambda limit: limit.at, default=None)


def _up_to(pauses: Pauses, begin: int, code: str | None) -> tuple[tuple[int, int | None], ...]:
    """The stretches of waiting up to the one that `begin` lies in, which is taken to go on."""
    earlier = [stretch for stretch in pauses.stretches(code) if stretch[0] <= begin]
    return (*earlier[:-1], (earlier[-1][0], None)) if earlier else ()


def _used_up(
    promises: Promises, pin: str, name: str, stretches: Sequence[tuple[int, int | None]], now: datetime
) -> datetime | None:
    """The instant at which these stretches have used up the time that has this name; None where there is none."""
    part = promises.part(pin, (name,))
    if not part.targets or not stretches:
        return None
    events: list[ClockEvent] = [Start(at=from_micros(stretches[0][0]))]
    for begin, end in stretches:
        events.append(Resume(at=from_micros(begin), reason=_RESTING))
        if end is not None:
            events.append(Pause(at=from_micros(end), reason=_RESTING))
    (result,) = fold(part, events, calendars=promises.calendars, until=now)
    return result.due_if_resumed_now
