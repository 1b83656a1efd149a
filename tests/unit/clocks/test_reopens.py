"""Reopening: the four modes."""

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

STORY = [start("mon 09:00"), stop("mon 10:00")]


def test_resume_counts_the_time_since_the_stop_as_paused():
    found = clock(elapsed("PT4H"), *STORY, reopen("mon 12:00", "resume"), until="mon 13:00")

    assert (found["cycle"], found["stage"], found["result"], found["stopped_at"]) == (1, "in_progress", "open", None)
    assert when(found["due_at"]) == "mon 15:00"
    assert states(found) == [
        ("counted", "mon 09:00", "mon 10:00"),
        ("stopped", "mon 10:00", "mon 12:00"),
        ("counted", "mon 12:00", "mon 13:00"),
    ]
    assert found["paused_seconds"] == 7200


def test_resume_leaves_a_fixed_date_where_it_is_and_breaches_at_the_reopen_if_it_has_passed():
    found = clock(business_days(1), *STORY, reopen("wed 12:00", "resume"), until="wed 12:00")

    assert (when(found["due_at"]), breach(found)) == ("tue 18:00", ("wed 12:00", "reopen"))


def test_resume_moves_a_shifting_date():
    shifting = period("P1D", until="same_time", under_pause="shift")

    assert due(shifting, *STORY, reopen("wed 12:00", "resume")) == "thu 11:00"


def test_resume_after_a_stop_at_the_due_instant_breaches_at_the_reopen():
    found = clock(elapsed("PT1H"), *STORY, reopen("mon 12:00", "resume"), until="mon 12:00")

    assert (when(found["due_at"]), breach(found)) == ("mon 10:00", ("mon 12:00", "reopen"))


def test_including_closed_goes_on_as_if_it_had_never_stopped():
    found = clock(elapsed("PT4H"), *STORY, reopen("mon 12:00", "resume_including_closed"), until="mon 12:30")

    assert when(found["due_at"]) == "mon 13:00"
    assert states(found) == [("counted", "mon 09:00", "mon 12:30")]


def test_including_closed_counts_the_pauses_recorded_meanwhile():
    meanwhile = [pause("mon 10:30"), resume("mon 11:30")]

    assert due(elapsed("PT4H"), *STORY, *meanwhile, reopen("mon 12:00", "resume_including_closed")) == "mon 14:00"


def test_including_closed_past_the_due_instant_breaches_at_the_reopen():
    found = clock(elapsed("PT2H"), *STORY, reopen("mon 12:00", "resume_including_closed"), until="mon 12:00")

    assert (when(found["due_at"]), breach(found)) == ("mon 11:00", ("mon 12:00", "reopen"))


def test_a_new_cycle_is_whole_and_the_old_result_stays():
    first, second = cycles(elapsed("PT4H"), *STORY, reopen("mon 12:00", "new_cycle"), until="mon 13:00")

    assert (first["result"], second["result"]) == ("met", "open")
    assert (second["cycle"], when(second["started_at"]), when(second["due_at"])) == (2, "mon 12:00", "mon 16:00")


def test_invalidate_previous_voids_the_old_result():
    first, second = cycles(elapsed("PT4H"), *STORY, reopen("mon 12:00", "invalidate_previous"), until="mon 13:00")

    assert (first["stage"], first["result"], second["result"]) == ("completed", "void", "open")


@pytest.mark.parametrize(("default", "count"), [("resume", 1), ("new_cycle", 2), (None, 2)])
def test_a_reopen_that_names_no_mode_takes_the_policys(default, count):
    assert len(cycles(elapsed("PT4H"), *STORY, reopen("mon 12:00"), reopen_mode=default)) == count


def test_only_a_stopped_clock_can_be_reopened():
    cancelled = [start("mon 09:00"), cancel("mon 10:00")]

    for story in ([start("mon 09:00")], cancelled):
        assert cycles(elapsed("PT4H"), *story, reopen("mon 12:00", "new_cycle")) == cycles(elapsed("PT4H"), *story)


def test_a_breach_stays_when_the_cycle_is_resumed():
    story = [start("mon 09:00"), stop("mon 11:00"), reopen("mon 12:00", "resume"), stop("mon 12:30")]
    found = clock(elapsed("PT1H"), *story)

    assert (found["result"], breach(found)) == ("missed", ("mon 10:00", "due"))


def test_a_clock_reopened_while_its_target_is_paused_is_paused():
    found = clock(elapsed("PT4H"), *STORY, pause("mon 11:00"), reopen("mon 12:00", "resume"), until="mon 13:00")

    assert (found["stage"], found["due_at"], when(found["due_if_resumed_now"])) == ("paused", None, "mon 16:00")
    assert states(found) == [
        ("counted", "mon 09:00", "mon 10:00"),
        ("stopped", "mon 10:00", "mon 12:00"),
        ("paused", "mon 12:00", "mon 13:00"),
    ]


def test_for_business_time_closed_beats_stopped_beats_paused():
    story = [start("mon 11:00"), pause("mon 11:30"), stop("mon 12:30"), reopen("mon 14:00", "resume")]
    found = clock(business("PT8H"), *story, until="mon 15:00")

    assert states(found) == [
        ("counted", "mon 11:00", "mon 11:30"),
        ("paused", "mon 11:30", "mon 12:00"),
        ("closed", "mon 12:00", "mon 13:00"),
        ("stopped", "mon 13:00", "mon 14:00"),
        ("paused", "mon 14:00", "mon 15:00"),
    ]
    assert (found["elapsed_seconds"], found["paused_seconds"], found["closed_seconds"]) == (1800, 9000, 3600)


def test_a_cycle_may_be_stopped_and_resumed_again_and_again():
    story = [*STORY, reopen("mon 11:00", "resume"), stop("mon 12:00"), reopen("mon 13:00", "resume")]

    assert due(elapsed("PT4H"), *story) == "mon 15:00"


def test_a_pause_that_ends_at_the_stop_and_the_stop_are_one_halt():
    """As if resumed at the stop it would be due before it, but it was not resumed before the reopen."""
    story = [
        start("mon 09:00"),
        pause("tue 17:00"),
        stop("tue 20:00"),
        resume("tue 20:00"),
        reopen("wed 12:00", "resume"),
    ]
    found = clock(business_days(1, under_pause="shift"), *story, until="wed 13:00")

    assert (when(found["due_at"]), breach(found)) == ("wed 18:00", None)


def test_a_pause_recorded_after_the_reopen_of_its_instant_is_no_longer_part_of_the_stop():
    """The reopen found the clock due, and breached; what begins then moves nothing."""
    target = period("P1D", roll="backward", under_pause="shift")
    story = [start("fri 09:00"), stop("fri 23:00"), reopen("sun 08:00", "resume"), pause("sun 08:00")]
    found = clock(target, *story, until="mon+1 12:00")

    assert (breach(found), found["stage"], when(found["due_at"])) == (("sun 08:00", "reopen"), "paused", "sat 00:00")


def test_a_resume_recorded_before_the_stop_of_its_instant_ended_the_pause():
    """Resumed at its due instant and stopped there it is met; the stop begins too late to move that instant."""
    target = business_days(1, at="20:00", under_pause="shift")
    story = [start("mon 09:00"), pause("tue 08:00"), resume("wed 20:00"), stop("wed 20:00")]
    met = clock(target, *story)
    found = clock(target, *story, reopen("fri 12:00", "resume"), until="fri 13:00")

    assert (met["result"], when(met["due_at"])) == ("met", "wed 20:00")
    assert (breach(found), when(found["due_at"])) == (("fri 12:00", "reopen"), "wed 20:00")
