"""The published state of a customer."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import AboutCustomer, Part, example
from shared.contracts.fields import Amount, Code, Currency, Id, Instant, Line, Name, ServiceClass, Version

ServiceClassSource = Literal["graded", "default", "override"]


class RevenueBand(Part):
    """Money by band, so that an order alone does not send a snapshot and exact figures stay inside."""

    currency: Currency = Field(description="ISO 4217 code of both edges.")
    at_least: Amount = Field(description="Lower edge, included.")
    below: Amount | None = Field(description="Upper edge, excluded; null for the highest band.")


class CustomerSnapshot(AboutCustomer):
    """The whole published state of one customer. The higher version wins; an older one is dropped."""

    model_config = example(
        customer_id="C-10001",
        version=12,
        name="Example Pumps Co., Ltd.",
        segment="manufacturing",
        region="CN-JS",
        account_manager="E-1042",
        service_class="key",
        service_class_source="graded",
        primary_model="rfm-lifecycle",
        tiers={"rfm-lifecycle": "potential"},
        risk_flags=["purchase_drop"],
        revenue_at_risk={"currency": "CNY", "at_least": "100000", "below": "500000"},
        parent_customer_id="C-10000",
        merged_into=None,
        erased=False,
        as_of="2026-03-05T08:00:00Z",
    )

    customer_id: Id = Field(description="The customer.")
    version: Version = Field(description="Counts every published change of this customer, tier changes included.")
    name: Line | None = Field(description="Name of the organisation; null until it is known, and after erasure.")
    segment: Code | None = Field(description="Segment.")
    region: Code | None = Field(description="Region.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    service_class: ServiceClass = Field(description="What the customer is promised; never null.")
    service_class_source: ServiceClassSource = Field(description="Graded by the primary model, default, or overridden.")
    primary_model: Code | None = Field(description="The model that sets the service class.")
    tiers: dict[Name, Code] = Field(description="Tier by model; a model that has too little data is absent.")
    risk_flags: list[Code] = Field(description="Signals raised now, and risk tiers.")
    revenue_at_risk: RevenueBand | None = Field(description="Band of the yearly revenue; null when not known.")
    parent_customer_id: Id | None = Field(description="The customer that this one belongs to.")
    merged_into: Id | None = Field(
        description="The customer that it was merged into: nothing more will come of this one."
    )
    erased: bool = Field(description="Whether personal data was erased.")
    as_of: Instant = Field(description="The instant for which this is true.")
