"""Before every send: is it still true? What is not, does not leave."""

from datetime import timedelta

import pytest

from tests.support.kernel import until
from tests.support.notify import going

MATTER = "0195f3a0-7c00-7000-8000-0000000000d1"


@pytest.fixture
async def told(notify):
    """Somebody who would be told of everything."""
    await notify.person("E-1")
    for role in ("team_lead", "department_head"):
        await notify.person(role)
        await notify.role(role, role)
    return notify


async def _sent_and_obsolete(notify, count):
    async with going(notify):
        rows = await notify.settled(deliveries=count)
    by = {True: [], False: []}
    for row in rows:
        by[row["state"] == "accepted"].append((row["recipient"], row["rule"].partition("#")[0], row["reason"]))
    return by[True], by[False]


async def test_an_opening_is_not_told_once_somebody_has_acknowledged(told):
    await told.happen(told.opened(), told.event("crisis.case.acknowledged.v1", matter_ids=[MATTER]))

    sent, obsolete = await _sent_and_obsolete(told, 1)

    assert sent == []
    assert obsolete == [("person:E-1", "case-opened", "acknowledged")]
    assert (await told.published("delivery.obsolete"))[0]["reason"] == "acknowledged"


async def test_an_acknowledgement_of_another_matter_changes_nothing(told):
    other = "0195f3a0-7c00-7000-8000-0000000000d9"
    joined = told.event("crisis.matter.opened.v1", account_manager="E-1", matter_id=other, opened_case=False)
    await told.happen(joined, told.event("crisis.case.acknowledged.v1", matter_ids=[MATTER]))

    sent, _ = await _sent_and_obsolete(told, 1)

    assert [rule for _, rule, _ in sent] == ["matter-joined"]


async def test_a_closed_case_lets_nothing_leave_but_word_of_its_closing(told):
    await told.happen(
        told.opened(),
        told.event("crisis.clock.breached.v1", account_manager="E-1"),
        told.event("crisis.case.closed.v1", account_manager="E-1"),
    )

    sent, obsolete = await _sent_and_obsolete(told, 3)

    assert [rule for _, rule, _ in sent] == ["case-closed"]
    assert {reason for _, _, reason in obsolete} == {"case_closed"}


async def test_a_warning_of_a_clock_that_was_met_is_obsolete_but_the_breach_of_another_is_not(told):
    await told.happen(
        told.event("crisis.clock.warned.v1", account_manager="E-1", clock_id="one"),
        told.event("crisis.clock.breached.v1", account_manager="E-1", clock_id="two"),
        told.event("crisis.clock.met.v1", clock_id="one"),
    )

    sent, obsolete = await _sent_and_obsolete(told, 2)

    assert [rule for _, rule, _ in sent] == ["clock-breached"]
    assert [(rule, reason) for _, rule, reason in obsolete] == [("clock-warned", "step_over")]


async def test_an_escalation_that_has_gone_on_is_not_told_at_the_level_before(told):
    await told.happen(told.event("crisis.escalation.raised.v1", role="team_lead", level=2, step=1))
    told.clock.move(told.clock.now() + timedelta(minutes=30))
    await told.happen(told.event("crisis.escalation.raised.v1", role="department_head", level=3, step=2))

    sent, obsolete = await _sent_and_obsolete(told, 2)

    assert [who for who, _, _ in sent] == ["person:department_head"]
    assert [(who, reason) for who, _, reason in obsolete] == [("person:team_lead", "step_over")]


async def test_levels_raised_at_one_instant_are_all_told_whatever_the_speed(told):
    await told.happen(
        told.event("crisis.escalation.raised.v1", role="team_lead", level=2, step=1),
        told.event("crisis.escalation.raised.v1", role="department_head", level=3, step=2),
    )

    sent, _ = await _sent_and_obsolete(told, 2)

    assert {who for who, _, _ in sent} == {"person:team_lead", "person:department_head"}


@pytest.mark.parametrize(("reason", "leaves"), [("not_acknowledged", False), ("breach", True)])
async def test_an_acknowledgement_ends_the_escalation_for_lack_of_it_and_no_other(told, reason, leaves):
    await told.happen(
        told.event("crisis.escalation.raised.v1", role="team_lead", reason=reason, matter_id=None),
        told.event("crisis.case.acknowledged.v1", matter_ids=[MATTER]),
    )

    sent, _ = await _sent_and_obsolete(told, 1)

    assert bool(sent) is leaves


async def test_a_reopened_case_is_told_anew(told):
    await told.happen(
        told.opened(),
        told.event("crisis.case.acknowledged.v1", matter_ids=[MATTER]),
        told.event("crisis.case.closed.v1"),
        told.event("crisis.case.reopened.v1", account_manager="E-1", matter_ids=[MATTER], severity="S3"),
    )

    sent, _ = await _sent_and_obsolete(told, 2)

    assert "case-opened" in [rule for _, rule, _ in sent]


async def test_an_event_that_comes_late_does_not_reopen_what_was_closed(told):
    opened = told.opened()
    closed = told.event("crisis.case.closed.v1", account_manager="E-1")
    await told.happen(closed)
    await told.happen(opened)

    (case,) = await told.rows("select ended from standing where kind = 'case'")
    assert case["ended"]


async def test_what_waits_for_its_next_try_is_checked_again(told):
    told.mail.rcpt_answers.extend(["451 later"] * 1000)
    await told.happen(told.opened())

    async def tried() -> bool:
        return bool(await told.rows("select from attempt"))

    async with going(told):
        await until(tried)
        await told.happen(told.event("crisis.case.acknowledged.v1", matter_ids=[MATTER]))
        (delivery,) = await told.settled()

    assert (delivery["state"], delivery["reason"]) == ("obsolete", "acknowledged")
    assert told.mail.mails == []


async def test_an_alarm_about_what_moved_to_another_case_leaves_until_it_is_met_there(told):
    into = {"into_case_id": "c-2", "into_number": "CR-2", "into_customer_id": "C-2"}
    await told.happen(
        told.event("crisis.clock.warned.v1", account_manager="E-1", clock_id="one"),
        told.event("crisis.clock.breached.v1", account_manager="E-1", clock_id="two"),
        told.event("crisis.case.merged.v1", **into),
    )
    told.sequence = 0  # those of the other customer
    there = {"customer": "C-2", "case_id": "c-2", "fired_at": "2027-01-01T00:00:00Z"}
    await told.happen(told.event("crisis.clock.met.v1", clock_id="one", **there))

    sent, obsolete = await _sent_and_obsolete(told, 2)

    assert [rule for _, rule, _ in sent] == ["clock-breached"]
    assert [(rule, reason) for _, rule, reason in obsolete] == [("clock-warned", "step_over")]


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_the_old_case_said_of_a_clock_before_it_moved_changes_nothing_though_it_comes_later(told, at_once):
    """The partition of the old customer lags: not even the merge has come from there."""
    met = told.event(
        "crisis.clock.met.v1", customer="C-2", case_id="c-2", clock_id="one", fired_at="2026-03-05T10:00:00Z"
    )
    told.sequence = 40  # the old customer's sequences are higher, and say nothing here
    lagging = [
        told.event(f"crisis.clock.{kind}.v1", account_manager="E-1", clock_id="one", fired_at=at)
        for kind, at in (("warned", "2026-03-05T09:00:00.25Z"), ("breached", "2026-03-05T09:30:00Z"))
    ]

    for batch in [[met, *lagging]] if at_once else [[met], lagging[:1], lagging[1:]]:
        await told.happen(*batch)

    _, obsolete = await _sent_and_obsolete(told, 2)
    assert [(rule, reason) for _, rule, reason in obsolete if rule == "clock-warned"] == [("clock-warned", "step_over")]
    assert await told.rows("select ended, case_id from standing where kind = 'clock'") == [
        {"ended": True, "case_id": "c-2"}
    ]


async def test_what_the_case_that_goes_on_says_of_a_clock_counts_whatever_the_old_one_said_last(told):
    early = told.event("crisis.clock.met.v1", clock_id="one", fired_at="2026-03-05T09:00:00Z")
    told.sequence = 0
    later = told.event(
        "crisis.clock.warned.v1", customer="C-2", case_id="c-2", clock_id="one", fired_at="2026-03-05T10:00:00Z"
    )

    await told.happen(early)
    await told.happen(later)

    (row,) = await told.rows("select ended, case_id from standing where kind = 'clock'")
    assert (row["ended"], row["case_id"]) == (False, "c-2")
