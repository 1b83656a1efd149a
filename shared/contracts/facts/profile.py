"""Who the customer is, what experts think, and what becomes of the record."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.contracts.base import Part, Payload, example
from shared.contracts.fields import Code, Day, Grade, Id, Instant, Line, Name, Text, Texts, ValidUntil

Prose = Text | Texts
"""Prose, or a list of points."""
Scalar = Annotated[str, Field(max_length=2000)] | int | float | bool | None

RATING_DIMENSIONS = frozenset(
    {
        "influence",
        "willingness_to_pay",
        "personalisation",
        "strategic_value",
        "word_of_mouth",
        "cooperation",
        "industry_outlook",
        "market_position",
        "ability_to_pay",
        "compliance",
        "stability",
        "growth_potential",
    }
)
"""The dimensions that experts rate; each is the metric `rating.<dimension>`."""


def _dimension(value: Any) -> str:
    if type(value) is str and value in RATING_DIMENSIONS:
        return value
    raise PydanticCustomError("choice", "one of {known}", {"known": ", ".join(sorted(RATING_DIMENSIONS))})


Dimension = Annotated[
    str, PlainValidator(_dimension), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"})
]


class Contact(Part):
    """A person at the customer. Personal data: it stays in scoring and is never published on."""

    name: Line | None = Field(None, description="Name of the person.")
    role: Line | None = Field(None, description="Position or function.")
    phone: Annotated[str, Field(max_length=64)] | None = Field(None, description="Telephone number.")
    mail: Annotated[str, Field(max_length=320)] | None = Field(None, description="Mail address.")
    chat: Annotated[str, Field(max_length=128)] | None = Field(None, description="Chat handle, e.g. WeChat id.")
    preferred: bool | None = Field(None, description="Whom to call first.")


class DecisionMaker(Part):
    """A person who decides about buying from us."""

    name: Line | None = Field(None, description="Name of the person.")
    role: Line | None = Field(None, description="Part in the decision, e.g. user, buyer, sponsor.")
    attitude: Line | None = Field(None, description="Towards us, e.g. supporter, neutral, opponent.")


class Needs(Part):
    """What the customer needs."""

    pain_points: Prose | None = Field(None, description="What hurts.")
    preferences: Prose | None = Field(None, description="What is preferred.")
    service_needs: Prose | None = Field(None, description="Which service is asked for.")


class ProfileUpdated(Payload):
    """Master data of a customer changed: a partial update. An absent field is unchanged, null clears it."""

    model_config = example(
        name="Example Pumps Co., Ltd.",
        industry="C3441",
        size="medium",
        region="CN-JS",
        segment="manufacturing",
        since="2019-06-01",
        account_manager="E-1042",
        contacts=[
            {"name": "Purchasing desk", "role": "buyer", "mail": "purchasing@customer.example", "preferred": True}
        ],
        decision_makers=[{"role": "plant manager", "attitude": "supporter"}],
        needs={
            "pain_points": ["late deliveries"],
            "preferences": "visits in the morning",
            "service_needs": ["on-site repair"],
        },
        plans="a second plant in 2027",
        payment_terms_days=30,
        strategic_resources=["reference plant"],
        parent_customer_id="C-10000",
        attributes={"unified_social_credit_code": "91320000MA00000000", "exporter": True},
    )
    partial: ClassVar[bool] = True

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Name of the organisation."
    )
    industry: Annotated[str, Field(pattern=r"^([A-T]|[A-T]?[0-9]{2,4})$")] | None = Field(
        None, description="GB/T 4754 code: a section letter, or two to four digits with or without it."
    )
    size: Literal["large", "medium", "small", "micro"] | None = Field(None, description="Size of the enterprise.")
    region: Code | None = Field(None, description="Region, in the company's own or ISO 3166-2 codes.")
    segment: Code | None = Field(None, description="Segment; decides which model grades the customer.")
    since: Day | None = Field(None, description="Customer since; else the date of the first order counts.")
    account_manager: Id | None = Field(None, description="Directory id of the account manager.")
    contacts: list[Contact] | None = Field(
        None, max_length=200, description="People at the customer; replaces the list."
    )
    decision_makers: list[DecisionMaker] | None = Field(
        None, max_length=200, description="Decision chain; replaces the list."
    )
    needs: Needs | None = Field(None, description="Pain points, preferences and service needs.")
    plans: Prose | None = Field(None, description="Long-term plans of the customer.")
    payment_terms_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(None, description="Days to pay an invoice.")
    strategic_resources: Prose | None = Field(None, description="What the customer brings beyond money.")
    parent_customer_id: Id | None = Field(None, description="The customer that this one belongs to.")
    attributes: Annotated[dict[Name, Scalar], Field(max_length=200)] | None = Field(
        None, description="Anything else, by name: an absent name is unchanged, null clears it."
    )


class RatingGiven(Payload):
    """An expert rated the customer on one dimension; the latest valid rating counts."""

    model_config = example(
        dimension="strategic_value",
        score=4,
        rated_by="E-1042",
        rated_at="2026-02-10T06:00:00Z",
        valid_until="2027-02-10T06:00:00Z",
        comment="opens the door to two neighbouring plants",
    )
    happened: ClassVar[str | None] = "rated_at"

    dimension: Dimension = Field(description=f"What is rated: {', '.join(sorted(RATING_DIMENSIONS))}.")
    score: Grade = Field(description="1 (least) to 5 (most).")
    rated_by: Id = Field(description="Directory id of the expert.")
    rated_at: Instant = Field(description="When the rating was given.")
    valid_until: ValidUntil | None = Field(
        None, description="From when it no longer counts; a date means through its end."
    )
    comment: Text | None = Field(None, description="Why.")


class CustomerMerged(Payload):
    """Two records are one customer. The subject ends; late facts about it follow to the customer named here."""

    model_config = example(into_customer_id="C-10002", merged_at="2026-03-02T01:00:00Z", reason="same credit code")
    happened: ClassVar[str | None] = "merged_at"

    into_customer_id: Id = Field(description="The customer that remains.")
    merged_at: Instant | None = Field(None, description="When it was decided; else the time of the event.")
    reason: Line | None = Field(None, description="Why.")

    def check_subject(self, subject: str) -> None:
        if self.into_customer_id == subject:
            raise PydanticCustomError("merge", "a customer cannot be merged into itself", {"field": "into_customer_id"})


class CustomerErased(Payload):
    """The right to erasure was granted: personal data is deleted, figures stay under a pseudonym."""

    model_config = example(requested_at="2026-03-01T00:00:00Z", reason="request of the data subject")
    happened: ClassVar[str | None] = "requested_at"

    requested_at: Instant | None = Field(None, description="When the request came; else the time of the event.")
    reason: Line | None = Field(None, description="Legal ground or reference.")
