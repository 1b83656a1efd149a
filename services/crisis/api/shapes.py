"""What cases look like over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from services.crisis.domain.timeline import Entry
from services.crisis.store.queries import Correction
from shared.web.schema import Out

Severity = Literal["S1", "S2", "S3", "S4"]
Impact = Literal["low", "medium", "high", "critical"]
ServiceClass = Literal["strategic", "key", "standard", "basic"]
Stage = Literal["warning", "assessment", "intervention", "repair", "retrospective", "closed", "dismissed", "merged"]
CaseStatus = Literal["open", "closed", "dismissed", "merged"]


class TriggerOut(Out):
    """An event that opened the case or joined it."""

    source: str
    event_id: str
    type: str
    at: datetime
    summary: str
    outcome: str = Field(description="opened, joined or amended.")
    matter_id: str | None
    rule: str | None = Field(description="Key of the trigger rule that decided.")


class MatterOut(Out):
    """One complaint, mention or drop in the case, with a promise of its own."""

    id: str
    type: str
    reference: str | None = Field(description="The complaint or mention in the system it came from.")
    title: str
    status: Literal["open", "resolved", "withdrawn", "dismissed"]
    impact: Impact
    public: bool
    received_at: datetime = Field(description="When its clocks started.")
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    resolution: str | None
    category: str | None
    regulated: str | None
    remedy_sought: str | None


class EscalationOut(Out):
    """How far the case has been escalated."""

    id: str
    state: Literal["waiting", "acknowledged", "ended"]
    level: int = Field(description="The level that was called last; 1 is the account manager's.")
    reason: str
    raised_at: datetime
    next_at: datetime | None = Field(description="When it goes on by itself.")


class SideOut(Out):
    """One side of what is owed."""

    clock_id: str
    target: str
    due_at: datetime
    policy: str = Field(description="SLA policy or statutory pack with its version and calendars.")


class ObligationOut(Out):
    """What the customer is owed of one thing, where the law wants it beside the contract."""

    matter_id: str | None
    target: str
    due_at: datetime = Field(description="The stricter of the two.")
    stricter: Literal["contract", "statute"]
    contract: SideOut | None
    statute: SideOut


class WaitOut(Out):
    """Why the case, or one of its matters, stands still."""

    reason: str = Field(description="Code of the reason, as in `/v1/wait-reasons`.")
    name: dict[str, str] = Field(description="The reason in both languages.")
    who: str = Field(description="Who waits: us, customer or third_party.")
    for_whom: str = Field(description="Who has to move.")
    matter_id: str | None = Field(description="The matter; null for the whole case.")
    since: datetime
    ends_at: datetime = Field(description="When it ends by itself.")
    ends_because: str = Field(description="until, or the limit that ends it: one_wait, reason_in_total or in_total.")
    by: str
    approved_by: str | None = Field(description="Who approved a wait beyond the limit.")


class CaseLinkOut(Out):
    """Another case."""

    id: str
    number: str
    customer_id: str


class CaseOut(Out):
    """A case as it stands."""

    id: str
    number: str
    customer_id: str
    type: str
    severity: Severity
    severity_explanation: dict[str, Any] = Field(description="The steps by which the matrix came to its severity.")
    stage: Stage
    status: CaseStatus
    service_class: ServiceClass = Field(description="The class that is served: the best since the case opened.")
    provisional: bool = Field(description="The tier was not yet known at the opening.")
    segment: str | None = Field(description="The customer's segment when the case opened; documents may ask for it.")
    channel: str | None = Field(description="How what opened the case reached us; documents may ask for it.")
    regime: str | None = Field(description="`regulated` of what opened the case; documents may ask for it.")
    title: str
    impact: Impact
    public: bool
    trend: str | None
    assessment: dict[str, Any] | None
    responsibility: str | None
    policy: str = Field(description="SLA policy and calendars with their versions, pinned until it is recalculated.")
    escalation_policy: str = Field(description="Escalation policy with its version, frozen at the opening.")
    rule: str | None = Field(description="Key of the trigger rule that opened it; null when a person did.")
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    owner: str | None
    reopened_count: int
    previous_case_id: str | None
    merged_into: CaseLinkOut | None = Field(description="The case that goes on in its place.")
    merged_cases: list[CaseLinkOut] = Field(description="The cases that it goes on for.")
    drill: bool
    matters: list[MatterOut]
    obligations: list[ObligationOut] = Field(description="Open ones of regulated matters; others have none.")
    triggers: list[TriggerOut] = Field(description="The first hundred events.")
    escalation: EscalationOut | None
    waits: list[WaitOut] = Field(description="The waits that are open, in the order in which they were made.")
    version: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "CaseOut":
        """The case made of a row of `cases_by_id`."""
        run = row["escalation"]
        return cls.model_validate(
            {
                **row,
                "severity_explanation": row["explanation"],
                "public": row["is_public"],
                "matters": [MatterOut.model_validate({**m, "public": m["is_public"]}) for m in row["matters"]],
                "obligations": [ObligationOut.model_validate(owed) for owed in row["obligations"]],
                "triggers": [TriggerOut.model_validate(trigger) for trigger in row["triggers"]],
                "escalation": None if run is None else EscalationOut.model_validate(run),
                "waits": [WaitOut.model_validate(wait) for wait in row["waits"]],
            }
        )


class TimelineEntryOut(Out):
    """One thing that happened. The hash covers the fixed fields and the digest, the digest covers salt and words."""

    seq: int
    at: datetime = Field(description="When it took effect.")
    recorded_at: datetime
    kind: str
    actor: str
    summary: str | None = Field(description="Null after an erasure.")
    data: dict[str, Any] | None
    salt: str | None
    digest: str
    hash: str
    previous_hash: str
    corrected_by: int | None = Field(
        description="Sequence number of the entry that says that this warning or breach no longer holds."
    )
    corrected_in: str | None = Field(
        description="The case whose timeline has that entry: this one, or the one that it was merged into."
    )

    @classmethod
    def of(cls, entry: Entry, correction: Correction | None = None) -> "TimelineEntryOut":
        """The entry, flagged where a later one corrects it. The hash covers the entry alone."""
        named = {name: getattr(entry, name) for name in cls.model_fields if not name.startswith("corrected_")}
        by, where = correction or (None, None)
        return cls.model_validate({**named, "corrected_by": by, "corrected_in": where})


class VerificationOut(Out):
    """Whether the chain of a timeline holds."""

    valid: bool
    entries: int
    broken_at: int | None = Field(description="The first sequence number that does not verify.")
