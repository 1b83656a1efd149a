"""Instants inside the fold are integers: microseconds since 1970-01-01T00:00Z. They become datetimes at the edge."""

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY = 86_400 * SECOND
EPOCH_ORDINAL = 719_163
"""The proleptic Gregorian ordinal of 1970-01-01."""
HORIZON_DAYS = 7305
HORIZON = HORIZON_DAYS * DAY
"""Twenty years (five leap days included): a target that takes longer is unreachable."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Microseconds since the epoch; exact. Raises TypeError for a naive datetime."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime; exact. Raises OverflowError outside the years 1 to 9999."""
    return _EPOCH + micros * _MICROSECOND
