"""A month of a calendar: each date's windows and open time, and why it is closed or special."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.worktime import always, preview_month
from tests.unit.worktime.calendars import EVERY_DAY, HOUR, calendar, iso
from tests.unit.worktime.test_published_calendars import china


def day_of(days, number):
    return days[number - 1]


def test_a_month_around_national_day_says_holiday_make_up_workday_and_weekend():
    days = preview_month(china(), 2026, 10)

    assert (day_of(days, 1).kind, day_of(days, 1).reason, day_of(days, 1).windows) == (
        "holiday",
        "holiday: National Day",
        (),
    )
    made_up = day_of(days, 10)
    assert (made_up.kind, made_up.reason, made_up.open_micros) == ("make_up_workday", "make-up workday", 6 * HOUR)
    assert (day_of(days, 11).kind, day_of(days, 11).reason) == ("weekend", "weekend")
    assert (day_of(days, 12).kind, day_of(days, 12).reason) == ("workday", None)
    assert len(days) == 31


def test_an_exception_is_named_with_its_note_and_the_holiday_that_it_overrides():
    exceptions = [{"date": "2026-10-01", "windows": ["10:00-12:00"], "note": "launch"}]
    first = day_of(preview_month(china(exceptions=exceptions), 2026, 10), 1)

    assert (first.kind, first.reason, first.holiday) == ("exception", "exception: launch", "National Day")
    assert first.open_micros == 2 * HOUR


def test_a_weekday_without_windows_is_a_day_off():
    days = preview_month(calendar(weekly={"mon": ["09:00-10:00"]}), 2026, 3)

    assert (day_of(days, 3).kind, day_of(days, 3).reason) == ("day_off", "day off")


def test_dates_beyond_known_until_are_marked():
    days = preview_month(calendar(known_until="2026-03-10"), 2026, 3)

    assert [day.is_known for day in days] == [True] * 10 + [False] * 21


def test_night_shifts_belong_to_the_date_on_which_they_begin_and_overlaps_count_once():
    nights = calendar(weekly={"mon": ["22:00-06:00"], "tue": ["05:00-07:00"]})
    days = preview_month(nights, 2026, 3)

    assert [(iso(a), iso(b)) for a, b in day_of(days, 2).windows] == [("2026-03-02T22:00:00Z", "2026-03-03T06:00:00Z")]
    assert (day_of(days, 2).open_micros, day_of(days, 3).open_micros) == (8 * HOUR, 1 * HOUR)


def test_a_day_of_a_clock_change_has_23_hours():
    london = calendar("Europe/London", weekly={day: ["00:00-24:00"] for day in EVERY_DAY})

    assert day_of(preview_month(london, 2026, 3), 29).open_micros == 23 * HOUR


def test_the_built_in_calendar_is_open_all_february():
    assert sum(day.open_micros for day in preview_month(always(), 2028, 2)) == 29 * 24 * HOUR


_WINDOWS = st.lists(st.sampled_from(["00:00-24:00", "09:00-12:00", "11:00-18:00", "22:00-06:00", "12:00-12:00"]))


@given(
    weekly=st.dictionaries(st.sampled_from(EVERY_DAY), _WINDOWS),
    zone=st.sampled_from(["UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
    year=st.integers(2009, 2030),
    month=st.integers(1, 12),
)
def test_the_days_of_a_month_add_up_to_its_open_time(weekly, zone, year, month):
    any_calendar = calendar(zone, weekly=weekly)
    days = preview_month(any_calendar, year, month)

    before = max((end for _, end in any_calendar.windows(days[0].day - timedelta(days=1))), default=0)
    begin = max(before, any_calendar.instant(date(year, month, 1), 0))
    end = max((end for day in days for _, end in day.windows), default=begin)
    following = days[-1].day + timedelta(days=1)
    late = [w for w in any_calendar.windows(following) if w[0] < end]
    overlap = sum(max(0, min(end, stop) - start) for start, stop in late)
    total = sum(day.open_micros for day in days)
    measured = any_calendar.open_time_between(begin, max(end, begin))
    assert measured - overlap <= total <= measured
