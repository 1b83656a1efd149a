"""The four duration kinds: when a clock that nothing disturbs is due."""

import pytest

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.story import (
    OFFICE,
    breach,
    business,
    business_days,
    clock,
    due,
    elapsed,
    period,
    start,
    stop,
    when,
)


def test_elapsed_time_does_not_care_about_calendars():
    assert due(elapsed("PT24H"), start("fri 17:00")) == "sat 17:00"


def test_elapsed_time_is_exact_to_the_second():
    assert due(elapsed("PT1H0M1S"), start("mon 09:00")) == "mon 10:00:01"


def test_business_time_started_outside_hours_waits_for_the_next_window():
    assert due(business("PT8H"), start("sat 11:00")) == "mon+1 18:00"


def test_business_time_jumps_over_lunch_nights_and_weekends():
    assert due(business("PT8H"), start("fri 11:00")) == "mon+1 11:00"


def test_business_time_used_up_at_closing_is_due_at_closing_not_at_the_next_opening():
    assert due(business("PT3H"), start("mon 09:00")) == "mon 12:00"
    assert due(business("PT8H"), start("fri 09:00")) == "fri 18:00"


def test_business_days_are_due_at_the_end_of_the_last_window_of_the_nth_date_after():
    assert due(business_days(1), start("mon 10:00")) == "tue 18:00"
    assert due(business_days(5), start("mon 10:00")) == "mon+1 18:00"


def test_business_days_started_on_a_closed_date_count_from_that_date():
    assert due(business_days(1), start("sat 10:00")) == "mon+1 18:00"


def test_day_zero_next_open_moves_a_start_on_a_closed_date_to_the_next_date_with_a_window():
    assert due(business_days(1, day_zero="next_open"), start("sat 10:00")) == "tue+1 18:00"


def test_day_zero_next_open_moves_a_start_at_or_after_the_last_closing():
    assert due(business_days(1, day_zero="next_open"), start("mon 17:59:59")) == "tue 18:00"
    assert due(business_days(1, day_zero="next_open"), start("mon 18:00")) == "wed 18:00"
    assert due(business_days(1, day_zero="date"), start("mon 18:00")) == "tue 18:00"


def test_day_zero_next_open_keeps_a_start_at_lunch():
    assert due(business_days(1, day_zero="next_open"), start("mon 12:30")) == "tue 18:00"


def test_business_days_may_be_due_at_a_wall_time():
    assert due(business_days(1, at="12:00"), start("fri 17:00")) == "mon+1 12:00"


NIGHT = {"key": "night", "zone": "Asia/Shanghai", "weekly": {"mon": ["22:00-06:00"], "tue": ["22:00-06:00"]}}


def test_the_date_of_a_start_in_an_overnight_window_is_the_local_date():
    """At 02:00 on Tuesday inside Monday's window, day zero is Tuesday: due with the window of the next Monday."""
    night = {"business_days": 1, "calendar": "night"}
    assert due(night, start("tue 02:00"), calendars=[NIGHT]) == "tue+1 06:00"


def test_an_overnight_window_belongs_to_the_date_on_which_it_begins():
    night = {"business_days": 1, "calendar": "night"}
    assert due(night, start("mon 10:00"), calendars=[NIGHT]) == "wed 06:00"


def test_a_period_is_due_at_the_end_of_its_date():
    assert due(period("P1W"), start("mon 10:00")) == "tue+1 00:00"


def test_a_period_may_be_due_at_the_same_time_of_day():
    assert due(period("P1W", until="same_time"), start("mon 10:00:30")) == "mon+1 10:00:30"


@pytest.mark.parametrize(
    ("roll", "expected"), [("none", "sun 00:00"), ("forward", "tue+1 00:00"), ("backward", "sat 00:00")]
)
def test_a_period_that_ends_on_a_closed_date_rolls_as_the_regime_says(roll, expected):
    assert due(period("P5D", roll=roll), start("mon 10:00")) == expected


def test_a_period_that_ends_on_an_open_date_does_not_roll():
    assert due(period("P4D", roll="forward"), start("mon 10:00")) == "sat 00:00"


def test_a_period_rolled_back_before_its_start_breaches_at_the_start():
    found = clock(period("P1D", roll="backward"), start("sat 10:00"), until="mon+1 00:00")

    assert when(found["due_at"]) == "sat 00:00"
    assert breach(found) == ("sat 10:00", "due")


def day_and_month(origin, text, zone="UTC"):
    calendar = {"key": "all", "zone": zone, "weekly": {day: ["00:00-24:00"] for day in OFFICE["weekly"]}}
    answer = simulate(
        {
            "policy": {"key": "p", "targets": {"t": {"period": text, "calendar": "all", "until": "same_time"}}},
            "calendars": [calendar],
            "events": [{"at": origin, "type": "start"}],
            "until": origin,
        }
    )
    return answer["clocks"][0]["due_at"]


@pytest.mark.parametrize(
    ("origin", "text", "expected"),
    [
        ("2026-01-31T10:00:00Z", "P1M", "2026-02-28T10:00:00Z"),
        ("2028-01-31T10:00:00Z", "P1M", "2028-02-29T10:00:00Z"),
        ("2024-02-29T10:00:00Z", "P1Y", "2025-02-28T10:00:00Z"),
        ("2024-02-29T10:00:00Z", "P1Y12M", "2026-02-28T10:00:00Z"),
        ("2024-02-29T10:00:00Z", "P3Y12M", "2028-02-29T10:00:00Z"),
        ("2026-01-31T10:00:00Z", "P1M1D", "2026-03-01T10:00:00Z"),
        ("2026-01-30T10:00:00Z", "P1M1W2D", "2026-03-09T10:00:00Z"),
        ("2026-03-02T10:00:00.123456Z", "P8W", "2026-04-27T10:00:00.123456Z"),
    ],
)
def test_years_and_months_are_added_together_and_clipped_once_then_weeks_and_days(origin, text, expected):
    assert day_and_month(origin, text) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"),  # 01:30 does not exist: the offset before the gap
        ("2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),  # 01:30 exists twice: the first
    ],
)
def test_a_period_to_the_same_time_follows_the_rules_for_gaps_and_folds(origin, expected):
    assert day_and_month(origin, "P1D", zone="Europe/London") == expected


def test_a_start_in_the_second_hour_of_a_fold_is_due_in_the_first_of_another_fold():
    """2026-10-25 01:30 the second time, a year later on 2027-10-31: the wall time is taken, its first occurrence."""
    assert day_and_month("2026-10-25T01:30:00Z", "P1Y6D", zone="Europe/London") == "2027-10-31T00:30:00Z"


def test_stopped_before_it_is_due_means_met():
    found = clock(business("PT4H"), start("mon 09:00"), stop("mon 11:00"))

    assert (found["stage"], found["result"], when(found["stopped_at"])) == ("completed", "met", "mon 11:00")
    assert found["elapsed_seconds"] == 7200


def test_a_target_that_was_not_started_has_no_clock():
    assert simulate(
        {"policy": {"key": "p", "targets": {"t": {"elapsed": "PT1H"}}}, "events": [], "until": "2026-01-01T00:00:00Z"}
    ) == {"clocks": []}
