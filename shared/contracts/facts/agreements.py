"""Credit and contracts."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import example
from shared.contracts.fields import Amount, Code, Currency, Grade, Id, Instant, Line, Text, ValidUntil
from shared.contracts.money import Priced


class CreditAssessed(Priced):
    """The customer's credit was assessed. A limit here overrides the one that goes with the rating."""

    model_config = example(
        assessed_at="2026-01-10T03:00:00Z",
        rating="AA",
        limit="500000.00",
        currency="CNY",
        ability_to_pay=4,
        compliance=5,
        stability=4,
        valid_until="2027-01-10T03:00:00Z",
    )
    happened: ClassVar[str | None] = "assessed_at"
    amounts: ClassVar[tuple[str, ...]] = ("limit",)

    assessed_at: Instant = Field(description="When the assessment was made.")
    rating: Code = Field(description="The rating, on the assessor's own scale.")
    limit: Amount | None = Field(None, description="Credit limit; needs its currency.")
    currency: Currency | None = Field(None, description="ISO 4217 code of the limit.")
    ability_to_pay: Grade | None = Field(None, description="1 (poor) to 5 (excellent).")
    compliance: Grade | None = Field(None, description="1 (poor) to 5 (excellent).")
    stability: Grade | None = Field(None, description="1 (poor) to 5 (excellent).")
    valid_until: ValidUntil | None = Field(
        None, description="From when it no longer counts; a date means through its end."
    )


class ContractFact(Priced):
    """Something happened to a contract with the customer."""

    happened: ClassVar[str | None] = "at"

    contract_id: Id = Field(description="The contract in the system that keeps it.")
    at: Instant = Field(description="When it happened.")
    milestone: Line | None = Field(None, description="The milestone concerned.")
    severity: Code | None = Field(None, description="How grave: low, medium, high or critical.")
    by: Code | None = Field(None, description="Which side: us or customer.")
    amount: Amount | None = Field(None, description="Contract value, or the amount at stake; needs its currency.")
    currency: Currency | None = Field(None, description="ISO 4217 code of the amount.")
    guarantee: Line | None = Field(None, description="Guarantee or security given.")
    description: Text | None = Field(None, description="What happened, for people.")


class ContractSigned(ContractFact):
    """A contract with the customer was signed."""

    model_config = example(
        contract_id="K-2026-07",
        at="2026-02-01T02:00:00Z",
        amount="3200000.00",
        currency="CNY",
        guarantee="bank guarantee over 10 %",
        description="Frame contract for pumps, two years",
    )


class ContractMilestoneMissed(ContractFact):
    """A milestone of a contract passed without being reached."""

    model_config = example(
        contract_id="K-2026-07",
        at="2026-03-31T16:00:00Z",
        milestone="acceptance of the first line",
        severity="high",
        by="us",
    )


class ContractBreachReported(ContractFact):
    """One side is said to have broken a contract."""

    model_config = example(
        contract_id="K-2026-07",
        at="2026-04-03T02:00:00Z",
        severity="high",
        by="us",
        amount="160000.00",
        currency="CNY",
        description="Penalty claimed for the delay of the first line",
    )


class ContractTerminated(ContractFact):
    """A contract was ended before or at its term."""

    model_config = example(
        contract_id="K-2026-07",
        at="2026-05-01T02:00:00Z",
        by="customer",
        description="Terminated for cause after the second missed milestone",
    )
