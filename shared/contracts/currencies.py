"""ISO 4217 as data: how many decimals each currency has. Metals, units of account and test codes are no money here.

Source: ISO 4217 list one of 2026-01-01, and the codes withdrawn since 2015, so that older orders can be told.
"""

from types import MappingProxyType
from typing import Final

_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
        COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
        INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
        STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHDRAWN: Final = {0: "BYR", 2: "ANG BGN CUC HRK LTL MRO SLL STD VEF ZWL"}

MINOR_UNITS: Final = MappingProxyType(
    {code: digits for table in (_DECIMALS, _WITHDRAWN) for digits, codes in table.items() for code in codes.split()}
)
"""Decimals by currency code."""


def minor_units(amount: str, currency: str) -> int:
    """The exact number of minor units (fen, cents, yen) in a decimal text; `ValueError` if it cannot be one.

    `"1299.5"` in CNY is 129950. Zeros beyond the currency's decimals are harmless, other digits are not.
    """
    try:
        digits = MINOR_UNITS[currency]
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}") from None
    whole, _, fraction = amount.partition(".")
    if not (whole + fraction).isdecimal() or not (whole + fraction).isascii():
        raise ValueError(f"{amount!r} is not an amount")
    if fraction[digits:].strip("0"):
        raise ValueError(f"{currency} has {digits} decimals; {amount} has more")
    return int(whole + fraction[:digits].ljust(digits, "0"))


def decimal_text(units: int, currency: str) -> str:
    """The amount as it is published: all decimals of the currency, no leading zeros. Raises `ValueError` below zero."""
    if units < 0:
        raise ValueError("an amount is never negative")
    digits = MINOR_UNITS[currency]
    if digits == 0:
        return str(units)
    text = str(units).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}"
