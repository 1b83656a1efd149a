"""What people did and wrote down late: it counts for what was there then, and never less than had it come in time."""

from datetime import UTC, datetime, timedelta

import pytest

from services.crisis.domain.actions import WrongTime
from services.crisis.domain.clocks import Result, Stage
from tests.support.crisis_books import an_open_file, clock, do, joined, names

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
AT_ONCE = NOON + timedelta(minutes=5)


def hours(number):
    return NOON + timedelta(hours=number)


def test_an_update_written_down_after_a_later_one_leaves_the_next_one_owed():
    file = an_open_file(NOON)
    do(file, "update", hours(2))

    do(file, "update", hours(3), at=hours(1))

    cadence = clock(file, "update_cadence").state
    assert (cadence.stage, cadence.started_at, cadence.cycle) == (Stage.IN_PROGRESS, hours(2), 3)


def test_an_update_from_before_the_case_was_opened_leaves_the_first_one_owed():
    file = an_open_file(NOON)
    joined(file, NOON, received_at=hours(-3))

    do(file, "update", hours(1), at=hours(-1))

    cadence = clock(file, "update_cadence").state
    assert (cadence.stage, cadence.started_at) == (Stage.IN_PROGRESS, NOON)


@pytest.mark.parametrize(("action", "target"), [("acknowledge", "acknowledge"), ("respond", "first_response")])
def test_what_was_done_in_time_and_becomes_known_after_a_late_one_takes_the_breach_back(action, target):
    file = an_open_file(NOON)
    do(file, action, hours(9))
    assert clock(file, target).state.result is Result.MISSED

    told = names(do(file, action, hours(10), at=AT_ONCE))

    assert f"clock.corrected {target}" in told
    state = clock(file, target).state
    assert (state.result, state.stopped_at) == (Result.MET, AT_ONCE)


def test_the_first_of_two_acknowledgements_is_the_one_that_counts():
    file = an_open_file(NOON)
    do(file, "acknowledge", hours(2))

    do(file, "acknowledge", hours(3), at=AT_ONCE)
    again = do(file, "acknowledge", hours(4), at=hours(1))

    assert again == []
    (matter,) = file.matters.values()
    assert (matter.acknowledged_at, file.case.acknowledged_at) == (AT_ONCE, AT_ONCE)


@pytest.mark.parametrize(("action", "field"), [("resolve", "resolved_at"), ("acknowledge", "acknowledged_at")])
def test_what_was_done_before_a_matter_came_is_not_done_on_it(action, field):
    file = an_open_file(NOON)
    (first,) = file.matters
    later = joined(file, hours(3))

    do(file, action, hours(5), at=hours(1))

    assert getattr(file.matters[first], field) == hours(1)
    assert getattr(file.matters[later.id], field) is None
    assert clock(file, "acknowledge", later.id).is_live
    with pytest.raises(WrongTime):
        do(file, action, hours(5), at=hours(1), matter_id=later.id)
