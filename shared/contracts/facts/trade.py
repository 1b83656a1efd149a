"""Orders and invoices."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import Part, example
from shared.contracts.fields import Amount, Code, Currency, Day, Id, Instant, Line, Quantity
from shared.contracts.money import Priced


class OrderPlaced(Priced):
    """The customer bought something. Told once per order: a second telling with the same event id changes nothing."""

    model_config = example(
        order_id="SO-2026-00417",
        amount="128000.00",
        currency="CNY",
        placed_at="2026-03-01T02:15:00Z",
        quantity=40,
        unit="set",
        cost="79000.00",
        net_cost="91500.00",
        product_line="pumps",
        channel="direct",
    )
    happened: ClassVar[str | None] = "placed_at"
    amounts: ClassVar[tuple[str, ...]] = ("amount", "cost", "net_cost")

    order_id: Id = Field(description="The order in the seller's own system; refunds name it.")
    amount: Amount = Field(description="What the customer pays; zero is a purchase without spend.")
    currency: Currency = Field(description="ISO 4217 code of every amount here.")
    placed_at: Instant = Field(description="When the order was placed; decides the day it counts for.")
    quantity: Quantity | None = Field(None, description="How many units.")
    unit: Code | None = Field(None, description="Unit of the quantity.")
    cost: Amount | None = Field(None, description="Direct cost: gross margin is amount less cost.")
    net_cost: Amount | None = Field(
        None, description="Cost including the cost to serve: net margin is amount less this."
    )
    product_line: Line | None = Field(None, description="What was bought, in the seller's own terms.")
    channel: Code | None = Field(None, description="How it was sold, e.g. direct, dealer, online.")


class OrderRefunded(Priced):
    """An order was refunded in part or, as a cancellation, in full. It counts against the period of the order."""

    model_config = example(
        order_id="SO-2026-00417",
        amount="12800.00",
        currency="CNY",
        refunded_at="2026-03-09T06:00:00Z",
        reason="four sets arrived damaged",
    )
    happened: ClassVar[str | None] = "refunded_at"

    order_id: Id = Field(description="The order that is refunded; it may become known later than its refund.")
    amount: Amount = Field(description="What is paid back by this refund.")
    currency: Currency = Field(description="ISO 4217 code, as of the order.")
    refunded_at: Instant = Field(description="When the refund was granted.")
    reason: Line | None = Field(None, description="Why, in a line.")


class Instalment(Part):
    """One part of an amount that is paid in parts."""

    due_on: Day = Field(description="Date on which this part is due.")
    amount: Amount = Field(description="This part, in the currency of the invoice.")


class InvoiceIssued(Priced):
    """An invoice was sent. It is overdue from the day after `due_on`, or by its instalments where it has any."""

    model_config = example(
        invoice_id="INV-2026-0388",
        amount="128000.00",
        currency="CNY",
        due_on="2026-04-01",
        issued_at="2026-03-02T01:00:00Z",
        order_id="SO-2026-00417",
        instalments=[
            {"due_on": "2026-03-15", "amount": "64000.00"},
            {"due_on": "2026-04-01", "amount": "64000.00"},
        ],
    )
    happened: ClassVar[str | None] = "issued_at"
    in_parts: ClassVar[bool] = True

    invoice_id: Id = Field(description="The invoice in the seller's own system; payments name it.")
    amount: Amount = Field(description="What is to be paid in total.")
    currency: Currency = Field(description="ISO 4217 code of every amount here.")
    due_on: Day = Field(description="Last date on which payment is in time.")
    issued_at: Instant | None = Field(None, description="When it was sent; else the time of the event.")
    order_id: Id | None = Field(None, description="The order that it bills.")
    instalments: list[Instalment] | None = Field(None, max_length=120, description="Parts with their own due dates.")


class InvoicePaid(Priced):
    """A payment for an invoice arrived, whole or in part."""

    model_config = example(
        invoice_id="INV-2026-0388",
        amount="128000.00",
        currency="CNY",
        paid_at="2026-03-14T03:20:00Z",
        paid_amount="64000.00",
        instalments=[{"due_on": "2026-03-15", "amount": "64000.00"}],
    )
    happened: ClassVar[str | None] = "paid_at"
    in_parts: ClassVar[bool] = True
    amounts: ClassVar[tuple[str, ...]] = ("amount", "paid_amount")

    invoice_id: Id = Field(description="The invoice that is paid.")
    amount: Amount = Field(description="The invoice's total.")
    currency: Currency = Field(description="ISO 4217 code of every amount here.")
    paid_at: Instant = Field(description="When the money arrived.")
    paid_amount: Amount | None = Field(None, description="What arrived now, if not the total.")
    instalments: list[Instalment] | None = Field(None, max_length=120, description="The instalments that this settles.")


__all__ = ["Instalment", "InvoiceIssued", "InvoicePaid", "OrderPlaced", "OrderRefunded"]
