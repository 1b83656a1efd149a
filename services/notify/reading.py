"""From contract events to what notify's rules understand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.notify.domain.happening import Fact, Happening
from services.notify.domain.standing import Standing, told_by
from shared.contracts import CloudEvent

CASE_EVENTS: Final = frozenset(
    {
        "crisis.case.opened.v1",
        "crisis.case.updated.v1",
        "crisis.case.severity_changed.v1",
        "crisis.case.stage_changed.v1",
        "crisis.case.acknowledged.v1",
        "crisis.case.resolved.v1",
        "crisis.case.closed.v1",
        "crisis.case.reopened.v1",
        "crisis.case.merged.v1",
        "crisis.case.dismissed.v1",
    }
)
CRISIS_EVENTS: Final = CASE_EVENTS | frozenset(
    {
        "crisis.matter.opened.v1",
        "crisis.matter.resolved.v1",
        "crisis.clock.warned.v1",
        "crisis.clock.breached.v1",
        "crisis.clock.met.v1",
        "crisis.clock.cancelled.v1",
        "crisis.escalation.raised.v1",
        "crisis.task.assigned.v1",
        "crisis.task.overdue.v1",
        "crisis.promise.broken.v1",
        "crisis.followup.due.v1",
        "crisis.retrospective.due.v1",
    }
)
"""What a route may match and what tells how a case stands."""


def happening_of(event: CloudEvent) -> Happening:
    """The event's scalar fields by name; of an opening trigger its summary, type and id as `trigger_…`."""
    data: Mapping[str, Any] = event.data or {}
    facts: dict[str, Fact] = {
        name: value for name, value in data.items() if isinstance(value, str | int | float | bool | None)
    }
    trigger = data.get("trigger")
    if isinstance(trigger, Mapping):
        facts.update({f"trigger_{name}": value for name, value in trigger.items() if isinstance(value, str)})
    facts["event_type"] = event.type
    customer = data.get("customer_id")
    case, matter = data.get("case_id"), data.get("matter_id")
    return Happening(
        event_id=event.id,
        type=event.type,
        at=event.time,
        subject=event.subject,
        customer_id=customer if isinstance(customer, str) else None,
        case_id=case if isinstance(case, str) else None,
        matter_id=matter if isinstance(matter, str) else None,
        facts=facts,
    )


def standings_of(event: CloudEvent, happening: Happening, now: datetime) -> list[Standing]:
    """What the event says about its case, matters, clock or escalation."""
    named = (event.data or {}).get("matter_ids")
    matters = [id_ for id_ in named if isinstance(id_, str)] if isinstance(named, list) else []
    return told_by(happening, matters=matters, sequence=event.sequence or 0, now=now)
