"""Payloads that carry money: every amount is exact in the currency that stands beside it."""

from typing import ClassVar, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.base import Payload
from shared.contracts.currencies import MINOR_UNITS


class Priced(Payload):
    """A payload with amounts and their `currency`; no amount is finer than the smallest unit of that."""

    amounts: ClassVar[tuple[str, ...]] = ("amount",)

    @model_validator(mode="after")
    def _amounts_are_exact(self) -> Self:
        currency: str | None = getattr(self, "currency", None)
        for name in self.amounts:
            amount: str | None = getattr(self, name)
            if amount is not None:
                _require_exact(name, amount, currency)
        for index, part in enumerate(getattr(self, "instalments", None) or ()):
            _require_exact(f"instalments/{index}/amount", part.amount, currency)
        return self


def _require_exact(name: str, amount: str, currency: str | None) -> None:
    if currency is None:
        raise PydanticCustomError("required", "an amount needs its currency", {"field": "currency"})
    digits = MINOR_UNITS[currency]
    fraction = amount.partition(".")[2]
    if len(fraction) > digits and fraction[digits:].strip("0"):
        raise PydanticCustomError(
            "amount",
            "finer than the smallest unit of {currency}, which has {digits} decimals",
            {"field": name, "currency": currency, "digits": digits},
        )
