"""What is open when: windows, nights, clock changes, and adding open time."""

from datetime import date

import pytest

from shared.worktime import always
from tests.unit.worktime.calendars import DAY, EVERY_DAY, HOUR, WEEKDAYS, calendar, iso, open_between, us


def test_a_window_is_open_from_its_begin_up_to_but_not_including_its_end():
    office = calendar()

    assert office.open_time_between(us("2026-11-02T08:00:00Z"), us("2026-11-02T18:00:00Z")) == 8 * HOUR
    assert office.open_time_between(us("2026-11-02T16:59:59.999999Z"), us("2026-11-02T17:00:00.000001Z")) == 1
    assert office.open_time_between(us("2026-11-02T09:00:00Z"), us("2026-11-02T09:00:00.000001Z")) == 1


def test_an_absent_weekday_is_closed():
    assert open_between(calendar(weekly={"mon": ["09:00-10:00"]}), "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z") == [
        ("2026-11-02T09:00:00Z", "2026-11-02T10:00:00Z")
    ]


def test_24_00_is_the_next_midnight_and_windows_that_touch_across_it_are_one():
    night = calendar(weekly={"mon": ["20:00-24:00"], "tue": ["00:00-02:00"]})

    assert open_between(night, "2026-11-02T00:00:00Z", "2026-11-04T00:00:00Z") == [
        ("2026-11-02T20:00:00Z", "2026-11-03T02:00:00Z")
    ]


@pytest.mark.parametrize(
    ("window", "end"), [("22:00-06:00", "06:00"), ("22:00-00:00", "00:00"), ("22:00-22:00", "22:00")]
)
def test_an_end_not_after_the_begin_lies_in_the_next_date(window, end):
    night = calendar(weekly={"mon": [window]})

    assert night.windows(date(2026, 11, 2)) == ((us("2026-11-02T22:00:00Z"), us(f"2026-11-03T{end}:00Z")),)


def test_overlapping_windows_count_once():
    overlapping = calendar(weekly={"mon": ["09:00-12:00", "11:00-13:00"], "sun": ["22:00-10:00"]})

    assert open_between(overlapping, "2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z") == [
        ("2026-11-01T22:00:00Z", "2026-11-02T13:00:00Z")
    ]


def test_a_date_has_the_windows_that_are_listed_for_it_wherever_they_end():
    night = calendar(weekly={"mon": ["22:00-06:00"]})

    assert iso(night.end_of_last_window(date(2026, 11, 2))) == "2026-11-03T06:00:00Z"
    assert night.end_of_last_window(date(2026, 11, 3)) is None


def test_the_last_window_is_the_one_that_ends_last_not_the_one_listed_last():
    office = calendar(weekly={"mon": ["13:00-18:00", "09:00-12:00"]})

    assert iso(office.end_of_last_window(date(2026, 11, 2))) == "2026-11-02T18:00:00Z"


def test_adding_open_time_used_up_at_closing_stops_at_closing():
    office = calendar()

    assert iso(office.add_open_time(us("2026-11-02T09:00:00Z"), 8 * HOUR)) == "2026-11-02T17:00:00Z"
    assert iso(office.add_open_time(us("2026-11-02T09:00:00Z"), 8 * HOUR + 1)) == "2026-11-03T09:00:00.000001Z"


def test_adding_open_time_from_a_closed_instant_begins_at_the_next_opening():
    assert iso(calendar().add_open_time(us("2026-11-06T20:00:00Z"), HOUR)) == "2026-11-09T10:00:00Z"


def test_adding_no_time_is_reached_at_once():
    assert calendar().add_open_time(us("2026-11-07T20:00:00Z"), 0) == us("2026-11-07T20:00:00Z")


def test_adding_open_time_goes_far_and_not_beyond_twenty_years():
    office = calendar()
    begin = us("2026-11-02T09:00:00Z")

    assert office.open_time_between(begin, office.add_open_time(begin, 30_000 * HOUR)) == 30_000 * HOUR
    assert office.add_open_time(begin, 42_000 * HOUR) is None
    assert always().add_open_time(begin, 7305 * DAY) == begin + 7305 * DAY
    assert always().add_open_time(begin, 7305 * DAY + 1) is None


@pytest.mark.parametrize(
    ("zone", "day", "window", "begin", "end"),
    [
        ("Europe/London", "2026-03-29", "01:30-03:00", "01:30", "02:00"),  # 01:30 does not exist: 02:30 by the new time
        ("Europe/London", "2026-03-29", "00:30-01:30", "00:30", "01:30"),
        ("Europe/London", "2026-10-25", "01:30-03:00", "00:30", "03:00"),  # 01:30 exists twice: the first
        ("Europe/London", "2026-10-25", "00:30-01:30", "23:30", "00:30"),
        ("America/New_York", "2026-03-08", "02:30-04:00", "07:30", "08:00"),
        ("America/New_York", "2026-11-01", "01:00-02:00", "05:00", "07:00"),
        ("Asia/Beirut", "2026-03-29", "00:00-01:00", "22:00", "22:00"),  # midnight itself does not exist
        ("Australia/Lord_Howe", "2026-10-04", "02:15-03:00", "15:45", "16:00"),  # a gap of half an hour
    ],
)
def test_wall_times_become_instants_as_rfc_5545_says(zone, day, window, begin, end):
    weekly = {name: [window] for name in EVERY_DAY}
    ((opens, closes),) = calendar(zone, weekly=weekly).windows(date.fromisoformat(day))

    assert (iso(opens)[11:16], iso(closes)[11:16]) == (begin, end)


def test_a_window_that_a_clock_change_turns_inside_out_is_empty_but_listed():
    """On 2026-03-29 in London 01:30 is 01:30Z and 02:00 is 01:00Z."""
    early = calendar("Europe/London", weekly={"sun": ["01:30-02:00"]})
    day = date(2026, 3, 29)

    assert early.open_time_between(us("2026-03-29T00:00:00Z"), us("2026-03-30T00:00:00Z")) == 0
    assert iso(early.end_of_last_window(day)) == "2026-03-29T01:00:00Z"
    assert early.window_date(date(2026, 3, 28), after=1) == day


@pytest.mark.parametrize(("day", "hours"), [("2026-03-07", 7), ("2026-03-08", 8), ("2026-10-31", 9), ("2026-11-01", 8)])
def test_a_night_is_as_long_as_it_really_was(day, hours):
    night = calendar("America/New_York", weekly={name: ["22:00-06:00"] for name in EVERY_DAY})
    ((begin, end),) = night.windows(date.fromisoformat(day))

    assert night.open_time_between(begin, end) == end - begin == hours * HOUR


def test_a_date_that_a_zone_skipped_is_open_when_the_next_one_is():
    """Samoa had no 2011-12-30: its wall times fall on those of the 31st."""
    samoa = calendar("Pacific/Apia", weekly={name: ["09:00-17:00"] for name in EVERY_DAY})

    assert samoa.windows(date(2011, 12, 30)) == samoa.windows(date(2011, 12, 31))
    assert samoa.open_time_between(us("2011-12-28T10:00:00Z"), us("2012-01-01T10:00:00Z")) == 4 * 8 * HOUR


def test_the_nth_date_with_a_window_skips_closed_ones():
    office = calendar()

    assert office.window_date(date(2026, 11, 6), after=1) == date(2026, 11, 9)
    assert office.window_date(date(2026, 11, 6), after=260) == date(2027, 11, 5)
    assert calendar(weekly={"mon": ["09:00-10:00"]}).window_date(date(2026, 11, 6), after=1100) is None


def test_the_nearest_date_with_a_window_may_be_the_date_itself():
    office = calendar()

    assert office.nearest_window_date(date(2026, 11, 6), forward=True) == date(2026, 11, 6)
    assert office.nearest_window_date(date(2026, 11, 7), forward=True) == date(2026, 11, 9)
    assert office.nearest_window_date(date(2026, 11, 8), forward=False) == date(2026, 11, 6)


def test_a_calendar_with_one_open_date_has_no_earlier_and_no_later_one():
    once = calendar(weekly={}, exceptions=[{"date": "2026-11-06", "windows": ["09:00-10:00"]}])

    assert once.nearest_window_date(date(2026, 11, 1), forward=False) is None
    assert once.nearest_window_date(date(2026, 11, 7), forward=True) is None


def test_always_is_every_date_in_utc():
    assert open_between(always(), "2026-03-29T00:00:00Z", "2027-03-29T00:00:00Z") == [
        ("2026-03-29T00:00:00Z", "2027-03-29T00:00:00Z")
    ]
    assert iso(always().end_of_last_window(date(2026, 3, 29))) == "2026-03-30T00:00:00Z"


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-11-02", "outside hours"),
        ("2026-11-04", "day off"),
        ("2026-11-07", "weekend"),
        ("2026-11-09", "exception: stocktaking"),
        ("2026-11-10", "exception"),
        ("2026-12-25", "holiday: Christmas Day"),
        ("2026-12-28", "holiday: Boxing Day (observed)"),
    ],
)
def test_a_date_says_why_it_is_closed(day, reason):
    office = calendar(
        "Europe/London",
        weekly={name: ["09:00-17:00"] for name in WEEKDAYS if name != "wed"},
        holidays={"country": "GB", "subdivision": "ENG"},
        exceptions=[
            {"date": "2026-11-09", "windows": [], "note": "stocktaking"},
            {"date": "2026-11-10", "windows": []},
        ],
    )

    assert office.reason_closed(date.fromisoformat(day)) == reason


def test_closed_stretches_are_split_at_the_midnights_where_the_reason_changes():
    office = calendar("Asia/Shanghai")
    found = office.closed_between(us("2026-11-06T08:00:00Z"), us("2026-11-09T02:00:00Z"))

    assert [(iso(begin), iso(end), reason) for begin, end, reason in found] == [
        ("2026-11-06T09:00:00Z", "2026-11-06T16:00:00Z", "outside hours"),
        ("2026-11-06T16:00:00Z", "2026-11-08T16:00:00Z", "weekend"),
        ("2026-11-08T16:00:00Z", "2026-11-09T01:00:00Z", "outside hours"),
    ]


def test_instants_outside_the_calendars_years_are_refused():
    with pytest.raises(ValueError, match="1881"):
        calendar().open_time_between(us("1700-01-01T00:00:00Z"), us("2026-01-01T00:00:00Z"))
