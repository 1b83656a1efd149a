"""An explanation for programs: every number with its origin, every instant in UTC and in the zone asked for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.crisis.documents.simulation import clock_as_json
from services.crisis.domain.clocks import LineResult, Retarget, Segment
from services.crisis.domain.clocks.instants import SECOND
from services.crisis.domain.sla.records import Record
from services.crisis.explain.explained import Explained, Explanation, Sums
from services.crisis.explain.naming import calendars_in, named
from services.crisis.explain.why import why
from services.crisis.explain.words import BREACH, Language
from shared.contracts.instants import format_instant

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh-CN")
_INSTANTS: Final = ("started_at", "due_at", "due_if_resumed_now", "breached_at", "stopped_at")


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The whole explanation; `…_local` and `local` are wall times of the zone with their offset."""
    zone = explanation.zone
    return {
        "case_id": explanation.case_id,
        "number": explanation.number,
        "zone": zone.key,
        "at": format_instant(explanation.at),
        "at_local": local_text(explanation.at, zone),
        "clocks": [_clock(clock, zone) for clock in explanation.clocks],
    }


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset."""
    return instant.astimezone(zone).isoformat()


def _clock(clock: Explained, zone: ZoneInfo) -> dict[str, Any]:
    about, result = clock.about, clock.result
    policy, policy_version = named(about.policy)
    calendar, calendar_version = (None, None) if result.calendar is None else named(result.calendar)
    said = clock_as_json(result)
    local = {name: getattr(result, name) for name in _INSTANTS}
    return {
        "id": about.clock_id,
        "case_id": about.case_id,
        "matter_id": about.matter_id,
        "policy": policy,
        "policy_version": policy_version,
        "calendar": calendar,
        "calendar_version": calendar_version,
        "health": clock.health,
        "statutory": result.statutory,
        "department": result.department,
        "regime": about.regime,
        "source": about.source,
        **said,
        "local": {name: None if at is None else local_text(at, zone) for name, at in local.items()},
        "lines": [_line(line, clock, zone) for line in result.lines],
        "segments": _segments(result.segments, zone),
        "ahead": _segments(clock.ahead, zone),
        "days_off": _segments(clock.days_off, zone),
        "make_up_workdays": [day.isoformat() for day in clock.worked],
        "sums": _sums(clock.sums),
        "warnings": _instants(((one.threshold, one.at) for one in result.warnings), zone),
        "planned_warnings": _instants(
            ((one.threshold, one.at) for one in result.ahead if one.threshold is not None), zone
        ),
        "breach": _breach(clock, zone),
        "pins": _pins(clock),
        "events": [_event(record, zone) for record in clock.records],
    }


def _line(line: LineResult, clock: Explained, zone: ZoneInfo) -> dict[str, Any]:
    policy, policy_version = (None, None) if line.policy is None else named(line.policy)
    calendar, calendar_version = (None, None) if line.target.calendar is None else named(line.target.calendar)
    cause = line.brought_by
    return {
        "governs": line.governs,
        "policy": policy,
        "policy_version": policy_version,
        "calendar": calendar,
        "calendar_version": calendar_version,
        "zone": None if line.target.calendar is None else clock.about.zones.get(line.target.calendar),
        "target": target_as_json(line),
        "brought_by": {
            "type": type(cause).__name__.lower(),
            "behaviour": cause.behaviour.value if isinstance(cause, Retarget) else None,
            "at": format_instant(cause.at),
            "at_local": local_text(cause.at, zone),
        },
        "measured_from": format_instant(line.measured_from),
        "measured_from_local": local_text(line.measured_from, zone),
        "due_at": None if line.due_at is None else format_instant(line.due_at),
        "due_at_local": None if line.due_at is None else local_text(line.due_at, zone),
        "due_if_resumed_now": format_instant(line.due_if_resumed_now),
        "due_without_halts": format_instant(line.due_without_halts),
        "extensions": [{"at": format_instant(at), "due_at": format_instant(to)} for at, to in line.extensions],
        "why": {language: why(line, clock, zone, language) for language in _LANGUAGES},
    }


def target_as_json(line: LineResult) -> dict[str, Any]:
    """What was promised: the kind and amount of time, and the thresholds as they were written."""
    target = line.target
    return {
        "kind": _KINDS[type(target.duration).__name__],
        "seconds": None if line.whole is None else line.whole / SECOND,
        "seconds_left_at_origin": None if line.budget is None else line.budget / SECOND,
        "warnings": [threshold.label for threshold in target.thresholds],
    }


_KINDS: Final = {
    "Elapsed": "elapsed",
    "Business": "business",
    "BusinessDays": "business_days",
    "CalendarPeriod": "period",
}


def _segments(segments: Iterable[Segment], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {
            "from": format_instant(segment.begin),
            "to": format_instant(segment.end),
            "from_local": local_text(segment.begin, zone),
            "to_local": local_text(segment.end, zone),
            "state": segment.state.value,
            "reason": segment.reason,
            "seconds": segment.seconds,
        }
        for segment in segments
    ]


def _sums(sums: Sums) -> dict[str, Any]:
    """In microseconds, so that nobody has to trust a rounding."""
    return {
        "counted_us": sums.counted,
        "closed_us": sums.closed,
        "paused_us": sums.paused,
        "paused_by_reason_us": dict(sums.paused_by_reason),
        "stopped_us": sums.stopped,
        "real_us": sums.real,
        "adds_up": sums.agree,
    }


def _instants(thresholds: Iterable[tuple[str, datetime]], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {"threshold": threshold, "at": format_instant(at), "at_local": local_text(at, zone)}
        for threshold, at in thresholds
    ]


def _breach(clock: Explained, zone: ZoneInfo) -> dict[str, Any] | None:
    result = clock.result
    if result.breached_at is None or result.breach_cause is None:
        return None
    return {
        "at": format_instant(result.breached_at),
        "at_local": local_text(result.breached_at, zone),
        "cause": result.breach_cause.value,
        "why": BREACH[result.breach_cause.value],
    }


def _pins(clock: Explained) -> list[dict[str, Any]]:
    """The versions that this cycle stands on: each policy with the calendars pinned with it."""
    of_lines = (line.policy for line in clock.lines if line.policy is not None)
    pins = dict.fromkeys((*(r.pin for r in clock.records if r.pin is not None), *of_lines))
    return [
        {
            "policy": named(pin)[0],
            "version": named(pin)[1],
            "calendars": [{"calendar": key, "version": version} for key, version in calendars_in(pin)],
        }
        for pin in pins
    ]


def _event(record: Record, zone: ZoneInfo) -> dict[str, Any]:
    """A recorded event, who recorded it and why; `retroactive` where it was recorded after it took effect."""
    event = record.event
    return {
        "seq": record.seq,
        "type": type(event).__name__.lower(),
        "at": format_instant(event.at),
        "at_local": local_text(event.at, zone),
        "recorded_at": format_instant(record.recorded_at),
        "retroactive": record.recorded_at > event.at,
        "actor": record.actor,
        "cause": record.cause,
        "policy": None if record.pin is None else named(record.pin)[0],
        "policy_version": None if record.pin is None else named(record.pin)[1],
        "detail": record.detail,
    }
