"""Instants and dates as they are written on the wire: RFC 3339, UTC, microseconds at most."""

import re
from datetime import UTC, date, datetime

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
FIRST_YEAR = 1900
"""Nothing that is told to us happened before; keeps arithmetic on windows inside the calendar."""


def parse_instant(text: str) -> datetime:
    """The UTC instant that an RFC 3339 text names; any offset is accepted, digits after the microsecond are cut off.

    Raises `ValueError` for anything else, a time without an offset and a year before 1900 included.
    """
    if _INSTANT(text) is None:
        raise ValueError("not an RFC 3339 instant")
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not UTC:
        try:
            instant = instant.astimezone(UTC)
        except OverflowError:
            raise ValueError("outside the calendar") from None
    if instant.year < FIRST_YEAR:
        raise ValueError(f"before the year {FIRST_YEAR}")
    return instant


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with a `Z`, trailing zeros of the fraction dropped. A naive instant is a `ValueError`."""
    if instant.tzinfo is None:
        raise ValueError("an instant carries its offset")
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if instant.microsecond else text) + "Z"


def parse_date(text: str) -> date:
    """The civil date of `YYYY-MM-DD`; raises `ValueError` for anything else and for a year before 1900."""
    if _DATE(text) is None:
        raise ValueError("not a date")
    day = date.fromisoformat(text)
    if day.year < FIRST_YEAR:
        raise ValueError(f"before the year {FIRST_YEAR}")
    return day
