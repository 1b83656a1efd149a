"""Edge cases that other engines get wrong, one test each (the numbers are those of the project's survey)."""

import pytest

from services.crisis.documents.simulation import UnreachableTargetProblem, simulate
from shared.documents import InvalidDocument
from tests.unit.clocks.story import (
    OFFICE,
    breach,
    business,
    business_days,
    cancel,
    clock,
    cycles,
    due,
    elapsed,
    pause,
    reopen,
    resume,
    retarget,
    start,
    stop,
    warned,
    when,
)

OPENED = start("mon 09:00")
CHINA = {**OFFICE, "key": "cn", "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "wed"}}
CHINA = {**CHINA, "weekly": {**OFFICE["weekly"], "wed": ["10:00-14:00"]}}


def abroad(zone, target, opened, *events, until=None, weekly=None):
    """The only clock of a story told in UTC, with a calendar called `c` in the zone."""
    calendar = {"key": "c", "zone": zone, "weekly": weekly or {"mon": ["00:00-24:00"]}}
    body = {
        "policy": {"key": "p", "targets": {"t": target}},
        "calendars": [calendar],
        "events": [{"at": opened, "type": "start"}, *events],
        "until": until or opened,
    }
    (found,) = simulate(body)["clocks"]
    return found


def test_01_a_tier_that_falls_by_the_crisis_does_not_loosen_the_promise():
    assert due(elapsed("PT4H"), OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT24H"))) == "mon 13:00"


def test_02_a_tier_that_rises_counts_from_the_start_without_pauses_and_breaches_at_the_change():
    rise = retarget("mon 16:00", "retarget_from_start", business("PT2H"))
    found = clock(business("PT8H"), OPENED, pause("mon 10:00"), resume("mon 11:00"), rise, until="mon 17:00")

    assert (when(found["due_at"]), breach(found)) == ("mon 12:00", ("mon 16:00", "retarget"))


def test_03_a_priority_lowered_after_a_breach_does_not_take_it_back():
    found = clock(
        elapsed("PT1H"), OPENED, retarget("mon 11:00", "retarget_from_start", elapsed("PT48H")), stop("mon 12:00")
    )

    assert (breach(found), found["result"]) == (("mon 10:00", "due"), "missed")


def test_05_started_outside_hours_nothing_has_elapsed_until_the_next_window():
    found = clock(business("PT8H"), start("sat 09:00"), until="mon+1 09:00")

    assert (found["elapsed_seconds"], when(found["due_at"])) == (0, "mon+1 18:00")


def test_06_due_exactly_at_closing_time():
    assert due(business("PT8H"), OPENED) == "mon 18:00"
    assert clock(business("PT8H"), OPENED, stop("mon 18:00"))["result"] == "met"


@pytest.mark.parametrize(
    ("paused", "resumed", "expected"),
    [
        ("fri 19:00", "sun 10:00", "mon+1 10:00"),  # wholly outside hours: nothing
        ("fri 17:00", "fri 17:30", "mon+1 10:30"),  # wholly inside
        ("fri 17:00", "sat 10:00", "mon+1 11:00"),  # runs out of hours
        ("sat 10:00", "mon+1 09:30", "mon+1 10:30"),  # runs into hours
    ],
)
def test_07_a_pause_moves_the_due_instant_by_its_open_time_only(paused, resumed, expected):
    assert due(business("PT9H"), start("thu 18:00"), pause(paused), resume(resumed)) == expected


def test_08_a_retroactive_pause_recomputes_and_the_breach_is_gone():
    told = [OPENED]
    late = [OPENED, resume("mon 12:00"), pause("mon 09:30")]

    assert breach(clock(elapsed("PT1H"), *told, until="mon 12:10")) == ("mon 10:00", "due")
    assert breach(clock(elapsed("PT1H"), *late, until="mon 12:10")) is None
    assert breach(clock(elapsed("PT1H"), *late, until="mon 12:30")) == ("mon 12:30", "due")


def test_09_a_pause_after_the_breach_stops_the_overrun_and_does_not_take_the_breach_back():
    found = clock(elapsed("PT1H"), OPENED, pause("mon 12:00"), until="mon 15:00")

    assert (breach(found), found["elapsed_seconds"], found["paused_seconds"]) == (("mon 10:00", "due"), 10800, 10800)


def test_10_double_pauses_and_stray_resumes_are_idempotent():
    stray = [
        resume("mon 09:30"),
        pause("mon 10:00"),
        pause("mon 10:00"),
        resume("mon 11:00", "waiting"),
        resume("mon 11:30"),
    ]

    assert due(elapsed("PT4H"), OPENED, *stray) == "mon 14:00"


def test_11_a_relative_target_is_fixed_or_shifted_as_it_says():
    story = [OPENED, pause("mon 17:00"), resume("tue 09:00")]

    assert due(business_days(1, at="18:00"), *story) == "tue 18:00"
    assert due(business_days(1, at="18:00", under_pause="shift"), *story) == "wed 18:00"


def test_12_one_day_is_three_different_things():
    opened = start("fri 15:00")

    assert due(elapsed("PT24H"), opened) == "sat 15:00"
    assert due(business_days(1), opened) == "mon+1 18:00"
    assert due({"period": "P1D", "calendar": "office"}, opened) == "sun 00:00"


@pytest.mark.parametrize(
    ("opened", "expected"),
    [("2026-03-08T01:00:00Z", "2026-03-09T01:00:00Z"), ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")],
)
def test_13_twenty_four_hours_across_a_clock_change_are_twenty_four_hours(opened, expected):
    assert abroad("America/New_York", elapsed("PT24H"), opened)["due_at"] == expected


@pytest.mark.parametrize(
    ("opened", "hours"),
    [("2026-03-08T03:00:00Z", 7), ("2026-10-31T02:00:00Z", 8), ("2026-11-01T02:00:00Z", 9)],
    ids=["spring", "plain", "autumn"],
)
def test_14_an_overnight_window_is_as_long_as_the_night_really_was(opened, hours):
    weekly = {day: ["22:00-06:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    until = opened[:10] + "T12:00:00Z"
    found = abroad("America/New_York", {"business": "PT99H", "calendar": "c"}, opened, until=until, weekly=weekly)

    assert found["elapsed_seconds"] == hours * 3600


def test_14_window_bounds_in_a_gap_and_a_fold_follow_rfc_5545():
    weekly = {"sun": ["01:30-03:00"]}
    spring = abroad("Europe/London", {"business": "PT30M", "calendar": "c"}, "2026-03-28T12:00:00Z", weekly=weekly)
    autumn = abroad("Europe/London", {"business": "PT2H", "calendar": "c"}, "2026-10-24T12:00:00Z", weekly=weekly)

    assert spring["due_at"] == "2026-03-29T02:00:00Z"  # from 01:30Z, which is 02:30 by the new time
    assert autumn["due_at"] == "2026-10-25T02:30:00Z"  # from 00:30Z, the first 01:30, to 03:00Z


def test_15_a_past_instant_is_computed_with_the_offset_of_its_date():
    weekly = {"mon": ["09:00-17:00"]}
    summer = abroad("America/New_York", {"business": "PT8H", "calendar": "c"}, "2025-07-06T00:00:00Z", weekly=weekly)
    before_2007 = abroad(
        "America/New_York", {"business": "PT8H", "calendar": "c"}, "2006-03-19T12:00:00Z", weekly=weekly
    )

    assert (summer["due_at"], before_2007["due_at"]) == ("2025-07-07T21:00:00Z", "2006-03-20T22:00:00Z")


def test_16_zone_rules_that_change_move_what_is_due_after_the_change_and_nothing_before():
    """Almaty left UTC+6 for UTC+5 on 2024-03-01; Bishkek stayed, and so tells what the rules before it said."""
    opened, until = "2024-02-26T03:00:00Z", "2024-03-04T12:30:00Z"
    weekly = {day: ["09:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}

    def told(zone, days):
        target = {"business_days": days, "calendar": "c", "warn": ["50%"]}
        return abroad(zone, target, opened, until=until, weekly=weekly)

    assert told("Asia/Bishkek", 3) == told("Asia/Almaty", 3)
    assert told("Asia/Almaty", 3)["breached_at"] == "2024-02-29T12:00:00Z"
    assert [told(zone, 5)["due_at"] for zone in ("Asia/Bishkek", "Asia/Almaty")] == [
        "2024-03-04T12:00:00Z",
        "2024-03-04T13:00:00Z",  # 18:00 on the wall both times
    ]
    assert [told(zone, 5)["has_breached"] for zone in ("Asia/Bishkek", "Asia/Almaty")] == [True, False]


def test_17_a_due_instant_beyond_the_published_holidays_is_provisional():
    known = {**CHINA, "key": "office", "known_until": "2026-12-31"}

    assert clock(business_days(30), OPENED, calendars=[known], until="mon 09:00")["provisional"] is False
    assert clock(business_days(60), OPENED, calendars=[known], until="mon 09:00")["provisional"] is True


def test_18_a_make_up_saturday_has_the_hours_of_the_weekday_that_is_named():
    """2026-10-10 is worked instead of a day of the National Day holiday, with Wednesday's hours here."""
    body = {
        "policy": {"key": "p", "targets": {"t": {"business": "PT4H", "calendar": "cn"}}},
        "calendars": [CHINA],
        "events": [{"at": "2026-10-09T10:00:00Z", "type": "start"}],
        "until": "2026-10-09T10:00:00Z",
    }

    assert simulate(body)["clocks"][0]["due_at"] == "2026-10-10T06:00:00Z"


def test_19_a_calendar_without_open_time_is_refused_and_one_with_too_little_never_loops():
    never = {"key": "never", "zone": "UTC", "weekly": {"mon": []}}
    once = {"key": "once", "zone": "UTC", "exceptions": [{"date": "2026-11-03", "windows": ["09:00-17:00"]}]}
    promise = {"business": "PT9H", "calendar": "once"}

    with pytest.raises(InvalidDocument, match="no-open-time"):
        clock(elapsed("PT1H"), OPENED, calendars=[never])
    with pytest.raises(UnreachableTargetProblem):
        clock(promise, OPENED, calendars=[once])
    assert clock({**promise, "business": "PT8H"}, OPENED, calendars=[once])["due_at"] == "2026-11-03T17:00:00Z"


def test_20_events_at_one_instant_keep_their_recorded_order_and_a_start_comes_first():
    paused = [pause("mon 10:00"), resume("mon 10:00")]

    assert clock(elapsed("PT8H"), *paused, start("mon 10:00"), until="mon 11:00")["stage"] == "in_progress"
    assert clock(elapsed("PT8H"), *reversed(paused), start("mon 10:00"), until="mon 11:00")["stage"] == "paused"


def test_21_the_four_ways_to_reopen():
    story = [OPENED, stop("mon 10:00")]
    outcomes = {
        mode: [
            (one["result"], when(one["due_at"]))
            for one in cycles(elapsed("PT4H"), *story, reopen("mon 11:00", mode), until="mon 11:00")
        ]
        for mode in ("resume", "resume_including_closed", "new_cycle", "invalidate_previous")
    }

    assert outcomes == {
        "resume": [("open", "mon 14:00")],
        "resume_including_closed": [("open", "mon 13:00")],
        "new_cycle": [("met", "mon 13:00"), ("open", "mon 15:00")],
        "invalidate_previous": [("void", "mon 13:00"), ("open", "mon 15:00")],
    }


def test_22_each_reopening_as_a_new_cycle_is_counted():
    story = [OPENED]
    for hour in (10, 12, 14):
        story += [stop(f"mon {hour}:00"), reopen(f"mon {hour + 1}:00", "new_cycle")]

    assert [one["cycle"] for one in cycles(elapsed("PT4H"), *story)] == [1, 2, 3, 4]


def test_24_a_backdated_start_has_breached_and_warned_at_its_own_instants():
    found = clock(elapsed("PT4H", warn=["50%"]), OPENED, until="thu 09:00")

    assert (breach(found), warned(found)) == (("mon 13:00", "due"), [("50%", "mon 11:00")])


def test_26_the_calendar_belongs_to_the_promise_wherever_the_events_come_from():
    found = abroad(
        "Asia/Tokyo",
        {"business": "PT1H", "calendar": "c"},
        "2026-11-02T00:00:00+01:00",
        weekly={"mon": ["09:00-18:00"]},
    )

    assert found["due_at"] == "2026-11-02T01:00:00Z"


def test_27_thresholds_of_a_paused_clock_do_not_fire_and_of_several_jumped_only_the_highest_does():
    new = elapsed("PT4H", warn=["75%", "90%"])
    changed = retarget("mon 12:45", "retarget_from_start", new)

    assert warned(clock(elapsed("PT8H"), OPENED, changed, until="mon 12:59")) == [("90%", "mon 12:45")]
    assert warned(clock(elapsed("PT8H", warn=["50%"]), OPENED, pause("mon 12:00"), until="tue 09:00")) == []


def test_28_the_last_microsecond_is_no_breach():
    story = [OPENED, stop("mon 12:59:59.999999")]

    assert clock(elapsed("PT4H"), *story)["result"] == "met"
    assert clock(elapsed("PT4H"), *story)["elapsed_seconds"] == 14399.999999


def test_29_a_clock_looked_at_late_tells_the_same_instants():
    early = clock(elapsed("PT4H", warn=["50%"]), OPENED, until="mon 13:00")
    late = clock(elapsed("PT4H", warn=["50%"]), OPENED, until="fri 13:00")

    assert (early["due_at"], early["breached_at"], early["warnings"]) == (
        late["due_at"],
        late["breached_at"],
        late["warnings"],
    )


def test_a_cancelled_clock_is_neither_met_nor_missed():
    assert clock(elapsed("PT4H"), OPENED, cancel("tue 09:00"))["result"] == "cancelled"
