"""Local days: in which civil day an instant lies, and when a civil day begins.

A day for metrics ends at midnight in the model's zone.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def day_of(instant: datetime, zone: str) -> date:
    """The civil day in `zone` (IANA) in which an aware instant lies."""
    return instant.astimezone(_zone(zone)).date()


def start_of_day(day: date, zone: str) -> datetime:
    """The UTC instant at which `day` begins in `zone`.

    Where a clock change skips midnight, the day begins with the change; where midnight comes twice, with the first.
    """
    return datetime.combine(day, time(), _zone(zone)).astimezone(UTC)


def days_before(day: date, days: int) -> date:
    """The day that lies `days` before; the earliest date there is when it would lie before the calendar."""
    try:
        return day - timedelta(days=days)
    except OverflowError:
        return date.min


def next_day(instant: datetime, zone: str) -> datetime:
    """The first midnight in `zone` after `instant`, as a UTC instant."""
    return start_of_day(day_of(instant, zone) + timedelta(days=1), zone)
