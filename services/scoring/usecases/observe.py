"""From typed payloads to what the narrow tables keep of them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from services.scoring.store.observations import INTERACTION, MENTION, PURCHASE, SURVEY_ANSWER, Observations
from shared.contracts import CloudEvent, Payload
from shared.contracts.currencies import MINOR_UNITS
from shared.contracts.facts import (
    ComplaintReceived,
    ComplaintWithdrawn,
    CreditAssessed,
    InteractionLogged,
    OpinionMentioned,
    OrderPlaced,
    OrderRefunded,
    RatingGiven,
    SurveyAnswered,
)

MILLION: Final = 1_000_000
MOST_REACH: Final = 10_000_000_000
"""More people than there are: a larger reach counts as this, so that sums stay exact."""
SATISFACTION_PARTS: Final = 1_800_000
"""Parts of full satisfaction: every whole score of every scale is a whole number of them."""
_SCALES: Final = {"nps": (0, 10), "csat5": (1, 5), "csat10": (1, 10)}


def occurred_at(event: CloudEvent, payload: Payload) -> datetime:
    """When the fact happened: by its own field where it has one, else by the event."""
    if payload.happened is not None:
        told: datetime | None = getattr(payload, payload.happened)
        if told is not None:
            return told
    return event.time


def observe(seen: Observations, event: CloudEvent, payload: Payload) -> None:
    """Note what a fact says; types that no metric reads yet say nothing."""
    note = _NOTES.get(type(payload))
    if note is not None:
        note(seen, event, payload)


def _units(amount: str | None, digits: int) -> int | None:
    """Minor units of an amount that its type has checked: the decimals beyond `digits` are zeros."""
    if amount is None:
        return None
    whole, _, fraction = amount.partition(".")
    if len(fraction) != digits:
        fraction = fraction[:digits].ljust(digits, "0")
    return int(whole + fraction)


def _order(seen: Observations, event: CloudEvent, fact: OrderPlaced) -> None:
    digits, cost, net_cost = MINOR_UNITS[fact.currency], fact.cost, fact.net_cost
    values = (
        event.time,
        fact.placed_at,
        fact.currency,
        _units(fact.amount, digits),
        None if cost is None else _units(cost, digits),
        None if net_cost is None else _units(net_cost, digits),
        None if fact.quantity is None else round(fact.quantity * MILLION),
    )
    seen.tell(PURCHASE, event.subject, fact.order_id, values)


def _refund(seen: Observations, event: CloudEvent, fact: OrderRefunded) -> None:
    amount = _units(fact.amount, MINOR_UNITS[fact.currency])
    seen.refunds.append((event.subject, fact.order_id, fact.refunded_at, fact.currency, amount))


def _interaction(seen: Observations, event: CloudEvent, fact: InteractionLogged) -> None:
    seen.tell(INTERACTION, event.subject, fact.interaction_id, (event.time, fact.at, fact.kind))


def _complaint(seen: Observations, event: CloudEvent, fact: ComplaintReceived) -> None:
    seen.complain(event.subject, fact.complaint_id, told_at=event.time, received_at=fact.received_at)


def _withdrawal(seen: Observations, event: CloudEvent, fact: ComplaintWithdrawn) -> None:
    seen.withdraw(event.subject, fact.complaint_id, fact.withdrawn_at or event.time)


def _mention(seen: Observations, event: CloudEvent, fact: OpinionMentioned) -> None:
    sentiment = round(fact.sentiment * MILLION)
    reach = 1 if fact.reach is None else min(fact.reach, MOST_REACH)
    seen.tell(MENTION, event.subject, fact.mention_id, (event.time, fact.published_at, sentiment, reach))


def _answer(seen: Observations, event: CloudEvent, fact: SurveyAnswered) -> None:
    lowest, highest = _SCALES[fact.scale]
    satisfaction = round((fact.score - lowest) * SATISFACTION_PARTS / (highest - lowest))
    seen.tell(SURVEY_ANSWER, event.subject, fact.survey_id, (event.time, fact.answered_at, satisfaction))


def _rating(seen: Observations, event: CloudEvent, fact: RatingGiven) -> None:
    seen.ratings.append(
        (event.subject, fact.dimension, fact.rated_at, fact.score, fact.valid_until, event.source, event.id)
    )


def _assessment(seen: Observations, event: CloudEvent, fact: CreditAssessed) -> None:
    """The three grades of a credit assessment are ratings of their dimensions."""
    for dimension in ("ability_to_pay", "compliance", "stability"):
        score: int | None = getattr(fact, dimension)
        if score is not None:
            seen.ratings.append(
                (event.subject, dimension, fact.assessed_at, score, fact.valid_until, event.source, event.id)
            )


_NOTES: Final[Mapping[type[Payload], Callable[[Observations, CloudEvent, Any], None]]] = MappingProxyType(
    {
        OrderPlaced: _order,
        OrderRefunded: _refund,
        InteractionLogged: _interaction,
        ComplaintReceived: _complaint,
        ComplaintWithdrawn: _withdrawal,
        OpinionMentioned: _mention,
        SurveyAnswered: _answer,
        RatingGiven: _rating,
        CreditAssessed: _assessment,
    }
)
