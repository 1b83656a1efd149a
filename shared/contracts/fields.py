"""The vocabulary of payload fields: each type checks itself exactly and says what would have been right."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.contracts.currencies import MINOR_UNITS
from shared.contracts.instants import format_instant, parse_date, parse_instant

_AMOUNT_PATTERN = r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,4})?$"
_AMOUNT = re.compile(_AMOUNT_PATTERN[:-1]).fullmatch


def _amount(value: Any) -> str:
    if type(value) is str and _AMOUNT(value):
        return value
    if isinstance(value, str) and value.startswith("-"):
        raise PydanticCustomError("amount", "an amount is never negative; a refund or a credit is a fact of its own")
    if not isinstance(value, str):
        raise PydanticCustomError("amount", 'an amount is a decimal string such as "1299.00", not a number')
    raise PydanticCustomError(
        "amount", 'an amount is a decimal string such as "1299.00": at most 13 digits, then at most 4 decimals'
    )


def _currency(value: Any) -> str:
    if type(value) is str and value in MINOR_UNITS:
        return value
    raise PydanticCustomError("currency", 'unknown currency; an ISO 4217 code in capitals such as "CNY"')


def _instant(value: Any) -> datetime:
    if type(value) is str:
        try:
            return parse_instant(value)
        except ValueError:
            pass
    elif isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise PydanticCustomError("instant", 'an RFC 3339 instant with its offset such as "2026-03-01T08:00:00Z"')


def _day(value: Any) -> date:
    if type(value) is str:
        try:
            return parse_date(value)
        except ValueError:
            pass
    elif type(value) is date:
        return value
    raise PydanticCustomError("date", 'a date such as "2026-03-01"')


def _validity_end(value: Any) -> datetime:
    if type(value) is str and len(value) == len("2026-03-01"):
        day = _day(value)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + (
            timedelta(days=1) if day != date.max else timedelta()
        )
    return _instant(value)


def number(value: Any) -> int | float:
    """The value when it is a finite number and no boolean; for validators of narrower numbers."""
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise PydanticCustomError("number", "a finite number")


def _quantity(value: Any) -> int | float:
    parsed = number(value)
    if 0 <= parsed <= MAX_QUANTITY:
        return parsed
    raise PydanticCustomError("range", "a number from 0 to 1e12")


MAX_QUANTITY = 10**12

Amount = Annotated[
    str, PlainValidator(_amount), WithJsonSchema({"type": "string", "format": "decimal", "pattern": _AMOUNT_PATTERN})
]
"""Exact decimal text, never negative: compare and add it as minor units (`currencies.minor_units`)."""

Currency = Annotated[
    str, PlainValidator(_currency), WithJsonSchema({"type": "string", "format": "iso-4217", "pattern": "^[A-Z]{3}$"})
]
"""ISO 4217 code, known to `currencies.MINOR_UNITS`."""

Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Aware UTC datetime; RFC 3339 on the wire."""

Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""Civil date without a zone."""

ValidUntil = Annotated[
    datetime,
    PlainValidator(_validity_end),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Instant from which something is no longer valid. A bare date means through its end in UTC."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Opaque identifier."""
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Short word from a list that may grow: documented values, not enforced ones."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""Name of an entry in a map."""
Line = Annotated[str, StringConstraints(max_length=512)]
"""One line for people."""
Text = Annotated[str, StringConstraints(max_length=20_000)]
"""Prose."""
Texts = Annotated[list[Text], Field(max_length=100)]
Quantity = Annotated[
    int | float, PlainValidator(_quantity), WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_QUANTITY})
]
Number = Annotated[int | float, PlainValidator(number), WithJsonSchema({"type": "number"})]
Version = Annotated[int, Field(ge=1, le=2**63 - 1)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Grade = Annotated[int, Field(ge=1, le=5)]
"""One (worst or least) to five (best or most)."""
Seconds = Annotated[int | float, PlainValidator(_quantity), WithJsonSchema({"type": "number", "minimum": 0})]

ServiceClass = Literal["strategic", "key", "standard", "basic"]
Severity = Literal["S1", "S2", "S3", "S4"]
Impact = Literal["low", "medium", "high", "critical"]
