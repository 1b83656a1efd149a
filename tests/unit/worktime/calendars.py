"""Calendars for tests, and instants in words."""

from datetime import UTC, datetime, timedelta

from shared.worktime import Calendar, parse_calendar, publish

HOUR = 3_600_000_000
DAY = 24 * HOUR
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WEEKDAYS, "sat", "sun")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def calendar(zone="UTC", *, weekly=None, **fields):
    """A compiled calendar; office hours from Monday to Friday unless told otherwise."""
    weekly = {day: ["09:00-17:00"] for day in WEEKDAYS} if weekly is None else weekly
    return Calendar(publish(parse_calendar({"key": "c", "zone": zone, "weekly": weekly, **fields})))


def us(text):
    """Microseconds since the epoch of an ISO instant."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def iso(micros):
    return None if micros is None else (EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def open_between(which, begin, end):
    """The open stretches of a span, in words: what is left when the closed ones are taken out."""
    at, found = us(begin), []
    for closed, reopened, _ in which.closed_between(us(begin), us(end)):
        if closed > at:
            found.append((iso(at), iso(closed)))
        at = reopened
    return found + ([(iso(at), iso(us(end)))] if at < us(end) else [])
