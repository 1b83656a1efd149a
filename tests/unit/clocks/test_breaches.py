"""Breach: when it comes, what averts it, and that it is never taken back."""

import pytest

from tests.unit.clocks.story import (
    LAW,
    breach,
    business,
    cancel,
    clock,
    cycles,
    elapsed,
    extend,
    pause,
    retarget,
    start,
    stop,
)

HOUR = elapsed("PT1H")


def test_a_clock_breaches_at_its_due_instant():
    found = clock(HOUR, start("mon 09:00"), until="mon 10:00")

    assert breach(found) == ("mon 10:00", "due")
    assert (found["stage"], found["result"]) == ("in_progress", "open")


def test_until_is_now_and_the_microsecond_before_is_no_breach():
    assert breach(clock(HOUR, start("mon 09:00"), until="mon 09:59:59.999999")) is None


def test_fulfilled_exactly_at_the_due_instant_is_met():
    found = clock(HOUR, start("mon 09:00"), stop("mon 10:00"))

    assert (breach(found), found["result"]) == (None, "met")


def test_fulfilled_a_microsecond_later_is_missed():
    found = clock(HOUR, start("mon 09:00"), stop("mon 10:00:00.000001"))

    assert (breach(found), found["result"]) == (("mon 10:00", "due"), "missed")


def test_cancelled_exactly_at_the_due_instant_does_not_breach():
    found = clock(HOUR, start("mon 09:00"), cancel("mon 10:00"))

    assert (breach(found), found["stage"], found["result"]) == (None, "cancelled", "cancelled")


def test_cancelled_after_a_breach_is_cancelled_and_has_breached():
    found = clock(HOUR, start("mon 09:00"), cancel("mon 11:00"))

    assert (breach(found), found["result"]) == (("mon 10:00", "due"), "cancelled")


@pytest.mark.parametrize(
    "averting",
    [
        retarget("mon 10:00", "retarget_from_start", elapsed("PT4H")),
        retarget("mon 10:00", "restart_now", elapsed("PT4H")),
        pause("mon 10:00"),
    ],
    ids=["retarget", "restart", "pause"],
)
def test_at_the_due_instant_the_breach_comes_before_every_other_event(averting):
    first, *_ = cycles(HOUR, start("mon 09:00"), averting, until="mon 10:00")

    assert breach(first) == ("mon 10:00", "due")


def test_an_extension_at_the_due_instant_does_not_avert_the_breach():
    found = clock(elapsed("PT1H", **LAW), start("mon 09:00"), extend("mon 10:00", by="P1D"))

    assert breach(found) == ("mon 10:00", "due")


def test_a_stop_at_the_due_instant_counts_even_when_it_was_recorded_after_other_events():
    found = clock(HOUR, start("mon 09:00"), pause("mon 10:00"), stop("mon 10:00"))

    assert (breach(found), found["result"]) == (None, "met")


def test_there_is_one_breach_per_cycle_and_later_events_do_not_take_it_back():
    found = clock(
        HOUR, start("mon 09:00"), retarget("mon 11:00", "retarget_from_start", elapsed("PT9H")), until="mon 12:00"
    )

    assert breach(found) == ("mon 10:00", "due")
    assert found["due_at"] == clock(elapsed("PT9H"), start("mon 09:00"), until="mon 12:00")["due_at"]


def test_a_breach_at_closing_time_is_averted_by_a_stop_at_closing_time():
    found = clock(business("PT3H"), start("mon 09:00"), stop("mon 12:00"))

    assert found["result"] == "met"


def test_a_second_start_is_ignored():
    assert clock(HOUR, start("mon 09:00"), start("mon 09:30")) == clock(HOUR, start("mon 09:00"))


def test_a_stop_before_the_start_or_after_the_end_is_ignored():
    plain = clock(HOUR, start("mon 09:00"), stop("mon 09:30"))

    assert clock(HOUR, stop("mon 08:00"), start("mon 09:00"), stop("mon 09:30"), cancel("mon 09:45")) == plain


def test_events_for_other_targets_do_not_concern_a_clock():
    mine = clock(HOUR, start("mon 09:00"), {**stop("mon 09:30"), "target": "t"})

    assert mine["result"] == "met"
