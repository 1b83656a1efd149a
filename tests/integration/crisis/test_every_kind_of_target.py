"""Every kind of target that a policy may promise begins by itself or by hand, and ends with what fulfils it."""

import json
import re
from pathlib import Path

import yaml

from tests.support.crisis import a_complaint, a_snapshot, activate, an_event

HOURS = {
    "first_response": 1,
    "next_response": 2,
    "resolution": 50,
    "follow_up": 24,
    "retrospective": 72,
    "task:quality": 4,
    "plan": 8,
}


async def a_case(crisis, **fields):
    targets = {name: {"elapsed": f"PT{hours}H"} for name, hours in HOURS.items()}
    await activate(crisis, "sla-policies", "all", {"order": 1, "applies": {}, "targets": targets})
    await crisis.deliver(a_snapshot("C-1"), a_complaint("C-1", complaint_id="CMP-1", **fields))
    return (await crisis.case_of("C-1"))["id"]


async def act(crisis, case, action, **fields):
    answer = await crisis.act(case, action, **fields)
    assert answer.status_code == 200, answer.text


async def running(crisis, case):
    clocks = (await crisis.clocks(case)).values()
    return {clock["target"]: clock["due_at"] for clock in clocks if clock["stage"] == "in_progress"}


async def test_what_the_company_named_itself_starts_with_each_matter_and_ends_by_hand(crisis):
    case = await a_case(crisis)
    assert await running(crisis, case) == {
        "first_response": "2026-03-02T03:00:00Z",
        "resolution": "2026-03-04T04:00:00Z",
        "plan": "2026-03-02T10:00:00Z",
    }

    await crisis.after(hours=1)
    await act(crisis, case, "stop-clock", target="plan", by="E-1042")

    clock = (await crisis.clocks(case))["plan"]
    assert (clock["result"], clock["stopped_at"]) == ("met", "2026-03-02T03:00:00Z")
    assert "clock.done" in [entry["kind"] for entry in await crisis.timeline(case)]


async def test_a_customer_who_writes_again_is_owed_the_next_response_from_his_first_word_on(crisis):
    case = await a_case(crisis)
    await act(crisis, case, "customer-wrote")
    assert "next_response" not in await running(crisis, case), "the first response is still owed"
    await act(crisis, case, "respond")

    await crisis.after(hours=3)
    await act(crisis, case, "customer-wrote", text="Where is the truck?")
    await crisis.after(hours=1)
    await act(crisis, case, "customer-wrote", text="Hello?")
    due = (await running(crisis, case))["next_response"]
    await act(crisis, case, "respond", automatic=True)
    still = (await running(crisis, case))["next_response"]
    await act(crisis, case, "respond", means="call")
    answered = await running(crisis, case)
    await crisis.after(hours=1)
    more = {"complaint_id": "CMP-1", "description": "Now the second line stands still, too."}
    await crisis.deliver(an_event("customer.complaint.updated.v1", "C-1", crisis.clock.now(), more))

    assert due == still == "2026-03-02T07:00:00Z"
    assert "next_response" not in answered
    clock = (await crisis.clocks(case))["next_response"]
    assert (clock["cycle"], clock["started_at"], clock["due_at"]) == (2, "2026-03-02T07:00:00Z", "2026-03-02T09:00:00Z")


async def test_a_message_written_down_late_that_was_answered_since_owes_nothing(crisis):
    case = await a_case(crisis)
    await crisis.after(hours=1)
    await act(crisis, case, "respond")

    await act(crisis, case, "customer-wrote", at="2026-03-02T02:30:00Z")

    assert "next_response" not in await running(crisis, case)


async def test_a_customer_who_wrote_is_waited_for_no_longer(crisis):
    case = await a_case(crisis)
    await act(crisis, case, "wait", waiting_for="waiting_for_customer")
    await crisis.after(hours=2)

    await act(crisis, case, "customer-wrote", at="2026-03-02T03:00:00Z")

    assert (await running(crisis, case))["resolution"] == "2026-03-04T05:00:00Z"


async def test_the_cases_own_is_begun_and_ended_by_hand_and_survives_the_resolution(crisis):
    case = await a_case(crisis)
    await act(crisis, case, "stop-clock", target="plan")
    await crisis.after(hours=1)
    await act(crisis, case, "start-clock", target="plan")
    twice = await crisis.act(case, "start-clock", target="plan")
    await act(crisis, case, "resolve")
    left = await running(crisis, case)
    await crisis.after(hours=9)
    await act(crisis, case, "stop-clock", target="plan")
    await act(crisis, case, "start-clock", target="plan", at="2026-03-02T12:00:00Z")
    early = await crisis.act(case, "start-clock", target="follow_up", at="2026-03-02T02:00:00Z")

    assert (twice.status_code, twice.json()["detail"]) == (409, "plan runs already")
    assert early.status_code == 409
    assert left["plan"] == "2026-03-02T11:00:00Z"
    assert [e["at"] for e in await crisis.events("clock.breached") if e["target"] == "plan"] == ["2026-03-02T11:00:00Z"]
    clock = (await crisis.clocks(case))["plan"]
    assert (clock["cycle"], clock["due_at"]) == (2, "2026-03-02T20:00:00Z")


async def test_what_comes_after_begins_with_the_resolution_and_waits_while_the_case_is_worked_on_again(crisis):
    case = await a_case(crisis)
    assert "follow_up" not in await running(crisis, case)
    await act(crisis, case, "resolve")
    after = await running(crisis, case)

    await crisis.after(hours=2)
    await act(crisis, case, "reopen", mode="new_cycle")
    again = await running(crisis, case)
    await crisis.after(hours=1)
    await act(crisis, case, "resolve")
    at_last = await running(crisis, case)
    await act(crisis, case, "stop-clock", target="follow_up")

    assert after == {"follow_up": "2026-03-03T02:00:00Z", "retrospective": "2026-03-05T02:00:00Z"}
    assert "follow_up" not in again
    assert at_last == {"follow_up": "2026-03-03T05:00:00Z", "retrospective": "2026-03-05T05:00:00Z"}
    assert list(await running(crisis, case)) == ["retrospective"]


async def test_what_was_called_off_begins_anew_also_after_the_case_was_closed(crisis):
    case = await a_case(crisis)
    await act(crisis, case, "stop-clock", target="plan")
    await act(crisis, case, "start-clock", target="plan")
    await act(crisis, case, "stop-clock", target="plan", cancelled=True)
    await crisis.after(hours=1)
    await act(crisis, case, "start-clock", target="plan")
    await act(crisis, case, "resolve")
    await act(crisis, case, "close")
    closed = await running(crisis, case)
    await act(crisis, case, "reopen")
    await act(crisis, case, "respond")
    await act(crisis, case, "customer-wrote")
    await act(crisis, case, "resolve")

    assert closed == {}
    assert await running(crisis, case) == {"follow_up": "2026-03-03T03:00:00Z", "retrospective": "2026-03-05T03:00:00Z"}
    rows = await crisis.rows(
        "select round, stage from clock where target = 'plan' and matter_id is null order by round"
    )
    assert [tuple(row) for row in rows] == [(1, "cancelled"), (2, "cancelled")]


async def test_what_has_an_action_of_its_own_or_is_not_promised_is_refused_with_the_way(crisis):
    case = await a_case(crisis)
    wrong = {
        "first_response": ("not-by-hand", "first_response begins by itself, and ends with respond"),
        "resolution": ("not-by-hand", "resolution begins by itself, and ends with resolve"),
        "stage_warning": ("not-by-hand", "stage_warning begins by itself, and ends with its stage"),
        "task:quality": ("not-by-hand", "task:quality is begun with start-task, and ends with finish-task"),
        "visit": ("unknown-target", f"version 1 of all promises no visit; it has: {', '.join(HOURS)}"),
    }
    for target, (rule, detail) in wrong.items():
        answer = await crisis.act(case, "start-clock", target=target)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"], error["rule"], error["detail"]) == (422, "/target", rule, detail)
    none = await crisis.act(case, "stop-clock", target="follow_up")
    assert (none.status_code, none.json()["detail"]) == (409, "no clock follow_up runs")


async def test_a_case_is_opened_again_within_the_relapse_window_of_its_policy_only(crisis):
    body = {"order": 1, "applies": {}, "relapse_window": "PT48H", "targets": {"resolution": {"elapsed": "PT10H"}}}
    await activate(crisis, "sla-policies", "short", body)
    await crisis.deliver(a_snapshot("C-1"), a_complaint("C-1"))
    case = (await crisis.case_of("C-1"))["id"]
    for action in ("resolve", "close"):
        await act(crisis, case, action)
    await crisis.after(hours=48)
    await act(crisis, case, "reopen")
    for action in ("resolve", "close"):
        await act(crisis, case, action)

    await crisis.after(hours=49)
    late = await crisis.act(case, "reopen")

    assert late.status_code == 409
    assert late.json()["detail"].startswith("the case could be opened again until 2026-03-06T02:00:00Z")


async def test_a_name_that_is_nearly_one_with_a_meaning_is_a_slip_of_the_pen(crisis):
    targets = {"first_respose": {"elapsed": "PT1H"}, "site_visit": {"elapsed": "PT1H"}}

    answer = await crisis.client.post("/v1/sla-policies/odd/validate", json={"targets": targets})

    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("/targets/first_respose", "near-miss")
    assert error["detail"].startswith("is first_response meant?")


async def test_the_page_about_policies_says_what_is(crisis):
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    await activate(crisis, "sla-policies", "vip-hotline", yaml.safe_load(text))
    await crisis.deliver(a_snapshot("C-1", segment="vip"), a_complaint("C-1", channel="hotline"))
    case = (await crisis.case_of("C-1"))["id"]
    assert set(await running(crisis, case)) == {"first_response", "update_cadence", "plan", "resolution"}
    said = re.findall(r"```http\nPOST /v1/cases/\$CASE/([\w-]+)\n(.*)\n(\d+) ?(.*)\n```", page)

    for action, body, status, problem in said:
        answer = await crisis.act(case, action, **json.loads(body))

        assert answer.status_code == int(status), answer.text
        if problem:
            (error,) = answer.json()["errors"]
            assert f"{error['pointer']} {error['rule']}" == problem
    assert len(said) == 6
    assert set(await running(crisis, case)) == {"next_response", "update_cadence", "resolution"}
