"""Which action stops which target: the table, action by action."""

from datetime import UTC, datetime, timedelta

import pytest

from services.crisis.domain.actions import ConflictOfInterest, Refused, StageForbids, WrongTime
from services.crisis.domain.clocks import Stage
from tests.support.crisis_books import an_open_file, clock, do, joined, names

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SOON = NOON + timedelta(minutes=5)
MATTER_TARGETS = ("acknowledge", "first_response", "initial_resolution", "resolution")


def _completed(file) -> set[str]:
    return {c.target for c in file.clocks if c.state.stage is Stage.COMPLETED}


@pytest.mark.parametrize(
    ("action", "fields", "stopped"),
    [
        ("acknowledge", {}, {"acknowledge"}),
        ("respond", {"means": "call"}, {"first_response"}),
        ("respond", {"means": "message"}, {"first_response"}),
        ("respond", {"automatic": True}, set()),
        ("respond", {"internal": True}, set()),
        ("propose-resolution", {}, {"initial_resolution"}),
        ("assess", {"cause": "c", "impact": "i", "customer_wants": "w"}, set()),
        ("assign", {"owner": "E-7"}, set()),
        ("change-severity", {"severity": "S1"}, set()),
        ("wait", {"waiting_for": "waiting_for_customer"}, set()),
    ],
)
def test_an_action_stops_its_own_targets_and_no_other(action, fields, stopped):
    file = an_open_file(NOON)

    do(file, action, SOON, **fields)

    assert _completed(file) == stopped


def test_an_update_stops_the_cadence_and_starts_the_next_at_the_same_instant():
    file = an_open_file(NOON)

    told = names(do(file, "update", SOON, trend="improving"))

    cadence = clock(file, "update_cadence").state
    assert (cadence.cycle, cadence.stage, cadence.started_at) == (2, Stage.IN_PROGRESS, SOON)
    assert "clock.met update_cadence" in told
    assert "clock.started update_cadence" in told
    assert file.case.trend == "improving"


def test_resolving_fulfils_the_resolution_and_cancels_what_no_longer_applies():
    file = an_open_file(NOON)

    do(file, "resolve", SOON, resolution="delivered")

    state = {target: clock(file, target).state.stage for target in MATTER_TARGETS}
    assert state["resolution"] is state["initial_resolution"] is Stage.COMPLETED
    assert state["acknowledge"] is state["first_response"] is Stage.CANCELLED


def test_the_last_matter_resolved_resolves_the_case_and_an_earlier_one_does_not():
    file = an_open_file(NOON)
    second = joined(file, NOON)

    first = names(do(file, "resolve", SOON, matter_id=second.id))
    last = names(do(file, "resolve", SOON))

    assert "case.resolved" not in first
    assert "case.resolved" in last
    assert file.case.resolved_at == SOON


def test_an_action_on_one_matter_leaves_the_clocks_of_the_others_alone():
    file = an_open_file(NOON)
    second = joined(file, NOON)

    do(file, "respond", SOON, matter_id=second.id)

    answered = {c.matter_id for c in file.clocks if c.target == "first_response" and not c.is_live}
    assert answered == {second.id}


def test_waiting_pauses_every_clock_and_going_on_resumes_it():
    file = an_open_file(NOON)

    do(file, "wait", SOON, waiting_for="waiting_for_customer")
    paused = {c.state.stage for c in file.clocks}
    told = do(file, "continue", SOON + timedelta(hours=2), waiting_for="waiting_for_customer")

    assert paused == {Stage.PAUSED}
    assert {c.state.stage for c in file.clocks} == {Stage.IN_PROGRESS}
    assert clock(file, "initial_resolution").state.due_at == NOON + timedelta(hours=26)
    assert all(f.result.paused_seconds == 7200 for f in told if getattr(f, "kind", "") == "resumed")


def test_a_clock_that_waits_for_two_reasons_goes_on_when_both_are_over():
    file = an_open_file(NOON)
    do(file, "wait", SOON, waiting_for="waiting_for_customer")
    do(file, "wait", SOON, waiting_for="waiting_for_carrier")

    do(file, "continue", SOON, waiting_for="waiting_for_customer")
    still = clock(file, "resolution").state.stage
    do(file, "continue", SOON, waiting_for="waiting_for_carrier")

    assert still is Stage.PAUSED
    assert clock(file, "resolution").state.stage is Stage.IN_PROGRESS


def test_a_call_logged_later_counts_from_when_it_was_made_and_takes_back_a_breach():
    file = an_open_file(NOON)
    late = NOON + timedelta(hours=2)
    breached = file.refold([clock(file, "first_response")], _tools(late))

    told = do(file, "respond", late, means="call", at=NOON + timedelta(minutes=30))

    assert [f.kind for f in breached if f.kind == "breached"] == ["breached"]
    corrected = [f for f in told if getattr(f, "kind", "") == "corrected"]
    assert any(f.detail["corrects"] == "breached" and f.detail["had_breached"] for f in corrected)
    assert clock(file, "first_response").state.result.value == "met"


def test_23_a_first_response_is_a_public_human_message_or_a_logged_call_at_its_own_time():
    file = an_open_file(NOON)
    first_response = clock(file, "first_response")
    for field in ("automatic", "internal"):
        do(file, "respond", SOON, means="message", **{field: True})
        assert first_response.is_live

    called = NOON + timedelta(minutes=2)
    do(file, "respond", SOON, means="call", at=called)

    assert (first_response.state.stage, first_response.state.stopped_at) == (Stage.COMPLETED, called)


def test_an_action_in_the_future_or_before_the_case_is_refused():
    for at in (SOON + timedelta(seconds=1), NOON - timedelta(seconds=1)):
        with pytest.raises(WrongTime):
            do(an_open_file(NOON), "respond", SOON, at=at)


def test_acknowledging_twice_changes_nothing_more():
    file = an_open_file(NOON)
    do(file, "acknowledge", SOON)
    version = file.case.version

    told = do(file, "acknowledge", SOON + timedelta(minutes=1))

    assert told == []
    assert file.case.version == version


def test_a_matter_that_joins_after_the_acknowledgement_wants_one_of_its_own():
    file = an_open_file(NOON)
    do(file, "acknowledge", SOON)

    second = joined(file, SOON)

    assert clock(file, "acknowledge", second.id).is_live
    assert "clock.met acknowledge" in names(do(file, "acknowledge", SOON))


def test_the_person_complained_about_cannot_own_the_case():
    file = an_open_file(NOON, complained_about="E-2077")

    with pytest.raises(ConflictOfInterest):
        do(file, "assign", SOON, owner="E-2077")


def test_severity_is_lowered_only_with_a_reason_and_rises_again_only_on_news():
    file = an_open_file(NOON, impact="critical")
    assert file.case.severity == "S1"

    with pytest.raises(Refused, match="why"):
        do(an_open_file(NOON, impact="critical"), "change-severity", SOON, severity="S3")
    do(file, "change-severity", SOON, severity="S3", reason="one plant only")
    joined(file, SOON, impact="low")

    assert file.case.severity == "S3"


def test_reopening_starts_a_new_cycle_of_the_resolution_and_keeps_the_old_result():
    file = an_open_file(NOON)
    do(file, "acknowledge", SOON)
    do(file, "resolve", SOON)
    do(file, "close", SOON)
    later = SOON + timedelta(days=1)

    told = names(do(file, "reopen", later, reason="late again"))

    resolution = clock(file, "resolution").state
    assert (file.case.status, file.case.stage, file.case.reopened_count) == ("open", "assessment", 1)
    assert (resolution.cycle, resolution.started_at) == (2, later)
    assert "case.reopened" in told
    assert clock(file, "acknowledge").state.cycle == 1


def test_one_matter_of_a_case_that_goes_on_may_be_reopened_alone():
    file = an_open_file(NOON)
    second = joined(file, NOON)
    do(file, "resolve", SOON, matter_id=second.id)

    do(file, "reopen", SOON + timedelta(hours=1), matter_id=second.id)

    assert file.case.stage == "warning"
    assert clock(file, "resolution", second.id).state.cycle == 2
    assert [c.state.cycle for c in file.clocks if c.target == "resolution"] == [1, 2]


def test_a_dismissed_case_is_not_reopened_for_its_promises_were_taken_back():
    file = an_open_file(NOON)
    do(file, "dismiss", SOON, reason="sent by mistake")

    with pytest.raises(StageForbids, match="dismissed"):
        do(file, "reopen", SOON)


def test_dismissing_cancels_every_promise_and_needs_a_reason():
    with pytest.raises(Refused):
        do(an_open_file(NOON), "dismiss", SOON)
    file = an_open_file(NOON)

    do(file, "dismiss", SOON, reason="sent by mistake")

    assert {c.state.stage for c in file.clocks} == {Stage.CANCELLED}
    assert (file.case.status, file.case.stage) == ("dismissed", "dismissed")
    assert file.plan_clocks() is None


def test_closing_needs_every_matter_resolved():
    with pytest.raises(Refused, match="still open"):
        do(an_open_file(NOON), "close", SOON)


def test_intervention_needs_an_assessment_with_cause_impact_and_wish():
    file = an_open_file(NOON)
    do(file, "assess", SOON, cause="carrier")

    with pytest.raises(Refused, match="impact, customer_wants"):
        do(file, "start-intervention", SOON)
    do(file, "assess", SOON, impact="line stands still", customer_wants="goods today")
    do(file, "start-intervention", SOON)

    assert file.case.stage == "intervention"


def test_what_a_stage_does_not_allow_names_the_stage():
    with pytest.raises(StageForbids, match="warning"):
        do(an_open_file(NOON), "start-intervention", SOON)


def _tools(now):
    from tests.support.crisis_books import tools

    return tools(now)
