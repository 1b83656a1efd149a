"""What a template may speak of: one flat list of names. All are always there; what an event does not tell is None."""

from collections.abc import Mapping
from typing import Final

from services.notify.domain.happening import Fact, Happening

FROM_EVENT: Final[dict[str, str]] = {
    "customer_id": "customer_id",
    "customer_name": "customer_name",
    "service_class": "service_class",
    "case_id": "case_id",
    "case_number": "number",
    "case_type": "type",
    "title": "title",
    "severity": "severity",
    "previous_severity": "previous_severity",
    "stage": "stage",
    "previous_stage": "previous_stage",
    "matter_id": "matter_id",
    "impact": "impact",
    "summary": "trigger_summary",
    "target": "target",
    "threshold": "threshold",
    "started_at": "started_at",
    "due_at": "due_at",
    "at_attach": "at_attach",
    "opened_at": "opened_at",
    "level": "level",
    "role": "role",
    "reason": "reason",
    "acknowledge_by": "acknowledge_by",
    "repeat": "repeat",
    "outcome": "outcome",
    "by": "by",
    "event_type": "event_type",
}
"""Variable and the fact of the event that fills it."""

OWN: Final = frozenset(
    {"event_id", "occurred_at", "audience", "urgency", "recipient_name", "ack_url", "ack_expires_at", "message_id"}
)
"""Filled by notify for each message and recipient."""

VOCABULARY: Final = frozenset(FROM_EVENT) | OWN

SAMPLE: Final[Mapping[str, Fact]] = {
    "customer_id": "C-10001",
    "customer_name": "Example Pumps Co., Ltd.",
    "service_class": "key",
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "case_number": "CR-2026-000117",
    "case_type": "complaint",
    "title": "Third late delivery in a row",
    "severity": "S2",
    "previous_severity": "S3",
    "stage": "assessment",
    "previous_stage": "warning",
    "matter_id": "0195f3a0-7c00-7000-8000-0000000000d1",
    "impact": "high",
    "summary": "Third late delivery in a row",
    "target": "initial_resolution",
    "threshold": "90%",
    "started_at": "2026-03-05T08:00:00Z",
    "due_at": "2026-03-06T08:00:00Z",
    "at_attach": False,
    "opened_at": "2026-03-05T08:00:00Z",
    "level": 2,
    "role": "team_lead",
    "reason": "breach",
    "acknowledge_by": "2026-03-06T08:30:00Z",
    "repeat": 0,
    "outcome": "retained",
    "by": "E-1042",
    "event_type": "crisis.escalation.raised.v1",
    "event_id": "0195f3a0-7c00-7000-8000-000000000901",
    "occurred_at": "2026-03-06T08:00:00Z",
    "audience": "team_lead",
    "urgency": "critical",
    "recipient_name": "Recipient",
    "ack_url": "https://moat.example.com/v1/acks/sample",
    "ack_expires_at": "2026-03-13T08:00:00Z",
    "message_id": "0195f3a0-7c00-7000-8000-0000000000a1",
}
"""A value for every variable, for previews and for trying a template when it is saved."""


def variables_of(happening: Happening) -> dict[str, Fact]:
    """The variables that come from the event alone."""
    return {name: happening.facts.get(fact) for name, fact in FROM_EVENT.items()}
