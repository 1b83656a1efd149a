"""Tiers and the models that give them."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import AboutCustomer, Part, Payload, example
from shared.contracts.fields import Code, Count, Id, Instant, Line, Number, ServiceClass, Version

Direction = Literal["initial", "upgrade", "downgrade"]


class TierReason(Part):
    """One indicator that moved, or a rule that fired."""

    indicator: Code = Field(description="Metric or rule.")
    before: Line | None = Field(None, description="Band or value before.")
    after: Line | None = Field(None, description="Band or value now.")
    summary: Line = Field(description="In one line, for people.")


class TierChanged(AboutCustomer):
    """A model put the customer into another tier. `direction` is told by rank, never by the tier's name."""

    model_config = example(
        customer_id="C-10001",
        version=13,
        name="Example Pumps Co., Ltd.",
        account_manager="E-1042",
        segment="manufacturing",
        region="CN-JS",
        model="rfm-lifecycle",
        model_version=3,
        primary=True,
        from_tier="potential",
        to_tier="churn_risk",
        direction="downgrade",
        previous_service_class="key",
        service_class="basic",
        cause="data",
        effective_at="2026-03-05T16:00:00Z",
        as_of="2026-03-05T16:00:00Z",
        emergency=False,
        score=5,
        max_score=15,
        reasons=[
            {
                "indicator": "days_since_last_purchase",
                "before": "medium",
                "after": "low",
                "summary": "no purchase for 91 days",
            }
        ],
    )

    customer_id: Id = Field(description="The customer.")
    version: Version = Field(description="Version of the customer's published state; compare it with the snapshot's.")
    name: Line | None = Field(description="Name of the organisation.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    segment: Code | None = Field(description="Segment.")
    region: Code | None = Field(description="Region.")
    model: Code = Field(description="Key of the model.")
    model_version: Version = Field(description="Version of the model document.")
    primary: bool = Field(description="Whether this model sets the service class.")
    from_tier: Code | None = Field(description="Tier before; null at the first grading.")
    to_tier: Code | None = Field(description="Tier now; null when data no longer suffices.")
    direction: Direction = Field(description="initial, upgrade or downgrade.")
    previous_service_class: ServiceClass = Field(description="Service class before.")
    service_class: ServiceClass = Field(description="Service class now.")
    cause: Code = Field(description="data, model, override, expiry, emergency, review, merge or reversal.")
    effective_at: Instant = Field(description="From when the tier holds.")
    as_of: Instant = Field(description="The instant for which it was computed.")
    emergency: bool = Field(description="Whether an emergency rule skipped hysteresis and approval.")
    score: Number | None = Field(description="Score for display; bands are decided exactly inside.")
    max_score: Number | None = Field(None, description="Highest possible score.")
    reasons: list[TierReason] = Field(description="What moved, the heaviest first.")


class TierDefinition(Part):
    """A tier of a model."""

    tier: Code = Field(description="Name of the tier.")
    rank: Count = Field(description="1 is best.")
    service_class: ServiceClass = Field(description="The service class that goes with it.")


class ModelActivated(Payload):
    """A version of a grading model became active; customers are regraded from now on."""

    model_config = example(
        model="rfm-lifecycle",
        model_version=3,
        previous_version=2,
        activated_at="2026-03-01T00:00:00Z",
        activated_by="E-0007",
        reason="bands reviewed for 2026",
        tiers=[
            {"tier": "core", "rank": 1, "service_class": "strategic"},
            {"tier": "potential", "rank": 2, "service_class": "key"},
            {"tier": "general", "rank": 3, "service_class": "standard"},
            {"tier": "churn_risk", "rank": 4, "service_class": "basic"},
        ],
    )

    model: Code = Field(description="Key of the model.")
    model_version: Version = Field(description="The version that is active now.")
    previous_version: Version | None = Field(description="The version that was active before.")
    activated_at: Instant = Field(description="When it became active.")
    activated_by: Id | None = Field(description="Who activated it; null for a shipped one.")
    reason: Line | None = Field(description="Why.")
    tiers: list[TierDefinition] = Field(description="Its tiers, best first.")


class Gap(Part):
    """How far one indicator is from what the tier needs."""

    indicator: Code = Field(description="Metric.")
    value: Number | None = Field(description="Its value now.")
    needed: Number = Field(description="The value that keeps the tier.")


class DowngradeForecast(AboutCustomer):
    """At the next review the customer will lose the tier, if nothing changes."""

    model_config = example(
        customer_id="C-10001",
        version=13,
        model="rfm-lifecycle",
        model_version=3,
        tier="potential",
        forecast_tier="general",
        expected_at="2026-04-01T00:00:00Z",
        as_of="2026-03-05T16:00:00Z",
        gaps=[{"indicator": "purchases_90d", "value": 1, "needed": 2}],
    )

    customer_id: Id = Field(description="The customer.")
    version: Version = Field(description="Version of the customer's published state.")
    model: Code = Field(description="Key of the model.")
    model_version: Version = Field(description="Version of the model document.")
    tier: Code = Field(description="Tier now.")
    forecast_tier: Code = Field(description="Tier to come.")
    expected_at: Instant = Field(description="When it would change.")
    as_of: Instant = Field(description="The instant for which it was computed.")
    gaps: list[Gap] = Field(description="What is missing to keep the tier.")
