"""What scoring publishes: snapshots (`moat.customers.v1`), tier changes, signals and reviews (`moat.scoring.v1`)."""

from typing import Any

from shared.contracts.base import Payload
from shared.contracts.registry import EventType
from shared.contracts.scoring.attention import (
    ReviewDecided,
    ReviewOverdue,
    ReviewRequested,
    SignalCleared,
    SignalRaised,
)
from shared.contracts.scoring.customers import CustomerSnapshot, RevenueBand
from shared.contracts.scoring.tiers import (
    DowngradeForecast,
    Gap,
    ModelActivated,
    TierChanged,
    TierDefinition,
    TierReason,
)

TOPIC = "moat.scoring.v1"


def _event(type_: str, model: type[Payload], *, to: str, when: str, **more: Any) -> EventType:
    return EventType(
        type=type_, model=model, producer="scoring", consumers=tuple(to.split()), when=when, **{"topic": TOPIC, **more}
    )


EVENTS = (
    _event(
        "scoring.customer.snapshot.v1",
        CustomerSnapshot,
        to="crisis notify",
        when="A published field of a customer changed. The topic is compacted: a new consumer reads it from the start.",
        topic="moat.customers.v1",
        status="frozen",
    ),
    _event(
        "scoring.tier.changed.v1", TierChanged, to="crisis notify", when="A customer's tier changed.", status="frozen"
    ),
    _event(
        "scoring.model.activated.v1",
        ModelActivated,
        to="",
        when="A version of a grading model became active.",
        subject="`model:<key>`",
        status="frozen",
    ),
    _event("scoring.tier.downgrade_forecast.v1", DowngradeForecast, to="crisis notify", when="A tier will be lost."),
    _event("scoring.signal.raised.v1", SignalRaised, to="crisis notify", when="An early warning began to hold."),
    _event("scoring.signal.cleared.v1", SignalCleared, to="crisis notify", when="An early warning ceased to hold."),
    _event("scoring.review.requested.v1", ReviewRequested, to="notify", when="A review by people was asked for."),
    _event("scoring.review.decided.v1", ReviewDecided, to="notify", when="A review was decided."),
    _event("scoring.review.overdue.v1", ReviewOverdue, to="notify", when="A review was not decided in time."),
)

__all__ = [
    "EVENTS",
    "CustomerSnapshot",
    "DowngradeForecast",
    "Gap",
    "ModelActivated",
    "RevenueBand",
    "ReviewDecided",
    "ReviewOverdue",
    "ReviewRequested",
    "SignalCleared",
    "SignalRaised",
    "TierChanged",
    "TierDefinition",
    "TierReason",
]
