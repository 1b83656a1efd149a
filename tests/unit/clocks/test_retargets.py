"""When another promise takes effect: the five behaviours."""

import pytest

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.story import (
    breach,
    business,
    business_days,
    clock,
    cycles,
    due,
    elapsed,
    pause,
    period,
    reopen,
    request,
    resume,
    retarget,
    start,
    stop,
    warned,
    when,
)

OPENED = start("mon 09:00")


def test_keep_changes_nothing():
    assert due(elapsed("PT8H"), OPENED, retarget("mon 10:00", "keep", elapsed("PT1H"))) == "mon 17:00"


def test_from_start_measures_the_new_target_as_if_it_had_stood_all_along():
    changed = [
        OPENED,
        pause("mon 10:00"),
        resume("mon 11:00"),
        retarget("mon 11:30", "retarget_from_start", elapsed("PT4H")),
    ]

    assert due(elapsed("PT8H"), *changed) == "mon 14:00"


def test_from_start_takes_shifting_pauses_into_account():
    shifting = period("P1D", until="same_time", under_pause="shift")
    changed = [OPENED, pause("mon 10:00"), resume("mon 11:00"), retarget("mon 11:30", "retarget_from_start", shifting)]

    assert due(elapsed("PT8H"), *changed) == "tue 10:00"


def test_from_start_already_past_breaches_at_the_change_and_is_not_back_dated():
    found = clock(
        elapsed("PT8H"), OPENED, retarget("mon 12:00", "retarget_from_start", elapsed("PT2H")), until="mon 13:00"
    )

    assert when(found["due_at"]) == "mon 11:00"
    assert breach(found) == ("mon 12:00", "retarget")


def test_from_start_due_at_the_very_change_is_met_by_a_stop_recorded_after_it():
    change = retarget("mon 12:00", "retarget_from_start", elapsed("PT3H"))

    assert clock(elapsed("PT8H"), OPENED, change, stop("mon 12:00"))["result"] == "met"
    assert breach(clock(elapsed("PT8H"), OPENED, change, until="mon 12:00")) == ("mon 12:00", "retarget")


def test_from_start_due_before_the_change_is_not_met_by_a_stop_at_the_change():
    found = clock(
        elapsed("PT8H"), OPENED, retarget("mon 12:00", "retarget_from_start", elapsed("PT2H")), stop("mon 12:00")
    )

    assert (found["result"], breach(found)) == ("missed", ("mon 12:00", "retarget"))


def test_while_paused_a_new_duration_already_used_up_breaches_at_the_change():
    story = [OPENED, pause("mon 11:00"), retarget("mon 12:00", "retarget_from_start", elapsed("PT2H"))]
    found = clock(elapsed("PT8H"), *story, until="mon 12:00")

    assert breach(found) == ("mon 12:00", "retarget")
    assert (found["stage"], when(found["due_at"])) == ("paused", "mon 11:00")


def test_while_paused_a_new_duration_with_something_left_does_not_breach():
    found = clock(
        elapsed("PT8H"), OPENED, pause("mon 11:00"), retarget("mon 15:00", "retarget_from_start", elapsed("PT3H"))
    )

    assert breach(found) is None


def test_while_paused_a_fixed_date_already_past_breaches_at_the_change():
    story = [OPENED, pause("mon 11:00"), retarget("wed 12:00", "tighten_only", business_days(1))]

    assert breach(clock(elapsed("PT8H"), *story)) == ("wed 12:00", "retarget")


def test_restart_now_cancels_the_cycle_and_begins_the_next():
    first, second = cycles(
        elapsed("PT2H"), OPENED, retarget("mon 12:00", "restart_now", elapsed("PT4H")), until="mon 13:00"
    )

    assert (first["stage"], first["result"], breach(first)) == ("cancelled", "cancelled", ("mon 11:00", "due"))
    assert (when(first["stopped_at"]), first["elapsed_seconds"]) == ("mon 12:00", 3 * 3600)
    assert (second["cycle"], when(second["started_at"]), when(second["due_at"])) == (2, "mon 12:00", "mon 16:00")
    assert breach(second) is None


def test_prorate_carries_the_share_that_is_left():
    assert due(elapsed("PT8H"), OPENED, retarget("mon 11:00", "prorate", elapsed("PT4H"))) == "mon 14:00"


def test_prorate_goes_from_real_to_business_time():
    assert due(elapsed("PT8H"), OPENED, retarget("mon 11:00", "prorate", business("PT4H"))) == "mon 15:00"


def test_prorate_rounds_what_is_left_down_to_a_microsecond():
    """5.5 hours of 6 left, of a new duration of 7 seconds: 6.416666 seconds and two thirds of a microsecond."""
    found = due(elapsed("PT6H"), OPENED, retarget("mon 09:30", "prorate", elapsed("PT7S")))

    assert found == "mon 09:30:06.416666"


def test_a_later_prorate_divides_by_the_whole_new_duration():
    """2 of 8 hours used; of 4 hours 3 left; half an hour later 2.5 of 4, which is 5 of 8."""
    changes = [retarget("mon 11:00", "prorate", elapsed("PT4H")), retarget("mon 11:30", "prorate", elapsed("PT8H"))]

    assert due(elapsed("PT8H"), OPENED, *changes) == "mon 16:30"


@pytest.mark.parametrize(("old", "new"), [("PT8H", business_days(1)), (None, elapsed("PT1H"))])
def test_prorate_with_a_day_kind_on_either_side_is_keep(old, new):
    target = elapsed(old) if old else business_days(2)
    undisturbed = clock(target, OPENED, until="mon 12:00")

    assert clock(target, OPENED, retarget("mon 11:00", "prorate", new), until="mon 12:00") == undisturbed


def test_prorate_of_a_breached_clock_leaves_nothing():
    found = clock(elapsed("PT1H"), OPENED, retarget("mon 12:00", "prorate", elapsed("PT8H")), until="mon 12:00")

    assert (breach(found), when(found["due_at"])) == (("mon 10:00", "due"), "mon 12:00")


def test_prorate_takes_the_earliest_line():
    changes = [
        retarget("mon 10:00", "tighten_only", elapsed("PT4H")),
        retarget("mon 11:00", "prorate", elapsed("PT8H")),
    ]

    assert due(elapsed("PT8H"), OPENED, *changes) == "mon 15:00"


def test_prorate_while_paused_waits_for_the_resume():
    story = [OPENED, pause("mon 11:00"), retarget("mon 12:00", "prorate", elapsed("PT4H")), resume("mon 13:00")]

    assert due(elapsed("PT8H"), *story) == "mon 16:00"


def test_tighten_only_keeps_the_earlier_of_both():
    assert due(elapsed("PT8H"), OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT4H"))) == "mon 13:00"
    assert due(elapsed("PT4H"), OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT8H"))) == "mon 13:00"


def test_after_tighten_only_the_earliest_line_may_change_with_pauses():
    """Two fixed days against nine hours that a pause moves."""
    story = [OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT9H")), pause("mon 11:00"), resume("wed 17:00")]
    running = clock(business_days(2), *story[:2], until="mon 12:00")
    found = clock(business_days(2), *story, until="wed 17:00")

    assert when(running["due_at"]) == "mon 18:00"
    assert when(found["due_at"]) == "wed 18:00"


def test_while_paused_the_due_instant_is_known_if_the_earliest_line_does_not_move():
    story = [OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT9H")), pause("mon 11:00")]
    early = clock(business_days(2), *story, until="mon 12:00")
    late = clock(business_days(2), *story, until="wed 17:00")

    assert (early["due_at"], when(early["due_if_resumed_now"])) == (None, "mon 19:00")
    assert when(late["due_at"]) == when(late["due_if_resumed_now"]) == "wed 18:00"


def test_a_new_cycle_has_every_present_line_whole():
    story = [OPENED, retarget("mon 10:00", "tighten_only", elapsed("PT9H")), stop("mon 11:00"), reopen("tue 09:00")]
    _, second = cycles(elapsed("PT4H"), *story, until="tue 10:00")

    assert when(second["due_at"]) == "tue 13:00"


def test_a_prorated_target_is_whole_again_in_a_new_cycle():
    story = [OPENED, retarget("mon 11:00", "prorate", elapsed("PT4H")), stop("mon 12:00"), reopen("tue 09:00")]

    assert when(cycles(elapsed("PT8H"), *story)[1]["due_at"]) == "tue 13:00"


def test_a_retarget_acts_only_on_a_clock_in_progress_or_paused():
    change = retarget("mon 11:00", "retarget_from_start", elapsed("PT1H"))

    assert clock(elapsed("PT8H"), OPENED, stop("mon 10:00"), change) == clock(
        elapsed("PT8H"), OPENED, stop("mon 10:00")
    )
    assert due(elapsed("PT8H"), change, start("mon 12:00")) == "mon 20:00"


def test_a_policy_without_the_target_changes_nothing_and_its_other_targets_do_not_start():
    asked = request(elapsed("PT8H"), OPENED, policies=[{"key": "q", "targets": {"other": elapsed("PT1H")}}])
    asked["events"].append(
        {"type": "retarget", "at": asked["events"][0]["at"], "policy": "q", "behaviour": "restart_now"}
    )

    (found,) = simulate(asked)["clocks"]

    assert (found["target"], when(found["due_at"])) == ("t", "mon 17:00")


def test_a_policy_may_name_itself():
    asked = request(elapsed("PT8H"), OPENED, until="mon 12:00")
    asked["events"].append(
        {
            "type": "retarget",
            "at": request(elapsed("PT1H"), start("mon 11:00"))["events"][0]["at"],
            "policy": "p",
            "behaviour": "restart_now",
        }
    )

    assert [when(found["due_at"]) for found in simulate(asked)["clocks"]] == ["mon 17:00", "mon 19:00"]


def test_a_retarget_that_jumps_thresholds_warns_once_at_the_change():
    """Three hours of four: 50 % and 75 % are reached at once; only the latest fires."""
    new = elapsed("PT4H", warn=["25%", "50%", "75%", "90%"])
    found = clock(elapsed("PT8H"), OPENED, retarget("mon 12:00", "retarget_from_start", new), until="mon 12:59")

    assert warned(found) == [("75%", "mon 12:00"), ("90%", "mon 12:36")]
