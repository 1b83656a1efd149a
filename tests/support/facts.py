"""Builders of facts, with everything but what a test is about filled in."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shared.contracts import CloudEvent, format_instant

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in Shanghai."""
_numbers = count(1)


def ago(**span: float) -> datetime:
    """So long before MONDAY."""
    return MONDAY - timedelta(**span)


def a_fact(
    type_: str, customer: str, at: datetime, data: dict[str, Any], *, event_id: str | None = None, source: str = "/crm"
) -> CloudEvent:
    """A fact told when it happened."""
    return CloudEvent(
        id=event_id or f"fact-{next(_numbers)}",
        source=source,
        type=f"customer.{type_}.v1",
        subject=customer,
        time=at,
        data={key: format_instant(value) if isinstance(value, datetime) else value for key, value in data.items()},
    )


def an_order(
    customer: str = "C-1",
    at: datetime = MONDAY,
    amount: str = "1000.00",
    *,
    order: str | None = None,
    event_id: str | None = None,
    told_at: datetime | None = None,
    **fields: Any,
) -> CloudEvent:
    order_id = order or f"SO-{next(_numbers)}"
    data = {"order_id": order_id, "amount": amount, "currency": "CNY", "placed_at": at, **fields}
    return a_fact("order.placed", customer, told_at or at, data, event_id=event_id)


def a_refund(
    order: str, amount: str, customer: str = "C-1", at: datetime = MONDAY, *, event_id: str | None = None, **fields: Any
) -> CloudEvent:
    data = {"order_id": order, "amount": amount, "currency": "CNY", "refunded_at": at, **fields}
    return a_fact("order.refunded", customer, at, data, event_id=event_id)


def a_profile(
    customer: str = "C-1", at: datetime = MONDAY, *, event_id: str | None = None, source: str = "/crm", **fields: Any
) -> CloudEvent:
    return a_fact("profile.updated", customer, at, fields, event_id=event_id, source=source)


def a_contact(customer: str = "C-1", at: datetime = MONDAY, *, contact: str | None = None) -> CloudEvent:
    data = {"interaction_id": contact or f"ACT-{next(_numbers)}", "kind": "visit", "at": at}
    return a_fact("interaction.logged", customer, at, data)


def a_complaint(customer: str = "C-1", at: datetime = MONDAY, *, complaint: str | None = None) -> CloudEvent:
    data = {
        "complaint_id": complaint or f"CMP-{next(_numbers)}",
        "received_at": at,
        "channel": "hotline",
        "subject": "Third late delivery in a row",
    }
    return a_fact("complaint.received", customer, at, data)


def a_withdrawal(complaint: str, customer: str = "C-1", at: datetime = MONDAY) -> CloudEvent:
    return a_fact("complaint.withdrawn", customer, at, {"complaint_id": complaint, "withdrawn_at": at})


def a_mention(
    customer: str = "C-1",
    at: datetime = MONDAY,
    *,
    sentiment: float = -0.5,
    reach: int | None = 100,
    mention: str | None = None,
) -> CloudEvent:
    data = {"mention_id": mention or f"weibo-{next(_numbers)}", "platform": "weibo", "published_at": at}
    return a_fact("opinion.mentioned", customer, at, {**data, "sentiment": sentiment, "reach": reach})


def an_answer(customer: str = "C-1", at: datetime = MONDAY, *, score: float = 9, scale: str = "nps") -> CloudEvent:
    data = {"survey_id": f"SV-{next(_numbers)}", "answered_at": at, "score": score, "scale": scale}
    return a_fact("survey.answered", customer, at, data)


def a_rating(
    customer: str = "C-1", at: datetime = MONDAY, *, dimension: str = "influence", score: int = 4, **fields: Any
) -> CloudEvent:
    data = {"dimension": dimension, "score": score, "rated_by": "E-1042", "rated_at": at, **fields}
    return a_fact("rating.given", customer, at, data)
