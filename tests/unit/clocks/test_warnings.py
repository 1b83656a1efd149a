"""Warnings: which thresholds fire, when, and which never do."""

from tests.unit.clocks.story import (
    LAW,
    breach,
    business,
    business_days,
    cancel,
    clock,
    cycles,
    elapsed,
    extend,
    pause,
    period,
    reopen,
    resume,
    retarget,
    start,
    stop,
    warned,
)

OPENED = start("mon 09:00")


def fired(target, *events, **more):
    return warned(clock(target, OPENED, *events, **more))


def test_a_share_fires_when_the_clock_has_used_it():
    assert fired(elapsed("PT8H", warn=["50%", "90%"])) == [("50%", "mon 13:00"), ("90%", "mon 16:12")]


def test_a_share_of_business_time_counts_open_time_and_may_fall_on_closing_time():
    assert fired(business("PT6H", warn=["50%", "75%"])) == [("50%", "mon 12:00"), ("75%", "mon 14:30")]


def test_a_share_counts_running_time_only():
    found = fired(elapsed("PT4H", warn=["50%"]), pause("mon 10:00"), resume("mon 12:00"))

    assert found == [("50%", "mon 13:00")]


def test_a_share_is_rounded_up_to_a_microsecond():
    assert fired(elapsed("PT0.000002S", warn=["1%"]), until="mon 10:00") == [("1%", "mon 09:00:00.000001")]
    assert fired(elapsed("PT1S", warn=["33.33333%"]), until="mon 10:00") == [("33.33333%", "mon 09:00:00.333334")]


def test_a_share_rounded_up_to_the_due_instant_comes_after_the_breach_and_does_not_fire():
    assert fired(elapsed("PT0.000003S", warn=["90%", "100%"]), until="mon 10:00") == [("100%", "mon 09:00:00.000003")]


def test_a_share_of_a_day_kind_is_of_the_real_time_between_start_and_due():
    assert fired(business_days(1, warn=["50%"])) == [("50%", "tue 01:30")]
    assert fired(period("P1D", until="same_time", warn=["25%"])) == [("25%", "mon 15:00")]


def test_a_lead_time_is_real_time_before_the_due_instant():
    assert fired(business("PT8H", warn_before=["PT2H"]), until="mon 18:00") == [("PT2H", "mon 16:00")]
    assert fired(business("PT9H", warn_before=["PT2H"]), until="tue 18:00") == [("PT2H", "tue 08:00")]


def test_a_lead_time_longer_than_the_whole_is_skipped_and_one_as_long_fires_at_the_start():
    assert fired(elapsed("PT2H", warn_before=["PT2H0M1S"])) == []
    assert fired(elapsed("PT2H", warn_before=["PT2H"])) == [("PT2H", "mon 09:00")]


def test_a_lead_time_skipped_before_a_pause_may_fit_after_it():
    """Due at 11:00 it is longer than the clock; due at 14:00 it would have come at 11:00, so it fires at the resume."""
    found = fired(elapsed("PT2H", warn_before=["PT3H"]), pause("mon 10:00"), resume("mon 13:00"), until="mon 13:30")

    assert found == [("PT3H", "mon 13:00")]


def test_nothing_fires_while_paused_but_at_the_resume():
    """Half of the time to a fixed date passes during the pause."""
    story = [pause("mon 20:00"), resume("tue 08:00")]

    assert fired(business_days(1, warn=["50%"]), story[0]) == []
    assert fired(business_days(1, warn=["50%"]), *story) == [("50%", "tue 08:00")]


def test_of_several_thresholds_passed_during_a_pause_only_the_latest_fires():
    target = business_days(1, warn=["25%", "50%"], warn_before=["PT16H"])
    found = fired(target, pause("mon 10:00"), resume("tue 08:00"))

    assert found == [("PT16H", "tue 08:00")]


def test_a_threshold_due_at_the_instant_of_a_pause_has_fired():
    assert fired(elapsed("PT4H", warn=["50%"]), pause("mon 11:00")) == [("50%", "mon 11:00")]


def test_nothing_fires_after_a_stop_or_at_its_instant():
    assert fired(elapsed("PT4H", warn=["50%", "75%"]), stop("mon 11:00")) == []
    assert fired(elapsed("PT4H", warn=["50%", "75%"]), cancel("mon 11:00")) == []


def test_a_change_at_the_instant_of_a_stop_warns_of_nothing():
    change = retarget("mon 12:00", "retarget_from_start", elapsed("PT4H", warn=["50%"]))

    assert fired(elapsed("PT8H"), change, stop("mon 12:00")) == []
    assert fired(elapsed("PT8H"), change, until="mon 12:00") == [("50%", "mon 12:00")]


def test_a_reopen_at_the_instant_of_the_stop_warns_of_nothing_there_but_may_later():
    """A pause hid 50 %; as if never stopped, there is no stop to keep silent for."""
    target = business_days(1, warn=["50%"])
    hidden = [pause("mon 20:00"), resume("tue 08:00"), stop("tue 08:00")]
    resumed, as_if_never_stopped = reopen("tue 08:00", "resume"), reopen("tue 08:00", "resume_including_closed")
    later = [pause("tue 09:00"), resume("tue 10:00")]

    assert fired(target, *hidden, resumed) == []
    assert fired(target, *hidden, resumed, *later) == [("50%", "tue 10:00")]
    assert fired(target, *hidden, as_if_never_stopped) == [("50%", "tue 08:00")]


def test_tightening_by_what_is_promised_already_is_a_change_too():
    """It adds nothing, and yet what a stop had kept silent is jumped over by it."""
    target = business_days(1, warn=["50%"])
    hidden = [pause("mon 20:00"), resume("tue 08:00"), stop("tue 08:00"), reopen("tue 08:00", "resume")]

    assert fired(target, *hidden, retarget("tue 09:00", "tighten_only", target)) == [("50%", "tue 09:00")]


def test_a_threshold_reached_at_the_instant_of_a_change_that_breaches_does_not_fire():
    shorter = retarget("mon 11:00", "retarget_from_start", elapsed("PT1H"))
    longer = retarget("mon 11:00", "retarget_from_start", elapsed("PT8H"))

    assert fired(elapsed("PT4H", warn=["25%", "50%"]), shorter) == [("25%", "mon 10:00")]
    assert fired(elapsed("PT4H", warn=["25%", "50%"]), longer) == [("25%", "mon 10:00"), ("50%", "mon 11:00")]


def test_the_whole_fires_with_the_breach_and_more_never():
    assert fired(elapsed("PT2H", warn=["100%", "120%"])) == [("100%", "mon 11:00")]


def test_the_whole_fires_with_a_breach_that_a_change_makes_and_nothing_else_does():
    change = retarget("mon 12:00", "retarget_from_start", elapsed("PT2H", warn=["50%", "100%"]))
    found = clock(elapsed("PT8H"), OPENED, change)

    assert warned(found) == [("100%", "mon 12:00")]
    assert breach(found) == ("mon 12:00", "retarget")


def test_the_whole_does_not_fire_when_the_promise_is_met_at_the_last_instant():
    assert fired(elapsed("PT2H", warn=["100%"]), stop("mon 11:00")) == []


def test_a_threshold_fires_once_per_cycle_though_a_change_moves_it():
    """Half of eight hours fires at 13:00; half of the new twelve at 15:00 does not fire again."""
    change = retarget("mon 14:00", "retarget_from_start", elapsed("PT12H", warn=["50%", "75%"]))
    found = fired(elapsed("PT8H", warn=["50%"]), change)

    assert found == [("50%", "mon 13:00"), ("75%", "mon 18:00")]


def test_a_new_cycle_arms_every_threshold_again():
    story = [OPENED, stop("mon 12:00"), reopen("mon 13:00", "new_cycle")]
    first, second = cycles(elapsed("PT4H", warn=["50%"]), *story, until="mon 16:00")

    assert (warned(first), warned(second)) == ([("50%", "mon 11:00")], [("50%", "mon 15:00")])


def test_every_lines_thresholds_are_judged_on_the_earliest_line():
    change = retarget("mon 10:00", "tighten_only", elapsed("PT4H", warn=["75%"]))
    found = fired(elapsed("PT8H", warn=["50%"]), change)

    assert found == [("50%", "mon 11:00"), ("75%", "mon 12:00")]


def test_after_a_prorate_the_share_used_counts_on():
    """2 of 8 hours are a quarter; half of the new four hours is reached another hour later."""
    change = retarget("mon 11:00", "prorate", elapsed("PT4H", warn=["25%", "50%"]))

    assert fired(elapsed("PT8H"), change) == [("25%", "mon 11:00"), ("50%", "mon 12:00")]


def test_of_the_thresholds_that_a_prorate_jumps_only_the_largest_share_fires():
    change = retarget("mon 13:00", "prorate", elapsed("PT4H", warn=["50%", "10%", "40%"]))

    assert fired(elapsed("PT8H"), change, until="mon 13:00") == [("50%", "mon 13:00")]


def test_of_several_jumped_the_one_latest_on_the_line_fires():
    """At 13:00, due at 14:00: 50 % lay at 11:30, two hours before the end at 12:00."""
    change = retarget("mon 13:00", "retarget_from_start", elapsed("PT5H", warn=["50%"], warn_before=["PT2H"]))

    assert fired(elapsed("PT8H"), change, until="mon 13:30") == [("PT2H", "mon 13:00")]


def test_of_jumped_ones_at_one_place_on_the_line_the_percentage_fires():
    change = retarget("mon 13:00", "retarget_from_start", elapsed("PT6H", warn=["50%"], warn_before=["PT3H"]))

    assert fired(elapsed("PT8H"), change, until="mon 13:30") == [("50%", "mon 13:00")]


def test_jumped_thresholds_are_spent():
    changes = [
        retarget("mon 12:00", "retarget_from_start", elapsed("PT4H", warn=["25%", "50%"])),
        retarget("mon 12:30", "retarget_from_start", elapsed("PT20H", warn=["25%", "50%"])),
    ]

    assert fired(elapsed("PT24H"), *changes, until="tue 04:00") == [("50%", "mon 12:00")]


def test_thresholds_that_pass_by_time_alone_all_fire():
    found = fired(elapsed("PT8H", warn=["50%"], warn_before=["PT4H"]), until="mon 13:00")

    assert found == [("50%", "mon 13:00"), ("PT4H", "mon 13:00")]


def test_a_reopened_clock_warns_of_what_it_jumped():
    story = [stop("mon 10:00"), reopen("mon 11:30", "resume_including_closed")]

    assert fired(elapsed("PT4H", warn=["25%", "50%"]), *story, until="mon 11:30") == [("50%", "mon 11:30")]


def test_a_change_before_anything_is_reached_warns_of_nothing():
    change = retarget("mon 10:00", "retarget_from_start", elapsed("PT4H", warn=["50%"]))

    assert fired(elapsed("PT8H", warn=["50%"]), change, until="mon 10:59") == []


def test_a_breached_clock_warns_no_more():
    change = retarget("mon 11:00", "retarget_from_start", elapsed("PT8H", warn=["50%"]))

    assert fired(elapsed("PT1H"), change) == []


def test_a_share_of_an_extended_clock_counts_to_the_new_due_instant():
    """Two hours extended to 26 on the next day: half of it is 13 hours."""
    target = elapsed("PT2H", warn=["25%", "50%"], **LAW)

    assert fired(target, extend("mon 09:45", by="P1D")) == [("25%", "mon 09:30"), ("50%", "mon 22:00")]


def test_an_extension_arms_nothing_again_but_may_make_room_for_a_lead_time():
    target = elapsed("PT24H", warn_before=["PT12H", "PT30H"], **LAW)
    story = [OPENED, extend("mon 22:00", by="P1D")]

    assert warned(clock(target, *story)) == [("PT12H", "mon 21:00"), ("PT30H", "tue 03:00")]


def test_a_share_used_up_as_a_pause_began_lies_where_the_pause_began():
    """Half of four hours was used at 11:00, two and a half hours before the end are 11:30."""
    new = elapsed("PT4H", warn=["50%"], warn_before=["PT2H30M"])
    story = [pause("mon 11:00"), resume("mon 12:00"), retarget("mon 13:30", "retarget_from_start", new)]

    assert fired(elapsed("PT8H"), *story, until="mon 13:30") == [("PT2H30M", "mon 13:30")]
