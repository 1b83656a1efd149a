"""C1: when business time is used up, from random starts, beside businesstimedelta and business-duration."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as wall
from functools import partial
from zoneinfo import ZoneInfo

import businesstimedelta
import holidays
import pandas as pd
import pytz
from business_duration import businessDuration

from services.crisis.domain.clocks.instants import from_micros, to_micros
from shared.worktime import Calendar, parse_calendar, publish
from tests.bench.bench import Bench, best_rate
from tests.bench.table import Ratio, Row

STARTS, COMPARED = 2_000, 25
HOURS = 40
TARGET = timedelta(hours=HOURS)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WINDOWS = ((wall(9), wall(12)), (wall(13), wall(18)))
OFFICE = {
    "key": "cn-office",
    "zone": "Asia/Shanghai",
    "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": {"country": "CN"},
}
LONGEST = timedelta(days=30)
"""Forty hours of this office never take longer; the search begins with it."""

Due = Callable[[datetime], datetime]


async def run(_: Bench) -> list[Row]:
    """The best of several rounds; the calendar is compiled before, and all agree on every start that the peers get."""
    draw = random.Random(20260925)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    starts = [begin + timedelta(seconds=draw.randrange(700 * 86_400)) for _ in range(STARTS)]
    calendar = Calendar(publish(parse_calendar(OFFICE)))
    ours, added, searched = partial(_ours, calendar), _businesstimedelta(), _searched
    few = starts[:COMPARED]
    for start in few:
        told = {ours(start), added(start), searched(start)}
        assert len(told) == 1, f"all must agree before any is timed: from {start} {told}"
    mine = _over(ours, starts)
    adding, searching = _over(added, few), _over(searched, few)
    spans = [(start, ours(start)) for start in few]
    between = best_rate(lambda: [calendar.open_time_between(to_micros(a), to_micros(b)) for a, b in spans], 40)
    summed = best_rate(lambda: [_worked(_local(a), _local(b)) for a, b in spans], 4)
    return [
        Row(
            id="C1",
            what=f"due instant of {HOURS} hours in the Chinese office calendar, {STARTS:,} random starts",
            ours=mine,
            unit="due instants/s",
            beside={"businesstimedelta": adding, "business-duration (searched)": searching},
            ratios=(
                Ratio("businesstimedelta", mine / adding, 100),
                Ratio("business-duration (searched)", mine / searching, 100),
                Ratio("business-duration, the time between two instants", between / summed),
            ),
            note="business-duration tells the time between two instants only: a due instant is searched by halving",
        )
    ]


def _over(due: Due, starts: Sequence[datetime]) -> float:
    return len(starts) * best_rate(lambda: [due(start) for start in starts], 1)


def _ours(calendar: Calendar, start: datetime) -> datetime:
    due = calendar.add_open_time(to_micros(start), HOURS * 3_600_000_000)
    assert due is not None
    return from_micros(due)


def _businesstimedelta() -> Due:
    zone = pytz.timezone("Asia/Shanghai")
    windows = [
        businesstimedelta.WorkDayRule(start_time=begin, end_time=end, working_days=[0, 1, 2, 3, 4], tz=zone)
        for begin, end in WINDOWS
    ]
    rules = businesstimedelta.Rules([*windows, businesstimedelta.HolidayRule(_HOLIDAYS)])
    forty = businesstimedelta.BusinessTimeDelta(rules, hours=HOURS)
    return lambda start: (start + forty).astimezone(UTC)


def _searched(start: datetime) -> datetime:
    """The first second by which business-duration counts the whole target."""
    local = _local(start)
    low, high = 0, int(LONGEST.total_seconds())
    while low < high:
        middle = (low + high) // 2
        if _worked(local, local + timedelta(seconds=middle)) >= TARGET.total_seconds():
            high = middle
        else:
            low = middle + 1
    return start + timedelta(seconds=low)


def _worked(begin: datetime, end: datetime) -> float:
    """Seconds; business-duration knows one window a day, so it is asked once for each."""
    first, last = pd.Timestamp(begin), pd.Timestamp(end)
    return sum(
        businessDuration(
            startdate=first, enddate=last, starttime=opens, endtime=closes, holidaylist=_HOLIDAYS, unit="sec"
        )
        for opens, closes in WINDOWS
    )


def _local(instant: datetime) -> datetime:
    """Its wall time without a zone, which is all that business-duration knows."""
    return instant.astimezone(SHANGHAI).replace(tzinfo=None)


_HOLIDAYS = holidays.country_holidays("CN")
