"""Facts about clocks become contract events here."""

from datetime import datetime
from typing import Any, Final, assert_never

from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.sla.pins import unpinned
from services.crisis.domain.timeline import instant_text
from services.crisis.library import plain_key
from shared.contracts import CloudEvent, Payload, registry
from shared.contracts import crisis as contract
from shared.ids import new_id

SOURCE: Final = "/moat/crisis"
_CLOCKS: Final[dict[str, type[Payload]]] = {
    "started": contract.ClockStarted,
    "paused": contract.ClockPaused,
    "resumed": contract.ClockResumed,
    "retargeted": contract.ClockRetargeted,
    "warned": contract.ClockWarned,
    "breached": contract.ClockBreached,
    "met": contract.ClockMet,
    "cancelled": contract.ClockCancelled,
    "corrected": contract.ClockCorrected,
    "extended": contract.ClockExtended,
    "due_changed": contract.ClockDueChanged,
}


_SHORT: Final = {kind: registry[f"crisis.clock.{kind}.v1"] for kind in ("started", "retargeted", "warned", "breached")}


def clock_payload(file: CaseFile, fact: ClockFact, now: datetime) -> Payload:
    """What is published of a fact about a clock."""
    return _CLOCKS[fact.kind](**clock_fields(file, fact, now), **_clock_detail(fact))


def is_told_shortly(fact: ClockFact) -> bool:
    """Whether `clock_told` makes the event of this fact."""
    return fact.kind in _SHORT


def clock_told(file: CaseFile, fact: ClockFact, *, fired_at: str) -> CloudEvent:
    """The event of a clock that started, was retargeted, warned or broke, without the detour over its model.

    Most of our events are of the first type, and a recompute sends many thousands of the others at once. A test holds
    them to the models field by field.
    """
    entry = _SHORT[fact.kind]
    data = _in_json(file, fact, fired_at) | _clock_detail(fact)
    previous = data.get("previous_due_at")
    if previous is not None:
        data["previous_due_at"] = instant_text(previous)
    return CloudEvent(
        id=new_id(),
        source=SOURCE,
        type=entry.type,
        subject=file.case.customer_id,
        time=fact.at,
        data=data,
        dataschema=entry.dataschema,
    )


def _in_json(file: CaseFile, fact: ClockFact, fired_at: str) -> dict[str, Any]:
    """`clock_fields` with JSON's own types."""
    fields = clock_fields(file, fact, fired_at)
    for name in ("started_at", "due_at", "at"):
        instant = fields[name]
        fields[name] = None if instant is None else instant_text(instant)
    return fields


def clock_fields(file: CaseFile, fact: ClockFact, now: datetime | str) -> dict[str, Any]:
    """What all events of clocks have."""
    case, clock, result = file.case, fact.clock, fact.result
    policy, policy_version = plain_key(clock.policy)
    calendar, calendar_version = (None, None) if result.calendar is None else unpinned(result.calendar)
    return {
        "clock_id": clock.id,
        "case_id": case.id,
        "number": case.number,
        "matter_id": clock.matter_id,
        "customer_id": case.customer_id,
        "customer_name": file.customer.name,
        "title": case.title,
        "type": case.type,
        "severity": case.severity,
        "service_class": case.service_class,
        "owner": case.owner,
        "account_manager": file.customer.account_manager,
        "target": clock.target,
        "cycle": result.cycle,
        "policy": policy,
        "policy_version": policy_version,
        "calendar": calendar,
        "calendar_version": calendar_version,
        "statutory": result.statutory,
        "department": result.department,
        "started_at": result.started_at,
        "due_at": _due_of(fact),
        "provisional": result.provisional,
        "has_breached": result.has_breached,
        "at": fact.at,
        "fired_at": now,
        "version": case.version,
        "drill": case.drill,
    }


def _due_of(fact: ClockFact) -> datetime | None:
    """By when it is due; of what happened to a promise, when it was due, also where a later pause leaves that open."""
    result = fact.result
    return result.due_at or (result.due_if_resumed_now if fact.kind in {"warned", "breached"} else None)


def _clock_detail(fact: ClockFact) -> dict[str, Any]:
    detail, result = fact.detail, fact.result
    match fact.kind:
        case "started":
            return {}
        case "paused":
            return {"reasons": detail["reasons"], "by": detail["by"]}
        case "resumed":
            return {"reason": detail["reason"], "by": detail["by"], "paused_seconds": result.paused_seconds}
        case "retargeted":
            policy, version = plain_key(detail["previous_policy"])
            return {
                "behaviour": detail["behaviour"],
                "cause": detail["cause"],
                "previous_due_at": detail["previous_due_at"],
                "previous_policy": policy,
                "previous_policy_version": version,
            }
        case "warned" | "breached":
            return dict(detail)
        case "met":
            left = None
            if detail["result"] == "met" and result.due_at is not None and result.stopped_at is not None:
                left = max(0.0, (result.due_at - result.stopped_at).total_seconds())
            return {
                "result": detail["result"],
                "elapsed_seconds": result.elapsed_seconds,
                "remaining_seconds": left,
            }
        case "cancelled":
            return {"reason": detail["reason"], "by": detail["by"]}
        case "extended" | "due_changed":
            return dict(detail)
        case "corrected":
            return {**detail, "corrects": f"crisis.clock.{detail['corrects']}.v1"}
        case _:
            assert_never(fact.kind)
