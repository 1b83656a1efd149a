"""From what became of messages to the events that notify publishes: ids only, no address and no text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from services.notify import metrics
from services.notify.store.intents import NewMessage
from services.notify.store.rows import DeliveryRow
from shared.contracts import Payload, event_of
from shared.contracts.notify import (
    TOPIC,
    DeliveryAccepted,
    DeliveryDelivered,
    DeliveryFailed,
    DeliveryObsolete,
    DeliverySuppressed,
    MessageAcknowledged,
    MessageUndeliverable,
    RouteOutcome,
)
from shared.db.unit_of_work import UnitOfWork
from shared.ids import new_id

SOURCE = "/moat/notify"


@dataclass(frozen=True, slots=True)
class About:
    """What every event of notify says: which message, of what event, about whom."""

    subject: str
    message_id: str
    event_id: str
    event_type: str
    customer_id: str | None
    case_id: str | None
    matter_id: str | None
    audience: str
    urgency: str
    template: str

    @classmethod
    def of_new(cls, message: NewMessage) -> "About":
        return cls(
            message.subject,
            message.id,
            message.event_id,
            message.event_type,
            message.customer_id,
            message.case_id,
            message.matter_id,
            message.audience,
            message.urgency,
            message.template,
        )

    @classmethod
    def of_row(cls, row: DeliveryRow) -> "About":
        return cls(
            row.subject,
            row.message_id,
            row.event_id,
            row.event_type,
            row.customer_id,
            row.case_id,
            row.matter_id,
            row.audience,
            row.urgency,
            row.template,
        )

    def fields(self, at: datetime) -> dict[str, object]:
        named = asdict(self)
        del named["subject"]
        return {**named, "at": at}


def accepted(work: UnitOfWork, row: DeliveryRow, *, attempts: int, reference: str | None) -> None:
    """A provider took a delivery over."""
    _publish(work, About.of_row(row), DeliveryAccepted, {**_of(row, attempts), "provider_reference": reference})


def delivered(work: UnitOfWork, row: DeliveryRow, *, attempts: int, reference: str | None) -> None:
    """A provider reported that a delivery arrived."""
    _publish(work, About.of_row(row), DeliveryDelivered, {**_of(row, attempts), "provider_reference": reference})


def failed(work: UnitOfWork, row: DeliveryRow, *, attempts: int, outcome: str, detail: str | None) -> None:
    """A delivery failed for good, or nobody knows what became of it; another route may still succeed."""
    cut = None if detail is None else detail[:512]
    _publish(work, About.of_row(row), DeliveryFailed, {**_of(row, attempts), "outcome": outcome, "detail": cut})


def obsolete(work: UnitOfWork, row: DeliveryRow, *, attempts: int, reason: str) -> None:
    """A delivery was no longer true when its turn came."""
    _publish(work, About.of_row(row), DeliveryObsolete, {**_of(row, attempts), "reason": reason})


def suppressed(
    work: UnitOfWork,
    about: About,
    *,
    delivery_id: str,
    person: str | None,
    channel: str,
    step: int,
    rule: str,
    reason: str,
) -> None:
    """A rule kept a delivery from being sent."""
    fields = {"delivery_id": delivery_id, "person": person, "channel": channel, "step": step, "attempts": 0}
    _publish(work, about, DeliverySuppressed, {**fields, "rule": rule, "reason": reason[:512]})


def undeliverable(work: UnitOfWork, about: About, *, reason: str, routes: Sequence[RouteOutcome]) -> None:
    """Nobody was told, and nobody will be."""
    work.after_commit(metrics.UNDELIVERABLE.labels(about.urgency).inc)
    _publish(work, about, MessageUndeliverable, {"reason": reason, "routes": list(routes)})


def acknowledged(work: UnitOfWork, about: About, *, delivery_id: str | None, person: str, means: str) -> None:
    """A recipient took notice."""
    _publish(work, about, MessageAcknowledged, {"delivery_id": delivery_id, "person": person, "means": means})


def _of(row: DeliveryRow, attempts: int) -> dict[str, object]:
    return {
        "delivery_id": row.id,
        "person": row.person,
        "channel": row.channel,
        "step": row.step,
        "attempts": attempts,
    }


def _publish(work: UnitOfWork, about: About, model: type[Payload], fields: dict[str, object]) -> None:
    payload = model.model_validate({**about.fields(work.now), **fields})
    work.publish(TOPIC, event_of(payload, id=new_id(), source=SOURCE, subject=about.subject, time=work.now))
