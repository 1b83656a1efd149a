"""Civil time: IANA zones from the pinned `tzdata` package, so that a recorded version says which rules were used."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo

DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)


def is_zone(key: str) -> bool:
    """Whether IANA knows a time zone of this name, exactly so written."""
    return key in _zones()


def tzdata_version() -> str:
    """The version of the time zone rules in use, e.g. `2026.6`."""
    return version("tzdata")


@cache
def zone(key: str) -> ZoneInfo:
    """The zone's rules. Raises KeyError for a name that IANA does not know."""
    if not is_zone(key):
        raise KeyError(key)
    with files("tzdata").joinpath("zoneinfo", *key.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=key)


def instant_of(zone: ZoneInfo, ordinal: int, wall: int) -> int:
    """Microseconds since the epoch of a wall time (microseconds after the `00:00` of a proleptic Gregorian ordinal).

    RFC 5545: a wall time that does not exist takes the offset before the gap, one that exists twice is the first.
    `wall` may reach into the following dates.
    """
    days, micros = divmod(wall, DAY)
    ordinal += days
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    civil = datetime.combine(date.fromordinal(ordinal), time(hour, minute, second, fraction, zone))
    return (ordinal - _EPOCH_ORDINAL) * DAY + micros - _offset(civil)


def local_of(zone: ZoneInfo, instant: int) -> tuple[date, int]:
    """The date and wall time (microseconds after `00:00`) that the zone shows at an instant."""
    civil = (_EPOCH + instant * _MICROSECOND).astimezone(zone)
    wall = ((civil.hour * 60 + civil.minute) * 60 + civil.second) * 1_000_000 + civil.microsecond
    return civil.date(), wall


def _offset(civil: datetime) -> int:
    offset = civil.utcoffset() or timedelta()
    return (offset.days * 86_400 + offset.seconds) * 1_000_000 + offset.microseconds


@cache
def _zones() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text().split())
