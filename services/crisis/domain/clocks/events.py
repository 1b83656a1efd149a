"""What happens to clocks. `at` is the effective time (aware, UTC); without `target` an event speaks to every target."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from services.crisis.domain.clocks.durations import Period
from services.crisis.domain.clocks.policy import ReopenMode, Target
from services.crisis.domain.timeline import instant_text


class Behaviour(StrEnum):
    """What a change of the promise does to a clock that is already running."""

    KEEP = "keep"
    RETARGET_FROM_START = "retarget_from_start"
    RESTART_NOW = "restart_now"
    PRORATE = "prorate"
    TIGHTEN_ONLY = "tighten_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    at: datetime
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(_Event):
    """Begins the clock; a second start is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(_Event):
    """Adds a reason to the set of reasons for which the target stands still."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(_Event):
    """Takes a reason out of the set, or all of them where it names none."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(_Event):
    """The promise is fulfilled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(_Event):
    """The promise no longer applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retarget(_Event):
    """Another promise takes effect: the target of the same name in `policy` (a key), or `to`. Exactly one is given."""

    behaviour: Behaviour
    policy: str | None = None
    to: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(_Event):
    """A stopped clock goes on or begins anew; without `mode` as the policy says."""

    mode: ReopenMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(_Event):
    """An approved extension of a statutory clock, by a period or until an instant. Exactly one is given."""

    by: Period | None = None
    until: datetime | None = None


ClockEvent = Start | Pause | Resume | Stop | Cancel | Retarget | Reopen | Extend


def detail_of(event: ClockEvent) -> dict[str, Any]:
    """What an event of its type says beside its instant, as it is stored and explained; empty where that is all.

    The policy of a retarget is not in it: a recorded event has its pin beside it.
    """
    match event:
        case Start() | Stop() | Cancel():
            return {}
        case Pause(reason=reason):
            return {"reason": reason}
        case Resume(reason=maybe):
            return {"reason": maybe}
        case Retarget(behaviour=behaviour):
            return {"behaviour": behaviour.value}
        case Reopen(mode=mode):
            return {"mode": None if mode is None else mode.value}
        case Extend(by=by, until=until):
            written = None if until is None else instant_text(until)
            return {"by": None if by is None else str(by), "until": written}
        case _:
            assert_never(event)
