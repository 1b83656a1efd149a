"""What notify publishes (`moat.notify.v1`): what became of each message. Ids only: no address, no text."""

from typing import Any

from pydantic import Field

from shared.contracts.base import AboutCustomer, Part, Payload, example
from shared.contracts.fields import Code, Count, Id, Instant, Line, Number, Text
from shared.contracts.registry import EventType, Status


class AboutMessage(AboutCustomer):
    """A message that an event gave rise to."""

    message_id: Id = Field(description="The message: one event and rule, one audience.")
    event_id: Id = Field(description="The event that it tells of.")
    event_type: Code = Field(description="Type of that event.")
    customer_id: Id | None = Field(description="The customer; null where none is concerned.")
    case_id: Id | None = Field(description="The case, if it is about one.")
    matter_id: Id | None = Field(description="The matter, if it is about one.")
    audience: Code = Field(description="Whom the route meant, e.g. account_manager, team_lead, on_call.")
    urgency: Code = Field(description="low, normal, high or critical.")
    template: Code = Field(description="Key of the template.")
    at: Instant = Field(description="When this happened.")


_MESSAGE: dict[str, Any] = {
    "message_id": "0195f3a0-7c00-7000-8000-0000000000a1",
    "event_id": "0195f3a0-7c00-7000-8000-000000000901",
    "event_type": "crisis.case.opened.v1",
    "customer_id": "C-10001",
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "matter_id": None,
    "audience": "account_manager",
    "urgency": "high",
    "template": "case-opened",
    "at": "2026-03-05T08:00:01Z",
}


class DeliveryEvent(AboutMessage):
    """One delivery: one message to one person over one channel."""

    delivery_id: Id = Field(description="The delivery.")
    person: Id | None = Field(description="Directory id of the recipient; null for a team channel.")
    channel: Code = Field(description="smtp, webhook, inbox or another channel.")
    step: Count = Field(description="Step of the contact rule, from 0.")
    attempts: Count = Field(description="Attempts so far.")


_DELIVERY: dict[str, Any] = _MESSAGE | {
    "delivery_id": "0195f3a0-7c00-7000-8000-0000000000a2",
    "person": "E-1042",
    "channel": "smtp",
    "step": 0,
    "attempts": 1,
}


class DeliveryAccepted(DeliveryEvent):
    """A provider accepted a delivery; it need not have arrived."""

    model_config = example(**_DELIVERY, provider_reference="250 2.0.0 queued as 4F2C")

    provider_reference: Line | None = Field(description="What the provider calls it.")


class DeliveryDelivered(DeliveryEvent):
    """A provider reported that a delivery arrived."""

    model_config = example(**_DELIVERY, provider_reference="SM-88123")

    provider_reference: Line | None = Field(description="What the provider calls it.")


class DeliveryFailed(DeliveryEvent):
    """A delivery failed for good; another route may still succeed."""

    model_config = example(**_DELIVERY | {"attempts": 5}, outcome="rejected_permanent", detail="550 no such mailbox")

    outcome: Code = Field(description="rejected_permanent, rejected_retryable, rate_limited, expired or unknown.")
    detail: Line | None = Field(description="The provider's answer, without addresses.")


class DeliverySuppressed(DeliveryEvent):
    """A rule kept a delivery from being sent."""

    model_config = example(
        **_DELIVERY | {"attempts": 0}, rule="silence:plant-closed", reason="plant closed until Monday"
    )

    rule: Code = Field(description="The silence, preference or quiet hour that applied.")
    reason: Line | None = Field(description="Why the rule is there.")


class DeliveryObsolete(DeliveryEvent):
    """A delivery was no longer true when its turn came."""

    model_config = example(**_DELIVERY | {"attempts": 0}, reason="acknowledged")

    reason: Code = Field(description="acknowledged, case_closed, superseded or step_over.")


class MessageAcknowledged(AboutMessage):
    """The recipient took notice. It ends the escalation for lack of it and never stops another clock."""

    model_config = example(
        **_MESSAGE | {"at": "2026-03-05T08:09:00Z"},
        delivery_id="0195f3a0-7c00-7000-8000-0000000000a2",
        person="E-1042",
        means="link",
    )

    delivery_id: Id | None = Field(description="The delivery that was answered, where that is known.")
    person: Id = Field(description="Directory id of who acknowledged.")
    means: Code = Field(description="link, chat or api.")


class RouteOutcome(Part):
    """How one route of a message ended."""

    delivery_id: Id = Field(description="The delivery.")
    person: Id | None = Field(description="Directory id of the recipient.")
    channel: Code = Field(description="The channel.")
    outcome: Code = Field(description="How it ended.")


class MessageUndeliverable(AboutMessage):
    """Every route of a message failed: nobody was told."""

    model_config = example(
        **_MESSAGE | {"at": "2026-03-05T09:00:00Z"},
        reason="all_failed",
        routes=[
            {
                "delivery_id": "0195f3a0-7c00-7000-8000-0000000000a2",
                "person": "E-1042",
                "channel": "smtp",
                "outcome": "rejected_permanent",
            }
        ],
    )

    reason: Code = Field(description="all_failed, nobody (the role is empty) or no_contact_point.")
    routes: list[RouteOutcome] = Field(description="What was tried.")


class SurveyAnsweredByCustomer(AboutCustomer):
    """The customer answered a survey that notify had sent."""

    model_config = example(
        survey_id="SV-2026-03-118",
        customer_id="C-10001",
        case_id="0195f3a0-7c00-7000-8000-0000000000c1",
        answered_at="2026-03-20T02:00:00Z",
        score=9,
        scale="nps",
        comment=None,
    )

    survey_id: Id = Field(description="The survey.")
    customer_id: Id = Field(description="The customer.")
    case_id: Id | None = Field(description="The case whose handling was asked about.")
    answered_at: Instant = Field(description="When the answer came.")
    score: Number = Field(description="The answer on the scale.")
    scale: Code = Field(description="nps, csat5 or csat10.")
    comment: Text | None = Field(description="What the customer added.")


TOPIC = "moat.notify.v1"
_SUBJECT = "the customer id, or `team:<id>` where no customer is concerned"


def _event(name: str, model: type[Payload], when: str, *, to: str = "crisis", status: Status = "frozen") -> EventType:
    return EventType(
        type=f"notify.{name}.v1",
        model=model,
        topic=TOPIC,
        producer="notify",
        consumers=tuple(to.split()),
        when=when,
        subject=_SUBJECT,
        status=status,
    )


EVENTS = (
    _event("delivery.accepted", DeliveryAccepted, "A provider took a delivery over."),
    _event("delivery.delivered", DeliveryDelivered, "A provider reported arrival.", status="draft"),
    _event("delivery.failed", DeliveryFailed, "A delivery failed for good."),
    _event("delivery.suppressed", DeliverySuppressed, "A rule kept a delivery back."),
    _event("delivery.obsolete", DeliveryObsolete, "A delivery was no longer true."),
    _event("message.acknowledged", MessageAcknowledged, "A recipient took notice."),
    _event("message.undeliverable", MessageUndeliverable, "Every route of a message failed."),
    _event(
        "survey.answered",
        SurveyAnsweredByCustomer,
        "A survey was answered on its public page.",
        to="scoring crisis",
        status="draft",
    ),
)
