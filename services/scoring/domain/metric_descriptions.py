"""What each metric means, in words: definition, unit, window, the facts it comes from, and what null says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.scoring.domain.models.metrics import METRICS, RATINGS, STAGE, Kind, Lags

ORDERS: Final = ("customer.order.placed.v1", "customer.order.refunded.v1")
INVOICES: Final = ("customer.invoice.issued.v1", "customer.invoice.paid.v1")
_UNITS: Final = MappingProxyType({Kind.COUNT: "count", Kind.DAYS: "days", Kind.RATING: "1 to 5", Kind.MONEY: "money"})
_NO_ORDERS: Final = "no order was ever told"
_GAP: Final = f"{_NO_ORDERS}, or an order in the window has no exchange rate into the model's currency"


@dataclass(frozen=True, slots=True)
class Description:
    """One metric in words. `computed` is false for those whose facts are stored but not read yet: always null."""

    key: str
    definition: str
    unit: str
    window: str | None
    facts: tuple[str, ...]
    null: str
    computed: bool = True


def window_text(key: str) -> str | None:
    """The window of a metric: `P90D` is the 90 local days before and today, `P90D before` the equal one before it."""
    moves = METRICS[key].moves
    if not isinstance(moves, Lags):
        return None
    return f"P{moves.last}D" if moves.first == 0 else f"P{moves.last // 2}D before"


def _describe() -> Iterator[Description]:
    say = _Saying()
    yield say("days_since_last_purchase", "Local days since the last order not refunded in full.", ORDERS, _NO_ORDERS)
    age = "Local days since `since` of the profile, else since the first order not refunded in full."
    unknown = "neither `since` nor an order is known"
    yield say("customer_age_days", age, (*ORDERS, "customer.profile.updated.v1"), unknown)
    tenure = "`customer_age_days` divided by 365.25."
    yield say("tenure_years", tenure, (*ORDERS, "customer.profile.updated.v1"), unknown, unit="years")
    for key in ("purchases_30d", "purchases_90d", "purchases_90d_prev", "purchases_365d"):
        yield say(key, "Orders not refunded in full; several on one day are several.", ORDERS, _NO_ORDERS)
    for key in ("spend_90d", "spend_90d_prev", "spend_365d", "spend_365d_prev"):
        yield say(key, "Amounts of the orders less what was refunded of them, whenever that was.", ORDERS, _GAP)
    yield say("refunds_365d", "What was refunded of the orders placed in the window.", ORDERS, _GAP)
    cost = f"{_GAP}, or without its cost"
    yield say("gross_margin_365d", "Amounts less refunds less direct cost.", ORDERS, cost)
    yield say("net_margin_365d", "Amounts less refunds less cost with cost to serve.", ORDERS, cost)
    few = "fewer than two purchase days"
    gap = "of the days between one purchase day and the next, over all time"
    yield say("purchase_gap_days_median", f"Median {gap}.", ORDERS, few, unit="days")
    yield say(
        "purchase_gap_days_p95", f"95th percentile {gap}, between neighbours by proportion.", ORDERS, few, unit="days"
    )
    quantity = f"{_NO_ORDERS}, or one in the window without quantity"
    yield say("quantity_90d", "Units ordered, of orders not refunded in full.", ORDERS, quantity, unit="units")
    yield say("quantity_90d_prev", "Units ordered, of orders not refunded in full.", ORDERS, quantity, unit="units")
    rate = "Share of purchase days after the first that fell within 365 days of the one before."
    yield say("repurchase_rate", rate, ORDERS, few, unit="0 to 1")
    yield from _payment(say)
    yield from _voice(say)
    stage = "new, growing, mature, declining or lost, by the rule of the model."
    yield say(STAGE, stage, ORDERS, "the rule cannot be decided on what is known", unit="stage")
    for dimension in RATINGS:
        yield from _rating(say, dimension)


def _payment(say: "_Saying") -> Iterator[Description]:
    later = "not computed yet"
    yield say("overdue_days_max", "Days that the oldest unpaid invoice is overdue.", INVOICES, later, computed=False)
    yield say("overdue_amount", "Sum of the unpaid amounts that are overdue.", INVOICES, later, computed=False)
    mean = "Mean days from the invoice to its payment."
    yield say("days_to_pay_mean", mean, INVOICES, later, unit="days", computed=False)
    use = "Unpaid amounts over the credit limit."
    yield say(
        "credit_utilisation", use, (*INVOICES, "customer.credit.assessed.v1"), later, unit="0 to 1", computed=False
    )


def _voice(say: "_Saying") -> Iterator[Description]:
    complaints = ("customer.complaint.received.v1", "customer.complaint.withdrawn.v1")
    for key in ("complaints_30d", "complaints_365d"):
        yield say(key, "Complaints received and not withdrawn.", complaints, "never: no complaint is none")
    answers = "Mean answer, each scale from 0 (worst) to 1 (best)."
    yield say("satisfaction_mean_365d", answers, ("customer.survey.answered.v1",), "no answer", unit="0 to 1")
    opinion = "Mean sentiment of public mentions weighted by reach; a mention without reach counts as one reader."
    mentions = ("customer.opinion.mentioned.v1",)
    yield say("opinion_reach_weighted_30d", opinion, mentions, "no mention that anybody read", unit="-1 to 1")
    yield say("contacts_90d", "Interactions logged.", ("customer.interaction.logged.v1",), "no contact was ever logged")


def _rating(say: "_Saying", dimension: str) -> Iterator[Description]:
    facts: tuple[str, ...] = ("customer.rating.given.v1",)
    if dimension in {"ability_to_pay", "compliance", "stability"}:
        facts = (*facts, "customer.credit.assessed.v1")
    yield say(f"rating.{dimension}", "Latest rating that is still valid.", facts, "no valid rating")
    yield say(f"rating.{dimension}.age_days", "Local days since that rating was given.", facts, "no valid rating")


class _Saying:
    """Completes a description with what the catalogue says already."""

    def __call__(
        self,
        key: str,
        definition: str,
        facts: tuple[str, ...],
        null: str,
        *,
        unit: str | None = None,
        computed: bool = True,
    ) -> Description:
        named = unit or _UNITS[METRICS[key].kind]
        return Description(key, definition, named, window_text(key), facts, null, computed)


DESCRIPTIONS: Final[Mapping[str, Description]] = MappingProxyType({told.key: told for told in _describe()})
"""Every metric of the catalogue in words, in the order in which they are read."""
