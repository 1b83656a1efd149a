"""Payloads that carry money: every amount is exact in the currency that stands beside it."""

from typing import Any, ClassVar, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.base import Payload
from shared.contracts.currencies import MINOR_UNITS

_digits_of = dict(MINOR_UNITS).get


class Priced(Payload):
    """A payload with amounts and their `currency`; no amount is finer than the smallest unit of that."""

    amounts: ClassVar[tuple[str, ...]] = ("amount",)
    in_parts: ClassVar[bool] = False
    """Whether it has instalments with amounts of their own."""

    @model_validator(mode="after")
    def _amounts_are_exact(self) -> Self:
        fields: dict[str, Any] = self.__dict__  # attribute access is what this check would spend its time on
        digits = _digits_of(fields["currency"], -1)
        for name in self.amounts:
            amount = fields[name]
            if amount is not None:
                point = amount.find(".")
                if digits < 0 or 0 <= point < len(amount) - digits - 1:
                    _require_exact(name, amount, fields["currency"])
        if self.in_parts:
            for index, part in enumerate(fields["instalments"] or ()):
                _require_exact(f"instalments/{index}/amount", part.amount, fields["currency"])
        return self


def _require_exact(name: str, amount: str, currency: str | None) -> None:
    if currency is None:
        raise PydanticCustomError("required", "an amount needs its currency", {"field": "currency"})
    digits = MINOR_UNITS[currency]
    if amount.partition(".")[2][digits:].strip("0"):
        raise PydanticCustomError(
            "amount",
            "finer than the smallest unit of {currency}, which has {digits} decimals",
            {"field": name, "currency": currency, "digits": digits},
        )
