"""What-if: documents and events in, every clock out. The same fold as the live engine, with nothing stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.crisis.documents.simulation_request import understand
from services.crisis.domain.clocks import ClockResult, Policy, Segment, UnreachableTarget, fold
from shared.contracts.errors import pointer_of
from shared.contracts.instants import format_instant
from shared.documents import InvalidDocument
from shared.worktime import Calendar


class UnreachableTargetProblem(InvalidDocument):
    """Twenty years do not hold a target that was started: its calendar has too little open time."""


def simulate(
    body: object,
    *,
    calendars: Mapping[str, Calendar] | None = None,
    policies: Mapping[str, Policy] | None = None,
) -> dict[str, Any]:
    """The answer of `POST /v1/sla/simulate` to a parsed JSON body.

    `calendars` and `policies` are those that the service has published; documents in the body come before them.
    Raises `InvalidDocument` with pointers into the body, `UnreachableTargetProblem` among them.
    """
    asked = understand(body, calendars=calendars or {}, policies=policies or {})
    try:
        clocks = fold(
            asked.policy,
            asked.events,
            calendars=asked.calendars,
            policies=asked.policies,
            until=asked.until,
            segments=True,
        )
    except UnreachableTarget as error:
        pointer = pointer_of(("policy", "targets", error.target))
        raise UnreachableTargetProblem.at(pointer, "unreachable-target", str(error)) from None
    return {"clocks": [clock_as_json(clock) for clock in clocks]}


def clock_as_json(clock: ClockResult) -> dict[str, Any]:
    """The clock as the API shows it: instants in UTC with a `Z`, seconds as numbers."""
    return {
        "target": clock.target,
        "cycle": clock.cycle,
        "stage": clock.stage.value,
        "result": clock.result.value,
        "has_breached": clock.has_breached,
        "breach_cause": None if clock.breach_cause is None else clock.breach_cause.value,
        "started_at": format_instant(clock.started_at),
        "due_at": _maybe(clock.due_at),
        "due_if_resumed_now": format_instant(clock.due_if_resumed_now),
        "provisional": clock.provisional,
        "breached_at": _maybe(clock.breached_at),
        "stopped_at": _maybe(clock.stopped_at),
        "warnings": [{"threshold": one.threshold, "at": format_instant(one.at)} for one in clock.warnings],
        "elapsed_seconds": clock.elapsed_seconds,
        "paused_seconds": clock.paused_seconds,
        "closed_seconds": clock.closed_seconds,
        "segments": [_segment(segment) for segment in clock.segments],
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "from": format_instant(segment.begin),
        "to": format_instant(segment.end),
        "state": segment.state.value,
        "reason": segment.reason,
        "seconds": segment.seconds,
    }


def _maybe(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
