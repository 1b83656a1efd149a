"""Published time limits and how their days are counted, one test per case of the project's survey."""

import pytest

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.story import LAW, breach, clock, elapsed, event, extend, pause, start, stop, when

UK = {
    "key": "uk",
    "zone": "Europe/London",
    "weekly": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": {"country": "GB", "subdivision": "ENG"},
}
CHINA = {
    "key": "cn",
    "zone": "Asia/Shanghai",
    "weekly": UK["weekly"],
    "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "mon"},
}


def due(target, opened, *events):
    body = {
        "policy": {"key": "p", "targets": {"t": {**target, **LAW}}},
        "calendars": [UK, CHINA],
        "events": [{"at": opened, "type": "start"}, *events],
        "until": opened,
    }
    return simulate(body)["clocks"][0]["due_at"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("date", "2026-03-11T17:00:00Z"), ("next_open", "2026-03-12T17:00:00Z")],
)
def test_1_the_third_business_day_after_a_receipt_on_saturday_depends_on_the_regimes_day_zero(rule, expected):
    assert due({"business_days": 3, "calendar": "uk", "day_zero": rule}, "2026-03-07T11:00:00Z") == expected


def test_1_easter_does_not_count():
    assert due({"business_days": 3, "calendar": "uk"}, "2026-04-01T11:00:00Z") == "2026-04-08T16:00:00Z"


def test_2_eight_weeks_are_56_calendar_days_and_months_are_clipped():
    assert due({"period": "P8W", "calendar": "uk"}, "2026-01-05T11:00:00Z") == due(
        {"period": "P56D", "calendar": "uk"}, "2026-01-05T11:00:00Z"
    )
    assert due({"period": "P1M", "calendar": "uk"}, "2026-01-31T11:00:00Z") == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("roll", "expected"),
    [("none", "2026-10-05T16:00:00Z"), ("forward", "2026-10-08T16:00:00Z"), ("backward", "2026-09-30T16:00:00Z")],
)
def test_3_a_last_day_on_a_holiday_rolls_or_does_not(roll, expected):
    """15 days from 2026-09-20 end on 2026-10-05, in the National Day holiday (1 to 7 October)."""
    assert due({"period": "P15D", "calendar": "cn", "roll": roll}, "2026-09-20T02:00:00Z") == expected


def test_4_a_post_that_is_a_complaint_runs_two_clocks_at_once():
    body = {
        "policy": {
            "key": "p",
            "targets": {"opinion": elapsed("PT24H", **LAW), "complaint": {"period": "P30D", "calendar": "uk", **LAW}},
        },
        "calendars": [UK],
        "events": [{"at": "2026-03-02T10:00:00Z", "type": "start"}],
        "until": "2026-03-02T10:00:00Z",
    }

    assert [(one["target"], one["due_at"]) for one in simulate(body)["clocks"]] == [
        ("opinion", "2026-03-03T10:00:00Z"),
        ("complaint", "2026-04-01T23:00:00Z"),
    ]


def test_5_waiting_for_the_customer_pauses_the_contract_and_not_the_law():
    body = {
        "policy": {
            "key": "p",
            "targets": {"contract": elapsed("PT8H"), "statute": {"period": "P8W", "calendar": "uk", **LAW}},
        },
        "calendars": [UK],
        "events": [
            {"at": "2026-01-05T10:00:00Z", "type": "start"},
            {"at": "2026-01-05T11:00:00Z", "type": "pause", "reason": "waiting for the customer"},
        ],
        "until": "2026-01-06T11:00:00Z",
    }
    contract, statute = simulate(body)["clocks"]

    assert (contract["stage"], contract["due_at"]) == ("paused", None)
    assert (statute["stage"], statute["due_at"]) == ("in_progress", "2026-03-03T00:00:00Z")


def test_6_an_extension_approved_before_the_limit_moves_it_by_thirty_days():
    extension = {"at": "2026-06-10T02:00:00Z", "type": "extend", "by": "P30D"}
    body = ({"period": "P30D", "calendar": "cn"}, "2026-06-01T02:00:00Z")

    assert (due(*body), due(*body, {**extension, "at": body[1]})) == ("2026-07-01T16:00:00Z", "2026-07-31T16:00:00Z")


def test_7_an_acknowledgement_given_earlier_counts_from_when_it_was_given():
    late_entry = [start("mon 09:00"), event("pause", "mon 12:00", reason="x"), stop("mon 09:10")]
    found = clock(elapsed("PT15M"), *late_entry)

    assert (found["result"], when(found["stopped_at"])) == ("met", "mon 09:10")


def test_8_a_query_found_to_be_a_complaint_has_breached_where_it_should_have():
    found = clock(elapsed("PT24H", **LAW), start("mon 09:00"), pause("tue 08:00"), extend("fri 09:00", by="P1W"))

    assert breach(found) == ("tue 09:00", "due")
