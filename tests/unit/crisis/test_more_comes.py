"""More comes after a case was resolved, given to somebody, or graded."""

from datetime import UTC, datetime, timedelta

import pytest

from services.crisis.domain.actions import ConflictOfInterest
from services.crisis.domain.clocks import Stage
from tests.support.crisis_books import an_open_file, clock, do, joined, names, saved

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def hours(number):
    return NOON + timedelta(hours=number)


def test_a_matter_that_joins_a_resolved_case_lets_its_clocks_run_again():
    file = an_open_file(NOON)
    do(file, "resolve", hours(1))

    joined(file, hours(2))

    cadence = clock(file, "update_cadence").state
    assert (cadence.stage, cadence.started_at) == (Stage.IN_PROGRESS, hours(2))
    assert (file.case.resolved_at, file.case.stage) == (None, "warning")


def test_a_matter_that_joins_a_case_in_repair_brings_it_back_to_assessment_and_can_be_resolved():
    file = an_open_file(NOON)
    do(file, "resolve", hours(1))
    do(file, "start-repair", hours(1))
    saved(file)

    matter = joined(file, hours(2))

    assert (file.case.stage, "case.stage_changed" in names(file.facts)) == ("assessment", True)
    assert [entry.kind for entry in file.entries] == ["case.stage_changed", "matter.opened"]
    assert "case.resolved" in names(do(file, "resolve", hours(3), matter_id=matter.id))


def test_after_such_a_matter_the_escalation_begins_above_level_one_again():
    file = an_open_file(NOON)
    assert "escalation team_lead" in names(do(file, "update", hours(30)))
    do(file, "resolve", hours(31))

    joined(file, hours(40))

    assert (file.run.state, file.run.level) == ("ended", 1)
    assert "escalation team_lead" in names(do(file, "update", hours(70)))


def test_who_owns_a_case_loses_it_to_a_complaint_about_him():
    file = an_open_file(NOON)
    do(file, "assign", NOON, owner="E-1")

    joined(file, hours(1), complained_about="E-1")

    assert file.case.owner is None
    assert "case.updated" in names(file.facts)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("assess", {"cause": "bad luck"}),
        ("change-severity", {"severity": "S4", "reason": "nothing happened"}),
        ("dismiss", {"reason": "nothing happened"}),
        ("extend", {"reason": "not yet"}),
    ],
)
def test_who_is_complained_about_does_not_judge_the_case(action, fields):
    file = an_open_file(NOON, complained_about="E-1")

    with pytest.raises(ConflictOfInterest):
        do(file, action, hours(1), by="E-1", **fields)
