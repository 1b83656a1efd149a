"""The case: one relationship crisis of one customer, from opening to closing."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import AboutCustomer, Part, example
from shared.contracts.fields import Code, Id, Instant, Line, Number, ServiceClass, Severity, Text, Version

CaseStatus = Literal["open", "closed", "dismissed", "merged"]
Stage = Literal["warning", "assessment", "intervention", "repair", "retrospective", "closed", "dismissed", "merged"]


class Trigger(Part):
    """The event that opened a case or joined it."""

    event_id: Id = Field(description="Id of the event.")
    type: Code = Field(description="Its type.")
    at: Instant = Field(description="When it happened.")
    summary: Line = Field(description="In one line, for people.")


class Change(Part):
    """One field that changed."""

    field: Code = Field(description="Name of the field.")
    before: Line | None = Field(description="Value before, as text.")
    after: Line | None = Field(description="Value now, as text.")


class CaseEvent(AboutCustomer):
    """The case as it stands after what happened; a listener that keeps cases needs no other event."""

    case_id: Id = Field(description="The case.")
    number: Code = Field(description="Its number, for people.")
    customer_id: Id = Field(description="The customer.")
    customer_name: Line | None = Field(description="Name of the organisation.")
    type: Code = Field(description="Kind of crisis, e.g. complaint, tier_drop, opinion.")
    severity: Severity = Field(description="S1 is the gravest.")
    stage: Stage = Field(description="Stage of the loop.")
    status: CaseStatus = Field(description="open, closed, dismissed or merged.")
    service_class: ServiceClass = Field(description="The class that is served: the best since the case opened.")
    title: Line = Field(description="In one line, for people.")
    owner: Id | None = Field(description="Directory id of the owner.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    opened_at: Instant = Field(description="When the case opened.")
    version: Version = Field(description="Version of the case.")
    at: Instant = Field(description="When this happened.")
    by: Id | None = Field(description="Who did it; null for the system.")
    reason: Text | None = Field(description="Why, in that person's words or the rule's.")
    drill: bool = Field(False, description="A drill: excluded from every figure, sent to sandbox channels only.")


CASE: dict[str, Any] = {
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "number": "CR-2026-000117",
    "customer_id": "C-10001",
    "customer_name": "Example Pumps Co., Ltd.",
    "type": "complaint",
    "severity": "S2",
    "stage": "warning",
    "status": "open",
    "service_class": "key",
    "title": "Third late delivery in a row",
    "owner": None,
    "account_manager": "E-1042",
    "opened_at": "2026-03-05T08:00:00Z",
    "version": 1,
    "at": "2026-03-05T08:00:00Z",
    "by": None,
    "reason": None,
    "drill": False,
}
"""A case as it opens: what the examples of case events begin with."""


class CaseOpened(CaseEvent):
    """A crisis began."""

    model_config = example(
        **CASE,
        trigger={
            "event_id": "crm-778812",
            "type": "customer.complaint.received.v1",
            "at": "2026-03-05T08:00:00Z",
            "summary": "Third late delivery in a row",
        },
        rule="complaint-received",
        matter_id="0195f3a0-7c00-7000-8000-0000000000d1",
        provisional=False,
    )

    trigger: Trigger | None = Field(description="The event that opened it; null when a person did.")
    rule: Code | None = Field(description="Key of the trigger rule; null when a person opened it.")
    matter_id: Id | None = Field(description="The first matter.")
    provisional: bool = Field(description="The tier was not yet known: the default class is served until it is.")


class CaseUpdated(CaseEvent):
    """Something about the case changed that has no event of its own, or the people concerned were given an update."""

    model_config = example(
        **CASE
        | {
            "stage": "assessment",
            "version": 4,
            "at": "2026-03-05T09:10:00Z",
            "by": "E-1042",
            "reason": "spare truck found, arrives at 18:00",
            "owner": "E-1042",
        },
        kind="update",
        matter_id=None,
        trend="improving",
        changes=[],
    )

    kind: Code = Field(
        description="update, response, joined, assigned, linked, waiting, continued, proposal, task or edit."
    )
    matter_id: Id | None = Field(description="The matter concerned; null for the case.")
    trend: Code | None = Field(description="improving, same or declining, where an update said so.")
    changes: list[Change] = Field(description="Fields that changed.")


class CaseSeverityChanged(CaseEvent):
    """The severity of a case changed. It rises by itself; only a person lowers it."""

    model_config = example(
        **CASE | {"severity": "S1", "version": 3, "at": "2026-03-05T08:40:00Z", "reason": "the public knows of it"},
        previous_severity="S2",
        matrix_version=1,
    )

    previous_severity: Severity = Field(description="Severity before.")
    matrix_version: Version | None = Field(description="Version of the severity matrix; null when a person set it.")


class CaseStageChanged(CaseEvent):
    """A case moved to another stage of the loop."""

    model_config = example(
        **CASE | {"stage": "assessment", "version": 2, "at": "2026-03-05T08:12:00Z", "by": "E-1042"},
        previous_stage="warning",
    )

    previous_stage: Stage = Field(description="Stage before.")


class CaseAcknowledged(CaseEvent):
    """Somebody took notice of the case: it stops the acknowledge clock, and escalation for lack of it."""

    model_config = example(
        **CASE | {"version": 2, "at": "2026-03-05T08:09:00Z", "by": "E-1042"},
        means="link",
        matter_ids=["0195f3a0-7c00-7000-8000-0000000000d1"],
        message_id="0195f3a0-7c00-7000-8000-0000000000a1",
    )

    means: Code = Field(description="link, chat or api.")
    matter_ids: list[Id] = Field(description="The matters that were acknowledged.")
    message_id: Id | None = Field(description="The message that was answered, if one was.")


class CaseResolved(CaseEvent):
    """The last open matter of a case was resolved; trust is still to be repaired."""

    model_config = example(
        **CASE
        | {"stage": "intervention", "version": 7, "at": "2026-03-05T20:30:00Z", "by": "E-1042", "reason": "delivered"},
        matter_ids=["0195f3a0-7c00-7000-8000-0000000000d1"],
        elapsed_seconds=45000,
    )

    matter_ids: list[Id] = Field(description="The matters that this action resolved.")
    elapsed_seconds: Number = Field(description="Real time since the case opened.")


class CaseClosed(CaseEvent):
    """A case was closed; nothing is left to do."""

    model_config = example(
        **CASE | {"stage": "closed", "status": "closed", "version": 12, "at": "2026-03-20T03:00:00Z", "by": "E-1042"},
        outcome="retained",
        resolved_at="2026-03-05T20:30:00Z",
    )

    outcome: Code | None = Field(description="What became of the relationship, e.g. retained, reduced, lost.")
    resolved_at: Instant | None = Field(description="When the last matter was resolved.")


class CaseReopened(CaseEvent):
    """A resolved or closed case is open again."""

    model_config = example(
        **CASE | {"stage": "assessment", "version": 13, "at": "2026-03-22T01:00:00Z", "reason": "late again"},
        mode="new_cycle",
        matter_ids=["0195f3a0-7c00-7000-8000-0000000000d1"],
        reopened_count=1,
    )

    mode: Code = Field(description="How its clocks go on, e.g. new_cycle.")
    matter_ids: list[Id] = Field(description="The matters that are open again.")
    reopened_count: Version = Field(description="How often it has been reopened.")


class CaseMerged(CaseEvent):
    """A case went up in another one of the same customer, which has its matters and promises from now on."""

    model_config = example(
        **CASE
        | {
            "stage": "merged",
            "status": "merged",
            "version": 5,
            "at": "2026-03-06T01:00:00Z",
            "by": "E-0007",
            "reason": "both plants belong to one company",
        },
        into_case_id="0195f3a0-7c00-7000-8000-0000000000c2",
        into_number="CR-2026-000121",
        into_customer_id="C-10002",
        matter_ids=["0195f3a0-7c00-7000-8000-0000000000d1"],
    )

    into_case_id: Id = Field(description="The case that goes on.")
    into_number: Code = Field(description="Its number, for people.")
    into_customer_id: Id = Field(description="Its customer; another id where two turned out to be one.")
    matter_ids: list[Id] = Field(description="The matters that go on there; what both cases were about goes on once.")


class CaseDismissed(CaseEvent):
    """A case turned out to be none."""

    model_config = example(
        **CASE
        | {
            "stage": "dismissed",
            "status": "dismissed",
            "version": 2,
            "at": "2026-03-05T08:20:00Z",
            "by": "E-1042",
            "reason": "sent by mistake",
        },
    )
