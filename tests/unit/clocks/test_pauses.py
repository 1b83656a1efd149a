"""Pauses: what stands still, for how long, and what moves with it."""

import pytest

from tests.unit.clocks.story import (
    breach,
    business,
    business_days,
    cancel,
    clock,
    cycles,
    due,
    elapsed,
    pause,
    period,
    reopen,
    resume,
    start,
    states,
    stop,
    when,
)


def test_elapsed_and_business_time_move_with_pauses():
    assert due(elapsed("PT4H"), start("mon 09:00"), pause("mon 10:00"), resume("mon 11:30")) == "mon 14:30"
    assert due(business("PT4H"), start("mon 09:00"), pause("mon 10:00"), resume("mon 11:30")) == "mon 15:30"


def test_only_the_open_part_of_a_pause_moves_business_time():
    undisturbed = due(business("PT8H"), start("fri 15:00"))

    assert due(business("PT8H"), start("fri 15:00"), pause("fri 19:00"), resume("mon+1 08:00")) == undisturbed
    assert due(business("PT8H"), start("fri 15:00"), pause("fri 17:00"), resume("mon+1 10:00")) == "mon+1 17:00"


@pytest.mark.parametrize("target", [business_days(1), period("P1D")])
def test_day_kinds_do_not_move_with_a_pause(target):
    undisturbed = due(target, start("mon 10:00"))

    assert due(target, start("mon 10:00"), pause("mon 11:00"), resume("wed 12:00")) == undisturbed


def test_shifted_day_kinds_are_computed_from_the_start_plus_the_paused_time():
    shifting = business_days(1, under_pause="shift")

    assert due(shifting, start("mon 10:00"), pause("mon 11:00"), resume("tue 00:30")) == "tue 18:00"
    assert due(shifting, start("mon 10:00"), pause("mon 11:00"), resume("tue 01:00")) == "wed 18:00"
    assert (
        due(
            period("P1D", under_pause="shift", until="same_time"),
            start("mon 10:00"),
            pause("mon 11:00"),
            resume("tue 12:30"),
        )
        == "wed 11:30"
    )


def test_the_clock_runs_only_when_every_reason_is_gone():
    found = due(
        elapsed("PT4H"),
        start("mon 09:00"),
        pause("mon 10:00", "customer"),
        pause("mon 11:00", "supplier"),
        resume("mon 12:00", "customer"),
        resume("mon 13:00", "supplier"),
    )

    assert found == "mon 16:00"


def test_a_second_pause_for_the_same_reason_changes_nothing():
    assert (
        due(elapsed("PT4H"), start("mon 09:00"), pause("mon 10:00"), pause("mon 11:00"), resume("mon 12:00"))
        == "mon 15:00"
    )


def test_an_unknown_resume_is_ignored():
    found = clock(
        elapsed("PT9H"), start("mon 09:00"), pause("mon 10:00"), resume("mon 11:00", "other"), until="mon 12:00"
    )

    assert found["stage"] == "paused"
    assert due(elapsed("PT4H"), start("mon 09:00"), resume("mon 10:00")) == "mon 13:00"


def test_a_resume_without_a_reason_empties_the_set():
    found = due(
        elapsed("PT4H"), start("mon 09:00"), pause("mon 10:00", "a"), pause("mon 10:30", "b"), resume("mon 11:00")
    )

    assert found == "mon 14:00"


def test_a_clock_started_while_its_target_is_paused_begins_paused():
    found = clock(elapsed("PT4H"), pause("mon 08:00"), start("mon 09:00"), resume("mon 11:00"), until="mon 12:00")

    assert when(found["due_at"]) == "mon 15:00"
    assert states(found) == [("paused", "mon 09:00", "mon 11:00"), ("counted", "mon 11:00", "mon 12:00")]


def test_at_one_instant_the_start_comes_first():
    found = clock(elapsed("PT4H"), stop("mon 09:00"), start("mon 09:00"))

    assert (found["stage"], found["result"]) == ("completed", "met")


def test_the_set_of_reasons_changes_after_a_stop_and_lives_on_in_the_next_cycle():
    _, second = cycles(
        elapsed("PT4H"),
        start("mon 09:00"),
        stop("mon 10:00"),
        pause("mon 11:00"),
        reopen("mon 12:00", "new_cycle"),
        until="mon 13:00",
    )

    assert (second["stage"], second["due_at"], when(second["due_if_resumed_now"])) == ("paused", None, "mon 17:00")


def test_while_paused_the_due_instant_is_unknown_but_shown_as_if_resumed_now():
    found = clock(business("PT4H"), start("mon 09:00"), pause("mon 10:00"), until="mon 15:00")

    assert found["stage"] == "paused"
    assert found["due_at"] is None
    assert when(found["due_if_resumed_now"]) == "mon 18:00"


def test_while_paused_a_fixed_day_kind_keeps_its_due_instant_and_breaches():
    found = clock(business_days(1), start("mon 10:00"), pause("mon 11:00"), until="wed 09:00")

    assert when(found["due_at"]) == when(found["due_if_resumed_now"]) == "tue 18:00"
    assert breach(found) == ("tue 18:00", "due")
    assert found["stage"] == "paused"


def test_a_paused_clock_does_not_breach():
    assert breach(clock(elapsed("PT1H"), start("mon 09:00"), pause("mon 09:30"))) is None


def test_a_pause_at_the_due_instant_does_not_move_it():
    found = clock(elapsed("PT1H"), start("mon 09:00"), pause("mon 10:00"), until="mon 12:00")

    assert breach(found) == ("mon 10:00", "due")
    assert when(found["due_at"]) == "mon 10:00"


def test_a_pause_after_the_breach_does_not_move_the_due_instant():
    for target in (elapsed("PT1H"), business("PT1H"), period("P1D", under_pause="shift", until="same_time")):
        found = clock(target, start("mon 09:00"), pause("wed 10:00"), resume("wed 11:00"), until="thu 12:00")
        assert breach(found) == (when(found["due_at"]), "due")
        paused = clock(target, start("mon 09:00"), pause("wed 10:00"), until="thu 12:00")
        assert paused["due_at"] == paused["due_if_resumed_now"] == found["due_at"]


def test_a_shifting_line_does_not_breach_while_paused_but_at_the_resume():
    """Shifted by the pause it stays due on Tuesday 18:00, which has passed when the pause ends."""
    shifting = business_days(1, under_pause="shift")
    while_paused = clock(shifting, start("mon 01:00"), pause("tue 17:00"), until="tue 20:00")
    resumed = clock(shifting, start("mon 01:00"), pause("tue 17:00"), resume("tue 20:00"), until="tue 20:00")

    assert (breach(while_paused), while_paused["due_at"]) == (None, None)
    assert when(while_paused["due_if_resumed_now"]) == "tue 18:00"
    assert breach(resumed) == ("tue 20:00", "due")


def test_a_pause_recorded_late_with_an_earlier_time_is_sorted_in():
    on_time = [start("mon 09:00"), pause("mon 09:30"), resume("mon 12:00")]
    late = [start("mon 09:00"), resume("mon 12:00"), pause("mon 09:30")]

    assert clock(elapsed("PT1H"), *late) == clock(elapsed("PT1H"), *on_time)
    assert breach(clock(elapsed("PT1H"), start("mon 09:00"), until="mon 12:00")) == ("mon 10:00", "due")


def test_pauses_after_the_end_leave_the_clock_alone():
    ended = clock(elapsed("PT4H"), start("mon 09:00"), cancel("mon 10:00"))

    assert (
        clock(elapsed("PT4H"), start("mon 09:00"), cancel("mon 10:00"), pause("mon 11:00"), resume("mon 12:00"))
        == ended
    )


def test_an_ended_clock_is_due_as_if_resumed_at_its_end():
    found = clock(elapsed("PT4H"), start("mon 09:00"), pause("mon 10:00"), stop("mon 12:00"), until="wed 09:00")

    assert when(found["due_at"]) == when(found["due_if_resumed_now"]) == "mon 15:00"
    assert found["result"] == "met"
