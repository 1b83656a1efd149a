"""Facts as a producer tells them: CloudEvents in structured form."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4


def an_order(customer: str, *, at: datetime, amount: str, currency: str = "CNY") -> dict[str, Any]:
    order = uuid4().hex[:12]
    return _fact(
        "customer.order.placed.v1",
        customer,
        at,
        {"order_id": order, "amount": amount, "currency": currency, "placed_at": _text(at)},
    )


def a_refund(order: dict[str, Any], *, at: datetime, amount: str | None = None) -> dict[str, Any]:
    """`amount` of `order` given back; the whole of it when left out."""
    data = {name: order["data"][name] for name in ("order_id", "amount", "currency")}
    if amount is not None:
        data["amount"] = amount
    return _fact("customer.order.refunded.v1", order["subject"], at, {**data, "refunded_at": _text(at)})


def a_complaint(customer: str, *, at: datetime, subject: str = "Late again", **more: Any) -> dict[str, Any]:
    return _fact(
        "customer.complaint.received.v1",
        customer,
        at,
        {"complaint_id": uuid4().hex[:12], "received_at": _text(at), "channel": "phone", "subject": subject, **more},
    )


def regular_orders(
    customer: str, *, until: datetime, every: timedelta, amount: str, days: int = 420
) -> list[dict[str, Any]]:
    """Orders of one amount at equal distances, the last one just before `until`."""
    count = int(timedelta(days=days) / every)
    return [
        an_order(customer, at=until - timedelta(hours=1) - every * n, amount=amount) for n in reversed(range(count))
    ]


def _fact(type_: str, customer: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "tests",
        "type": type_,
        "subject": customer,
        "time": _text(at),
        "data": data,
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
