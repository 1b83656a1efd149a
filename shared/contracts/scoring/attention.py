"""What asks for attention before or beside a change of tier: signals and reviews."""

from typing import Any

from pydantic import Field

from shared.contracts.base import AboutCustomer, example
from shared.contracts.fields import Code, Id, Instant, Line, Name, Text, Version


class SignalRaised(AboutCustomer):
    """An early warning about a customer began to hold."""

    model_config = example(
        customer_id="C-10001",
        version=14,
        signal_id="0195f3a0-7c00-7000-8000-00000000005a",
        signal="purchase_drop",
        severity="high",
        raised_at="2026-03-05T16:00:00Z",
        as_of="2026-03-05T16:00:00Z",
        evidence={"spend_90d": "58000.00", "spend_90d_prev": "128000.00"},
        summary="purchases down by 55 % against the quarter before",
    )

    customer_id: Id = Field(description="The customer.")
    version: Version = Field(description="Version of the customer's published state.")
    signal_id: Id = Field(description="This occurrence of the signal.")
    signal: Code = Field(description="Key of the signal rule.")
    severity: Code = Field(description="low, medium, high or critical.")
    raised_at: Instant = Field(description="When it began to hold.")
    as_of: Instant = Field(description="The instant for which it was computed.")
    evidence: dict[Name, Any] = Field(description="Figures that show it.")
    summary: Line = Field(description="In one line, for people.")


class SignalCleared(SignalRaised):
    """An early warning no longer holds."""

    model_config = example(
        customer_id="C-10001",
        version=15,
        signal_id="0195f3a0-7c00-7000-8000-00000000005a",
        signal="purchase_drop",
        severity="high",
        raised_at="2026-03-05T16:00:00Z",
        cleared_at="2026-04-12T16:00:00Z",
        as_of="2026-04-12T16:00:00Z",
        evidence={"spend_90d": "131000.00", "spend_90d_prev": "128000.00"},
        summary="purchases are back",
    )

    cleared_at: Instant = Field(description="When it ceased to hold.")


class Review(AboutCustomer):
    """A review of one customer's tier by people."""

    customer_id: Id = Field(description="The customer.")
    version: Version = Field(description="Version of the customer's published state.")
    review_id: Id = Field(description="The review.")
    model: Code = Field(description="Key of the model.")
    current_tier: Code | None = Field(description="Tier that holds.")
    proposed_tier: Code | None = Field(description="Tier that is proposed.")
    reason: Line | None = Field(description="Why the review was asked for.")
    requested_at: Instant = Field(description="When it was asked for.")
    due_at: Instant = Field(description="When a decision is expected.")


_REVIEW: dict[str, Any] = {
    "customer_id": "C-10001",
    "version": 16,
    "review_id": "0195f3a0-7c00-7000-8000-00000000007b",
    "model": "commercial-lab",
    "current_tier": "key",
    "proposed_tier": "ordinary",
    "reason": "yearly cycle",
    "requested_at": "2026-03-06T00:00:00Z",
    "due_at": "2026-03-20T00:00:00Z",
}


class ReviewRequested(Review):
    """People are asked to review a customer's tier."""

    model_config = example(**_REVIEW)


class ReviewDecided(Review):
    """A review of a customer's tier was decided."""

    model_config = example(
        **_REVIEW,
        decision="approved",
        decided_at="2026-03-18T03:00:00Z",
        decided_by=["E-0007"],
        comment="demand moved to another lab",
    )

    decision: Code = Field(description="approved, rejected or changed.")
    decided_at: Instant = Field(description="When.")
    decided_by: list[Id] = Field(description="Who voted for it.")
    comment: Text | None = Field(description="Why.")


class ReviewOverdue(Review):
    """A review was not decided in time."""

    model_config = example(**_REVIEW, overdue_since="2026-03-20T00:00:00Z")

    overdue_since: Instant = Field(description="Since when.")
