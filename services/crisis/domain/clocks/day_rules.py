"""Due instants of the kinds that count dates: business days and calendar periods. Instants are integer microseconds."""

from calendar import monthrange
from datetime import date, timedelta

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.durations import Period
from services.crisis.domain.clocks.instants import DAY, EPOCH_ORDINAL, HORIZON_DAYS
from services.crisis.domain.clocks.policy import BusinessDays, CalendarPeriod


class BeyondHorizonError(Exception):
    """Twenty years do not hold the promise; the fold says which target it was."""


def due_of_business_days(rule: BusinessDays, calendar: OpenTime, origin: int) -> int:
    """End of the last window, or the wall time `at`, of the n-th date with a window after day zero.

    Day zero is the local date of the origin, even inside a window that began the day before. With `next_open` it is the
    next date with a window where that date has none or its last window is over.
    """
    day, _ = calendar.local(origin)
    if rule.day_zero == "next_open":
        closing = calendar.end_of_last_window(day)
        if closing is None or origin >= closing:
            day = _reached(calendar.window_date(day, after=1))
    day = _reached(calendar.window_date(day, after=rule.count))
    if rule.at is not None:
        return calendar.instant(day, rule.at)
    closing = calendar.end_of_last_window(day)
    if closing is None:
        raise BeyondHorizonError
    return closing


def due_of_period(rule: CalendarPeriod, calendar: OpenTime, origin: int) -> int:
    """The end of the date (or the origin's wall time on it) that lies a calendar period after the origin's date."""
    start, wall = calendar.local(origin)
    day = _near(start, add_period(start, rule.period))
    if rule.roll != "none":
        day = _near(start, _reached(calendar.nearest_window_date(day, forward=rule.roll == "forward")))
    return calendar.instant(day, DAY if rule.until == "end_of_day" else wall)


def add_period(day: date, period: Period) -> date:
    """Years and months together, clipped once to the last day of the month, then weeks and days.

    Raises `BeyondHorizonError` where the calendar of the computer ends.
    """
    month = day.year * 12 + day.month - 1 + period.years * 12 + period.months
    year, month = month // 12, month % 12 + 1
    if year > date.max.year - 1:
        raise BeyondHorizonError
    clipped = date(year, month, min(day.day, monthrange(year, month)[1]))
    days = period.weeks * 7 + period.days
    if clipped.toordinal() + days > date.max.toordinal() - 366:
        raise BeyondHorizonError
    return clipped + timedelta(days=days)


def utc_local(instant: int) -> tuple[date, int]:
    """The date and wall time of UTC, for durations that have no calendar."""
    days, wall = divmod(instant, DAY)
    return date.fromordinal(EPOCH_ORDINAL + days), wall


def utc_instant(day: date, wall: int) -> int:
    """The instant of a wall time of UTC."""
    return (day.toordinal() - EPOCH_ORDINAL) * DAY + wall


def _near(start: date, day: date) -> date:
    if (day - start).days > HORIZON_DAYS:
        raise BeyondHorizonError
    return day


def _reached(day: date | None) -> date:
    if day is None:
        raise BeyondHorizonError
    return day
