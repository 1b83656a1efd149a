"""One line for people about each kind of fact."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

Data = Mapping[str, Any]

_LONGEST: Final = 160


def summary(type_: str, data: Data) -> str:
    """What a fact says, in one line; kinds that need no words of their own say their name."""
    words = _WORDS.get(type_)
    text = words(data) if words is not None else type_.removeprefix("customer.").rsplit(".", 1)[0].replace(".", " ")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def tier_summary(model: str, from_tier: str | None, tier: str | None, direction: str | None) -> str:
    """A change of tier in one line."""
    if tier is None:
        return f"{model}: not enough data for a tier"
    if from_tier is None:
        return f"{model}: graded {tier}"
    return f"{model}: {from_tier} → {tier} ({direction})"


def _complaint(data: Data) -> str:
    return f"complaint {data.get('complaint_id')}: {data.get('subject')}"


_WORDS: Final[Mapping[str, Callable[[Data], str]]] = MappingProxyType(
    {
        "customer.profile.updated.v1": lambda d: f"profile: {', '.join(sorted(d)) or 'nothing'}",
        "customer.order.placed.v1": lambda d: f"order {d.get('order_id')}: {d.get('amount')} {d.get('currency')}",
        "customer.order.refunded.v1": lambda d: (
            f"refund of order {d.get('order_id')}: {d.get('amount')} {d.get('currency')}"
        ),
        "customer.invoice.issued.v1": lambda d: (
            f"invoice {d.get('invoice_id')}: {d.get('amount')} {d.get('currency')}, due {d.get('due_on')}"
        ),
        "customer.invoice.paid.v1": lambda d: f"payment for invoice {d.get('invoice_id')}",
        "customer.interaction.logged.v1": lambda d: f"{d.get('kind')}: {d.get('outcome') or 'no outcome noted'}",
        "customer.complaint.received.v1": _complaint,
        "customer.complaint.updated.v1": lambda d: f"complaint {d.get('complaint_id')} updated",
        "customer.complaint.withdrawn.v1": lambda d: f"complaint {d.get('complaint_id')} withdrawn",
        "customer.opinion.mentioned.v1": lambda d: (
            f"mention on {d.get('platform')}, sentiment {d.get('sentiment')}, reach {d.get('reach') or 'unknown'}"
        ),
        "customer.survey.answered.v1": lambda d: f"survey answered: {d.get('score')} ({d.get('scale')})",
        "customer.credit.assessed.v1": lambda d: f"credit assessed: {d.get('rating')}",
        "customer.contract.signed.v1": lambda d: f"contract {d.get('contract_id')} signed",
        "customer.contract.milestone_missed.v1": lambda d: (
            f"contract {d.get('contract_id')}: milestone missed: {d.get('milestone') or 'not named'}"
        ),
        "customer.contract.breach_reported.v1": lambda d: f"contract {d.get('contract_id')}: breach reported",
        "customer.contract.terminated.v1": lambda d: f"contract {d.get('contract_id')} terminated",
        "customer.rating.given.v1": lambda d: f"rated {d.get('score')} of 5 on {d.get('dimension')}",
        "customer.merged.v1": lambda d: f"merged into {d.get('into_customer_id')}",
        "customer.erased.v1": lambda _: "erasure granted",
    }
)
