"""Clocks: a pure fold over an append-only list of events, the same for the live engine, simulate, explain and reports.

How to call it::

    clocks = fold(
        policy,                       # Policy: targets by name, as services.crisis.documents parses them
        events,                       # ClockEvents in the order in which they were recorded; `at` is the effective time
        calendars={"cn-office": …},   # compiled versions (shared.worktime.Calendar), by the key that targets name
        until=now,                    # aware; what falls exactly on it has happened, later events are ignored
        policies={"key-customer": …}, # for `Retarget(policy=…)`; the policy itself is found by its own key
        segments=False,               # True fills ClockResult.segments (explain, simulate)
        lines=False,                  # True fills ClockResult.lines (explain): each line, its due instant and origin
    )                                 # → tuple[ClockResult, …] in the order of the policy's targets, then of cycles

Every policy and calendar version is an argument, so the same list gives the same answer for ever. The keys of
`calendars` and `policies` are opaque to the fold: pin versions by handing in the pinned ones.

`ClockResult.ahead` and `next_instants(clocks)` name the instants at which a warning or the breach will come by time
alone: plan timers for them, fold again when they fire, and compare `warnings` and `breached_at` with what was already
told. A retroactive event is simply one more element of the list; what it takes back is missing from the next answer.

Raises `UnreachableTarget` (with `.target`) when twenty years do not hold the promise.
"""

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.durations import MalformedDuration, Period, parse_period, parse_time
from services.crisis.domain.clocks.events import (
    Behaviour,
    Cancel,
    ClockEvent,
    Extend,
    Pause,
    Reopen,
    Resume,
    Retarget,
    Start,
    Stop,
    detail_of,
)
from services.crisis.domain.clocks.fold import UnreachableTarget, fold, next_instants
from services.crisis.domain.clocks.policy import (
    Business,
    BusinessDays,
    CalendarPeriod,
    Duration,
    Elapsed,
    LeadTime,
    PercentUsed,
    Policy,
    ReopenMode,
    Target,
    Threshold,
)
from services.crisis.domain.clocks.results import (
    Ahead,
    BreachCause,
    ClockResult,
    LineResult,
    Result,
    Segment,
    SegmentState,
    Stage,
    Warned,
)

__all__ = [
    "Ahead",
    "Behaviour",
    "BreachCause",
    "Business",
    "BusinessDays",
    "CalendarPeriod",
    "Cancel",
    "ClockEvent",
    "ClockResult",
    "Duration",
    "Elapsed",
    "Extend",
    "LeadTime",
    "LineResult",
    "MalformedDuration",
    "OpenTime",
    "Pause",
    "PercentUsed",
    "Period",
    "Policy",
    "Reopen",
    "ReopenMode",
    "Result",
    "Resume",
    "Retarget",
    "Segment",
    "SegmentState",
    "Stage",
    "Start",
    "Stop",
    "Target",
    "Threshold",
    "UnreachableTarget",
    "Warned",
    "detail_of",
    "fold",
    "next_instants",
    "parse_period",
    "parse_time",
]
