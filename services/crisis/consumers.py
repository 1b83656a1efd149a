"""Events in: which groups read which topics, and what they do with a batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from services.crisis.documents.trigger_rules import TRIGGERS
from services.crisis.domain.amending import Amendment
from services.crisis.domain.rules import Trigger
from services.crisis.library import Library
from services.crisis.usecases.answered import take_answers
from services.crisis.usecases.merging import also_locked, take_merged
from services.crisis.usecases.project import project, regrade
from services.crisis.usecases.receive import News, receive
from shared.bus.consumer import ConsumerSpec, Delivery
from shared.contracts import CloudEvent
from shared.contracts.facts import (
    ComplaintReceived,
    ComplaintUpdated,
    ComplaintWithdrawn,
    CustomerMerged,
    OpinionMentioned,
)
from shared.contracts.notify import MessageAcknowledged, MessageUndeliverable
from shared.contracts.scoring import CustomerSnapshot, TierChanged
from shared.db.unit_of_work import UnitOfWork

TIERS: Final = frozenset({"scoring.tier.changed.v1"})
AMENDMENTS: Final = frozenset({"customer.complaint.updated.v1", "customer.complaint.withdrawn.v1"})
FACTS: Final = (TRIGGERS - TIERS) | AMENDMENTS | {"customer.merged.v1"}
"""Complaints and opinion always leave a trace; the others where a rule names their type, or where they end a wait."""
SNAPSHOTS: Final = frozenset({"scoring.customer.snapshot.v1"})
ANSWERS: Final = frozenset({"notify.message.acknowledged.v1", "notify.message.undeliverable.v1"})
CONSUMES: Final = FACTS | TIERS | SNAPSHOTS | ANSWERS


def consumer_specs(library: Library, *, lanes: int = 2) -> tuple[ConsumerSpec, ...]:
    """The four groups of this service.

    Facts and tier changes are remembered for ever as trigger events, snapshots by version; only answers need the inbox.
    A recompute regrades tens of thousands at once: those batches are as large as those of facts, and have lanes, too.
    """
    handlers = Handlers(library)
    in_bulk = partial(ConsumerSpec, use_inbox=False, max_records=2000, lanes=lanes, follow=also_locked)
    return (
        in_bulk(
            "crisis-facts",
            ("moat.facts.v1",),
            handlers.facts,
            types=FACTS,
            pace=0.02,
            beside_public=True,
            extra_subjects=_remaining,
        ),
        in_bulk("crisis-customers", ("moat.customers.v1",), handlers.snapshots, types=SNAPSHOTS, pace=0.1),
        in_bulk("crisis-scoring", ("moat.scoring.v1",), handlers.tiers, types=TIERS, pace=0.05),
        ConsumerSpec(
            "crisis-notify", ("moat.notify.v1",), handlers.answers, types=ANSWERS, pace=0.05, follow=also_locked
        ),
    )


class Handlers:
    """What each group does with a batch, in one transaction; the customers are locked."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def facts(self, work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """Complaints and opinion; and which customers turned out to be others."""
        merged = [
            (d.event.subject, d.payload.into_customer_id, d.payload.merged_at or d.event.time)
            for d in deliveries
            if isinstance(d.payload, CustomerMerged)
        ]
        if merged:
            await take_merged(work, merged)
            await regrade(work, {id_ for id_, _, _ in merged}, library=self._library)
        told = [_news(delivery) for delivery in deliveries if not isinstance(delivery.payload, CustomerMerged)]
        await receive(work, told, library=self._library)

    async def snapshots(self, work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """The published state of customers."""
        told = [d.payload for d in deliveries if isinstance(d.payload, CustomerSnapshot)]
        await project(work, told, library=self._library)

    async def tiers(self, work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """Tier changes: the projection first, then the trigger rules."""
        changes = [(d, d.payload) for d in deliveries if isinstance(d.payload, TierChanged)]
        await project(work, [change for _, change in changes], library=self._library)
        await receive(work, [_tier_trigger(d, change) for d, change in changes], library=self._library)

    async def answers(self, work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """What came of messages."""
        told = [d.payload for d in deliveries if isinstance(d.payload, MessageAcknowledged | MessageUndeliverable)]
        await take_answers(work, told, library=self._library)


def _remaining(event: CloudEvent) -> Sequence[str]:
    """The customer that remains, of an event that says so."""
    into = (event.data or {}).get("into_customer_id") if event.type == "customer.merged.v1" else None
    return (into,) if isinstance(into, str) else ()


def _news(delivery: Delivery) -> News:
    payload = delivery.payload
    match payload:
        case ComplaintReceived():
            return _trigger(delivery, payload.received_at, payload.subject)
        case OpinionMentioned():
            summary = payload.topic or (payload.summary or "")[:512] or f"mention on {payload.platform}"
            return _trigger(delivery, payload.published_at, summary)
        case ComplaintUpdated():
            at = payload.updated_at or delivery.event.time
            trigger = _trigger(delivery, at, f"complaint {payload.complaint_id} updated")
            return Amendment("updated", trigger, payload.complaint_id, payload.model_dump(exclude_unset=True))
        case ComplaintWithdrawn():
            at = payload.withdrawn_at or delivery.event.time
            trigger = _trigger(delivery, at, f"complaint {payload.complaint_id} withdrawn")
            return Amendment("withdrawn", trigger, payload.complaint_id, {}, reason=payload.reason)
        case _:
            happened: datetime | None = None if payload.happened is None else getattr(payload, payload.happened)
            return _trigger(delivery, happened or delivery.event.time, delivery.event.type)


def _tier_trigger(delivery: Delivery, change: TierChanged) -> Trigger:
    summary = f"{change.model}: {change.from_tier or 'none'} → {change.to_tier or 'none'}"
    return _trigger(delivery, change.effective_at, summary)


def _trigger(delivery: Delivery, at: datetime, summary: str) -> Trigger:
    event = delivery.event
    return Trigger(
        source=event.source,
        event_id=event.id,
        type=event.type,
        customer_id=event.subject,
        at=at,
        fields=_told(delivery),
        summary=summary,
    )


def _told(delivery: Delivery) -> Mapping[str, Any]:
    """The fields that the contract knows: nobody has checked the others."""
    data, known = delivery.event.data or {}, type(delivery.payload).model_fields
    return data if data.keys() <= known.keys() else {name: value for name, value in data.items() if name in known}
