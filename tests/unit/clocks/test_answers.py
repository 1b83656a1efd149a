"""The answer's shape: sums, segments, provisional due instants, order, and how instants are written."""

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.story import (
    OFFICE,
    at,
    business,
    business_days,
    clock,
    cycles,
    elapsed,
    pause,
    period,
    reopen,
    request,
    resume,
    retarget,
    start,
    states,
    stop,
)

FIELDS = [
    *(
        "target",
        "cycle",
        "stage",
        "result",
        "has_breached",
        "breach_cause",
        "started_at",
        "due_at",
        "due_if_resumed_now",
    ),
    *("provisional", "breached_at", "stopped_at", "warnings", "elapsed_seconds", "paused_seconds", "closed_seconds"),
    "segments",
]


def test_a_clock_has_exactly_the_promised_fields():
    found = clock(business("PT4H"), start("mon 09:00"), until="mon 10:00")

    assert list(found) == FIELDS
    assert list(found["segments"][0]) == ["from", "to", "state", "reason", "seconds"]


def test_the_three_sums_add_up_to_the_real_time():
    story = [start("fri 17:00"), pause("fri 17:30"), resume("mon+1 10:00"), stop("mon+1 14:00")]
    found = clock(business("PT8H"), *story)

    assert (found["elapsed_seconds"], found["paused_seconds"], found["closed_seconds"]) == (12600, 5400, 230400)
    assert sum(segment["seconds"] for segment in found["segments"]) == 69 * 3600


def test_a_pause_outside_hours_is_closed_for_business_time_and_paused_for_the_others():
    story = [start("mon 17:00"), pause("mon 19:00"), resume("mon 20:00")]

    assert states(clock(business("PT8H"), *story, until="mon 21:00"))[-1] == ("closed", "mon 18:00", "mon 21:00")
    assert ("paused", "mon 19:00", "mon 20:00") in states(clock(business_days(2), *story, until="mon 21:00"))


def test_segments_name_why_a_calendar_was_closed():
    office = {
        **OFFICE,
        "zone": "Asia/Shanghai",
        "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "mon"},
        "exceptions": [{"date": "2026-10-09", "windows": [], "note": "moving office"}],
    }
    answer = simulate(
        {
            "policy": {"key": "p", "targets": {"t": {"business": "PT40H", "calendar": "office"}}},
            "calendars": [office],
            "events": [{"at": "2026-09-30T09:00:00Z", "type": "start"}],
            "until": "2026-10-10T02:00:00Z",
        }
    )
    found = [(one["from"][5:13], one["state"], one["reason"]) for one in answer["clocks"][0]["segments"]]

    assert found == [
        ("09-30T09", "counted", "running"),
        ("09-30T10", "closed", "outside hours"),
        ("09-30T16", "closed", "holiday: National Day"),
        ("10-03T16", "closed", "weekend"),
        ("10-04T16", "closed", "holiday: National Day (observed)"),
        ("10-05T16", "closed", "holiday: Day off (substituted from 09/20/2026)"),
        ("10-06T16", "closed", "holiday: Day off (substituted from 10/10/2026)"),
        ("10-07T16", "closed", "outside hours"),
        ("10-08T01", "counted", "running"),
        ("10-08T04", "closed", "outside hours"),
        ("10-08T05", "counted", "running"),
        ("10-08T10", "closed", "outside hours"),
        ("10-08T16", "closed", "exception: moving office"),
        ("10-09T16", "closed", "outside hours"),
        ("10-10T01", "counted", "running"),
    ]


def test_paused_segments_name_every_reason():
    story = [
        start("mon 09:00"),
        pause("mon 10:00", "customer"),
        pause("mon 11:00", "supplier"),
        resume("mon 12:00", "customer"),
    ]
    found = clock(elapsed("PT8H"), *story, until="mon 13:00")

    assert [segment["reason"] for segment in found["segments"]] == [
        "running",
        "customer",
        "customer, supplier",
        "supplier",
    ]


def test_segments_are_seen_with_the_line_that_gives_the_due_instant():
    """The business line is tighter than the two days, so nights are closed."""
    story = [start("mon 17:00"), retarget("mon 17:30", "tighten_only", business("PT2H"))]

    assert states(clock(business_days(2), *story, until="mon 20:00"))[-1] == ("closed", "mon 18:00", "mon 20:00")
    assert states(clock(business_days(2), *story[:1], until="mon 20:00")) == [("counted", "mon 17:00", "mon 20:00")]


def test_a_clock_at_its_very_start_has_no_segments():
    found = clock(elapsed("PT8H"), start("mon 09:00"), until="mon 09:00")

    assert (found["segments"], found["elapsed_seconds"]) == ([], 0)


def provisional(target, *events, known_until="2026-11-03", until="mon 09:00"):
    return clock(target, start("mon 09:00"), *events, calendars=[{**OFFICE, "known_until": known_until}], until=until)[
        "provisional"
    ]


def test_a_calendar_known_to_the_last_date_there_is_makes_nothing_provisional():
    assert provisional(business_days(5), known_until="9999-12-31") is False
    assert provisional(business_days(5), known_until="9999-12-30") is False


def test_a_due_instant_after_the_known_dates_is_provisional():
    assert provisional(business("PT17H")) is True
    assert provisional(business_days(2)) is True


def test_a_due_instant_up_to_the_last_midnight_of_the_known_dates_is_not():
    assert provisional(business("PT16H")) is False
    assert provisional(period("P1D")) is False


def test_elapsed_time_is_never_provisional():
    assert provisional(elapsed("PT100H", calendar="office")) is False


def test_while_paused_the_due_instant_as_if_resumed_now_decides():
    assert provisional(business("PT16H"), pause("mon 10:00"), until="mon 10:00") is False
    assert provisional(business("PT16H"), pause("mon 10:00"), until="mon 10:01") is True


def test_without_known_until_nothing_is_provisional():
    assert clock(business_days(300), start("mon 09:00"), until="mon 09:00")["provisional"] is False


def test_clocks_come_in_the_order_of_the_policy_then_of_cycles():
    asked = request(elapsed("PT8H"), start("mon 09:00"), stop("mon 10:00"), reopen("mon 11:00"), until="mon 12:00")
    asked["policy"]["targets"] = {"z": elapsed("PT8H"), "a": elapsed("PT8H")}

    assert [(one["target"], one["cycle"]) for one in simulate(asked)["clocks"]] == [
        ("z", 1),
        ("z", 2),
        ("a", 1),
        ("a", 2),
    ]


def test_instants_are_written_in_utc_with_trailing_zeros_dropped():
    asked = request(elapsed("PT1H0.25S"), until="mon 09:00:01")
    asked["events"] = [{"type": "start", "at": "2026-11-02T09:00:00.500000+08:00"}]
    (found,) = simulate(asked)["clocks"]

    assert (found["started_at"], found["due_at"]) == ("2026-11-02T01:00:00.5Z", "2026-11-02T02:00:00.75Z")


def test_events_after_until_are_ignored():
    story = [start("mon 09:00"), stop("mon 10:00")]

    assert clock(elapsed("PT8H"), *story, until="mon 09:59") == clock(elapsed("PT8H"), story[0], until="mon 09:59")
    assert clock(elapsed("PT8H"), *story, until="mon 10:00")["stage"] == "completed"


def test_the_built_in_calendar_is_always_open_in_utc():
    found = clock({"business": "PT24H", "calendar": "always"}, start("sat 10:00"), calendars=(), until="sat 10:00")

    assert found["due_at"] == at("sun 10:00")


def test_a_cancelled_or_restarted_cycle_ends_there():
    first, _ = cycles(
        elapsed("PT8H"), start("mon 09:00"), retarget("mon 11:00", "restart_now", elapsed("PT1H")), until="tue 09:00"
    )

    assert states(first) == [("counted", "mon 09:00", "mon 11:00")]
