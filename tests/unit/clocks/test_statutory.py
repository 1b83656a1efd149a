"""Statutory clocks: nothing but an approved extension moves them."""

import pytest

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.story import (
    LAW,
    at,
    breach,
    business,
    business_days,
    cancel,
    clock,
    cycles,
    due,
    elapsed,
    extend,
    pause,
    period,
    reopen,
    resume,
    retarget,
    start,
    states,
    stop,
    when,
)

OPENED = start("mon 09:00")


@pytest.mark.parametrize("target", [elapsed("PT24H", **LAW), business("PT8H", **LAW), business_days(1, **LAW)])
def test_pauses_retargets_and_reopens_are_ignored(target):
    undisturbed = clock(target, OPENED, until="mon 17:00")
    noise = [
        pause("mon 10:00"),
        resume("mon 11:00"),
        pause("mon 12:00"),
        retarget("mon 12:30", "restart_now", elapsed("PT1H")),
        retarget("mon 12:40", "tighten_only", elapsed("PT1H")),
        reopen("mon 13:00", "new_cycle"),
    ]

    assert clock(target, OPENED, *noise, until="mon 17:00") == undisturbed
    assert undisturbed["stage"] == "in_progress"


def test_a_stopped_statutory_clock_cannot_be_reopened():
    story = [OPENED, stop("mon 10:00")]

    assert cycles(elapsed("PT24H", **LAW), *story, reopen("mon 11:00", "resume")) == cycles(
        elapsed("PT24H", **LAW), *story
    )


def test_its_segments_show_no_pause():
    found = clock(elapsed("PT24H", **LAW), OPENED, pause("mon 10:00"), until="mon 12:00")

    assert states(found) == [("counted", "mon 09:00", "mon 12:00")]
    assert found["paused_seconds"] == 0


def test_it_can_be_stopped_and_cancelled():
    assert clock(elapsed("PT24H", **LAW), OPENED, stop("mon 10:00"))["result"] == "met"
    assert clock(elapsed("PT24H", **LAW), OPENED, cancel("mon 10:00"))["result"] == "cancelled"


def test_an_extension_adds_its_period_to_the_wall_time_of_the_due_instant():
    assert due(business_days(1, **LAW), OPENED, extend("mon 10:00", by="P2D")) == "thu 18:00"
    assert due(period("P1D", **LAW), OPENED, extend("mon 10:00", by="P1M")) == "fri+4 00:00"


def test_an_extension_is_not_rolled_again():
    target = period("P4D", roll="forward", until="same_time", **LAW)

    assert due(target, OPENED, extend("mon 10:00", by="P1D")) == "sat 09:00"


def test_several_extensions_add_up():
    assert (
        due(elapsed("PT24H", **LAW), OPENED, extend("mon 10:00", by="P1D"), extend("mon 11:00", by="P1W"))
        == "wed+1 09:00"
    )


def test_an_extension_until_an_instant_replaces_the_due_instant_if_it_is_later():
    assert (
        due(elapsed("PT24H", **LAW), OPENED, extend("mon 10:00", until=at("fri 12:34:56.5"))) == "fri 12:34:56.500000"
    )
    assert due(elapsed("PT24H", **LAW), OPENED, extend("mon 10:00", until=at("tue 09:00"))) == "tue 09:00"
    assert due(elapsed("PT24H", **LAW), OPENED, extend("mon 10:00", until=at("mon 12:00"))) == "tue 09:00"


def test_after_a_breach_an_extension_moves_the_due_instant_and_the_breach_stays():
    found = clock(elapsed("PT1H", **LAW), OPENED, extend("mon 11:00", by="P1D"), stop("mon 12:00"))

    assert (when(found["due_at"]), breach(found), found["result"]) == ("tue 10:00", ("mon 10:00", "due"), "missed")


def test_an_extended_clock_breaches_at_its_new_due_instant():
    found = clock(elapsed("PT1H", **LAW), OPENED, extend("mon 09:30", by="P1D"))

    assert breach(found) == ("tue 10:00", "due")


def test_only_a_statutory_clock_in_progress_is_extended():
    assert due(elapsed("PT24H"), OPENED, extend("mon 10:00", by="P1D")) == "tue 09:00"
    assert due(elapsed("PT24H", **LAW), OPENED, stop("mon 10:00"), extend("mon 11:00", by="P1D")) == "tue 09:00"


def london(target, *events):
    calendar = {"key": "london", "zone": "Europe/London", "weekly": {"mon": ["09:00-17:00"], "fri": ["09:00-17:00"]}}
    answer = simulate(
        {
            "policy": {"key": "p", "targets": {"t": {**target, **LAW}}},
            "calendars": [calendar],
            "events": [{"at": "2026-03-27T12:00:00Z", "type": "start"}, *events],
            "until": "2026-03-27T13:00:00Z",
        }
    )
    return answer["clocks"][0]["due_at"]


def test_an_extension_keeps_the_wall_time_of_the_calendars_zone_across_a_clock_change():
    extension = {"at": "2026-03-27T12:30:00Z", "type": "extend", "by": "P3D"}

    assert london({"business": "PT1H", "calendar": "london"}, extension) == "2026-03-30T12:00:00Z"
    assert london({"elapsed": "PT1H"}, extension) == "2026-03-30T13:00:00Z"
