"""What scoring answers about customers, their tiers and metrics."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field

from services.scoring.api.grades import GradeOut
from services.scoring.domain.profile import PERSONAL
from services.scoring.store.customer_queries import CustomerRow
from services.scoring.store.tier_history import HistoryEntry
from shared.contracts.fields import ServiceClass
from shared.contracts.scoring import RevenueBand
from shared.web.schema import Out

CustomerId = Annotated[str, Path(min_length=1, max_length=128, description="The customer's id.", examples=["C-10001"])]
ModelKey = Annotated[
    str | None,
    Query(
        max_length=64, description="Key of a model; the customer's primary one without it.", examples=["rfm-lifecycle"]
    ),
]
Segment = Annotated[str | None, Query(max_length=64, description="Only customers of this segment.")]


class CustomerOut(Out):
    """A customer as other systems see it."""

    id: str
    name: str | None
    segment: str | None
    region: str | None
    account_manager: str | None
    industry: str | None = Field(description="GB/T 4754 code.")
    size: str | None
    since: date | None
    parent_customer_id: str | None
    payment_terms_days: int | None
    service_class: ServiceClass = Field(description="What the customer is promised; never null.")
    service_class_source: Literal["graded", "default", "override"]
    primary_model: str | None = Field(description="The model that sets the service class.")
    tiers: dict[str, str] = Field(description="Tier by model; a model with too little data is absent.")
    risk_flags: list[str]
    revenue_at_risk: RevenueBand | None = Field(description="Band of the yearly revenue.")
    first_seen_at: datetime = Field(description="When the first fact about the customer arrived.")
    version: int = Field(description="Version of the published state; 0 before anything was published.")

    @classmethod
    def of(cls, row: CustomerRow) -> "CustomerOut":
        return cls(**_fields(row))


class CustomerDetailOut(CustomerOut):
    """A customer with its whole profile. Personal data is withheld from callers without `pii:read`."""

    details: dict[str, Any] = Field(
        description="contacts, decision_makers, needs, plans, attributes … as far as known."
    )
    withheld: list[str] = Field(description="Details that are known but not shown to this caller.")

    @classmethod
    def seen_by(cls, row: CustomerRow, scopes: frozenset[str]) -> "CustomerDetailOut":
        """The customer as a caller with these scopes may see it."""
        hidden = [] if "pii:read" in scopes else [name for name in PERSONAL if name in row.details]
        shown = {name: value for name, value in row.details.items() if name not in hidden}
        return cls(**_fields(row), details=shown, withheld=hidden)


def _fields(row: CustomerRow) -> dict[str, Any]:
    names = CustomerOut.model_fields.keys() - {"risk_flags", "revenue_at_risk"}
    told: Mapping[str, Any] = row.published
    fields = {name: getattr(row, name) for name in names}
    return {**fields, "risk_flags": told.get("risk_flags", []), "revenue_at_risk": told.get("revenue_at_risk")}


class EditAccepted(Out):
    """The edit is durable as a fact, and takes effect when the fact is applied: in a moment."""

    customer_id: str
    event_id: str = Field(description="Id of the profile fact that the edit became.")
    version: int = Field(description="Version of the profile with the edit: its ETag.")


class TimelineEntryOut(Out):
    """A fact or a change of tier."""

    at: datetime = Field(description="When it happened, or began to hold.")
    recorded_at: datetime = Field(description="When it became known here.")
    kind: str = Field(description="Type of the fact, or `tier.changed`.")
    actor: str = Field(description="Source of the fact, or the model.")
    summary: str
    data: dict[str, Any]


class TierOut(GradeOut):
    """A customer's tier by one model, and why."""

    customer_id: str
    model: str
    model_version: int
    primary: bool = Field(description="Whether this model sets the service class.")
    lifecycle: Literal["computed", "effective"] = Field(
        description="`effective`: in force. `computed`: what is known by now says so; it will be in force in a moment."
    )
    effective_tier: str | None = Field(description="The tier in force.")
    effective_at: datetime | None = Field(description="Since when it is; null before the first grading.")
    computed_at: datetime
    as_of: datetime = Field(description="The instant for which it was computed.")
    cause: str | None = Field(description="Why the tier in force came: data, model, override …")


class MetricOut(Out):
    """A metric of one customer."""

    value: int | float | str | None = Field(description="Null is *not known*. Money is decimal text.")
    unit: str = Field(description="count, days, a currency, 0 to 1 …")
    window: str | None = Field(description="`P90D`: 90 local days and today; `P90D before`: the equal one before it.")
    facts: int = Field(description="How many facts stand behind the value.")
    gaps: int = Field(description="Facts that could not be read, for lack of an exchange rate or a figure in them.")


class MetricsOut(Out):
    """Every metric of a customer as of an instant, as a model counts days and money."""

    customer_id: str
    as_of: datetime
    model: str
    zone: str
    currency: str
    metrics: dict[str, MetricOut]


class MetricDefinitionOut(Out):
    """A metric of the catalogue."""

    key: str
    definition: str
    unit: str
    window: str | None
    facts: list[str] = Field(description="Types of the facts that it comes from.")
    null: str = Field(description="What it means that the value is null.")
    computed: bool = Field(description="False for a metric whose facts are stored and not read yet.")


class HistoryEntryOut(Out):
    """A tier, when it was true and when it was believed."""

    customer_id: str
    model: str
    model_version: int
    state: Literal["graded", "insufficient_data"]
    tier: str | None
    rank: int | None
    service_class: str | None
    from_tier: str | None
    direction: Literal["initial", "upgrade", "downgrade"] | None
    cause: str
    score: float | int | None
    valid_from: datetime
    valid_to: datetime | None = Field(description="Null: it is in force.")
    recorded_at: datetime = Field(description="From when we believed it.")
    superseded_at: datetime | None = Field(description="Until when we believed it; null: we do.")

    @classmethod
    def of(cls, entry: HistoryEntry) -> "HistoryEntryOut":
        score = None if entry.score_num is None or not entry.score_den else entry.score_num / entry.score_den
        names = cls.model_fields.keys() - {"score"}
        return cls(**{name: getattr(entry, name) for name in names}, score=score)
