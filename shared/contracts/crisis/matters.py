"""Matters inside a case, and escalation to the next level."""

from typing import Any

from pydantic import Field

from shared.contracts.base import AboutCustomer, Payload, example
from shared.contracts.crisis.cases import Trigger
from shared.contracts.fields import (
    Code,
    Count,
    Id,
    Impact,
    Instant,
    Line,
    Seconds,
    ServiceClass,
    Severity,
    Text,
    Version,
)


class MatterEvent(AboutCustomer):
    """One complaint, dispute, incident or mention, with a promise of its own inside the customer's case."""

    matter_id: Id = Field(description="The matter.")
    case_id: Id = Field(description="The case.")
    number: Code = Field(description="The case's number, for people.")
    customer_id: Id = Field(description="The customer.")
    customer_name: Line | None = Field(description="Name of the organisation.")
    type: Code = Field(description="Kind of matter, e.g. complaint, tier_drop, opinion.")
    reference: Id | None = Field(description="The complaint, contract or mention that it is about.")
    title: Line = Field(description="In one line, for people.")
    impact: Impact | None = Field(description="How hard it hits the customer.")
    regulated: Code | None = Field(description="Regime whose statutory clocks run.")
    public: bool | None = Field(description="Whether the public knows of it.")
    severity: Severity = Field(description="Severity of the case.")
    service_class: ServiceClass = Field(description="The class that is served.")
    owner: Id | None = Field(description="Directory id of the case's owner.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    opened_at: Instant = Field(description="When the matter began.")
    at: Instant = Field(description="When this happened.")
    version: Version = Field(description="Version of the case.")
    drill: bool = Field(False, description="A drill: excluded from every figure.")


_MATTER: dict[str, Any] = {
    "matter_id": "0195f3a0-7c00-7000-8000-0000000000d1",
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "number": "CR-2026-000117",
    "customer_id": "C-10001",
    "customer_name": "Example Pumps Co., Ltd.",
    "type": "complaint",
    "reference": "CMP-20260305-17",
    "title": "Third late delivery in a row",
    "impact": "high",
    "regulated": None,
    "public": False,
    "severity": "S2",
    "service_class": "key",
    "owner": None,
    "account_manager": "E-1042",
    "opened_at": "2026-03-05T08:00:00Z",
    "at": "2026-03-05T08:00:00Z",
    "version": 1,
    "drill": False,
}


class MatterOpened(MatterEvent):
    """A matter joined the customer's case, or opened it."""

    model_config = example(
        **_MATTER,
        trigger={
            "event_id": "crm-778812",
            "type": "customer.complaint.received.v1",
            "at": "2026-03-05T08:00:00Z",
            "summary": "Third late delivery in a row",
        },
        opened_case=True,
    )

    trigger: Trigger | None = Field(description="The event that brought it; null when a person did.")
    opened_case: bool = Field(description="Whether the case opened with it.")


class MatterResolved(MatterEvent):
    """A matter was resolved, or ended because it was withdrawn."""

    model_config = example(
        **_MATTER | {"at": "2026-03-05T20:30:00Z", "version": 7},
        resolution="delivered",
        by="E-1042",
        reason="goods arrived at 20:30, credit note sent",
    )

    resolution: Code | None = Field(description="How it ended, e.g. delivered, credited, explained, withdrawn.")
    by: Id | None = Field(description="Who resolved it; null for the system.")
    reason: Text | None = Field(description="What was done.")


class EscalationRaised(AboutCustomer):
    """The case goes to the next level: the role named here is to act now."""

    model_config = example(
        escalation_id="0195f3a0-7c00-7000-8000-0000000000f1",
        case_id="0195f3a0-7c00-7000-8000-0000000000c1",
        number="CR-2026-000117",
        matter_id="0195f3a0-7c00-7000-8000-0000000000d1",
        customer_id="C-10001",
        customer_name="Example Pumps Co., Ltd.",
        title="Third late delivery in a row",
        type="complaint",
        severity="S2",
        stage="assessment",
        service_class="key",
        owner=None,
        account_manager="E-1042",
        policy="default-escalation",
        policy_version=1,
        level=2,
        role="team_lead",
        reason="breach",
        clock_id="0195f3a0-7c00-7000-8000-0000000000e1",
        target="initial_resolution",
        due_at="2026-03-06T08:00:00Z",
        step=1,
        repeat=0,
        acknowledge_by="2026-03-06T08:30:00Z",
        at="2026-03-06T08:00:00Z",
        fired_at="2026-03-06T08:00:00Z",
        version=6,
        drill=False,
    )

    escalation_id: Id = Field(description="This escalation; the same through all its levels.")
    case_id: Id = Field(description="The case.")
    number: Code = Field(description="The case's number, for people.")
    matter_id: Id | None = Field(description="The matter; null for the whole case.")
    customer_id: Id = Field(description="The customer.")
    customer_name: Line | None = Field(description="Name of the organisation.")
    title: Line = Field(description="Title of the case.")
    type: Code = Field(description="Kind of crisis.")
    severity: Severity = Field(description="Severity of the case.")
    stage: Code = Field(description="Stage of the loop.")
    service_class: ServiceClass = Field(description="The class that is served.")
    owner: Id | None = Field(description="Directory id of the case's owner.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    policy: Code = Field(description="Key of the escalation policy.")
    policy_version: Version = Field(description="Its version, pinned at the opening.")
    level: Version = Field(description="1 is the account manager's.")
    role: Code = Field(description="account_manager, team_lead, department_head, executive_sponsor or ceo.")
    reason: Code = Field(description="not_acknowledged, warning, breach, broken_promise or relapse.")
    clock_id: Id | None = Field(description="The clock that led to it.")
    target: Code | None = Field(description="What was promised.")
    due_at: Instant | None = Field(description="By when.")
    step: Version = Field(description="Counts the calls of this escalation from 1.")
    repeat: Count = Field(description="How often this level was called before.")
    acknowledge_by: Instant | None = Field(description="When the next level is called, unless somebody acknowledges.")
    at: Instant = Field(description="When it was due to be raised.")
    fired_at: Instant = Field(description="When it was.")
    version: Version = Field(description="Version of the case.")
    drill: bool = Field(False, description="A drill: excluded from every figure.")


class RuleTripped(Payload):
    """A trigger rule opened too many cases in a short time: what comes after waits for people as candidates."""

    model_config = example(
        rule="tier-drop",
        rule_version=1,
        cases=500,
        within_seconds=3600,
        role="team_lead",
        tripped_at="2026-03-05T08:00:00Z",
    )

    rule: Code = Field(description="Key of the rule.")
    rule_version: Version = Field(description="Its version.")
    cases: Version = Field(description="How many cases it may open.")
    within_seconds: Seconds = Field(description="In how long a time.")
    role: Code = Field(description="Who is to look: team_lead.")
    tripped_at: Instant = Field(description="When it tripped. Told once, until the rule has been quiet for that long.")
