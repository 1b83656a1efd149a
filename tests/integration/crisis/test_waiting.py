"""Waiting is governed: a known reason, a limit, an approval beyond it, and an end that comes by itself."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.crisis.consumers import FACTS
from services.crisis.documents.wait_reasons import ENDING_EVENTS
from shared.auth.keys import create_key
from shared.contracts import format_instant
from shared.db.database import raw_connection
from shared.ids import new_id
from tests.support.crisis import MONDAY, a_complaint, a_mention, a_snapshot, an_event

PAGE = Path(__file__).parents[3] / "docs" / "waiting.md"
TARGET = "initial_resolution"
HALF_A_MONTH = "2026-03-16T02:00:00Z"


async def a_case(crisis, service_class="key", **fields):
    await crisis.deliver(a_snapshot("C-1", service_class))
    await crisis.deliver(a_complaint("C-1", **fields))
    return await crisis.case_of("C-1")


def spoken(at, kind="call"):
    return an_event(
        "customer.interaction.logged.v1", "C-1", at, {"interaction_id": "A-1", "kind": kind, "at": format_instant(at)}
    )


async def waiting(crisis, case_id, target=TARGET):
    clock = (await crisis.clocks(case_id))[target]
    return [(held["reason"], held["who"], held["for_whom"], held["ends_at"]) for held in clock["waiting"]]


def wrong(answer):
    (error,) = answer.json()["errors"]
    return answer.status_code, error["pointer"], error["rule"]


async def test_a_wait_without_an_end_ends_at_the_limit_of_its_reason(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait")
    held = await waiting(crisis, case["id"])

    await crisis.step(MONDAY + timedelta(days=14, hours=5))

    assert held == [("waiting_for_customer", "us", "customer", HALF_A_MONTH)]
    clock = (await crisis.clocks(case["id"]))[TARGET]
    assert (clock["stage"], clock["due_at"], clock["waiting"]) == ("in_progress", "2026-03-17T02:00:00Z", [])
    assert clock["paused_by_reason"] == {"waiting_for_customer": 14 * 86400.0}
    (entry,) = [e for e in await crisis.timeline(case["id"]) if e["kind"] == "case.continued"]
    assert (entry["at"], entry["actor"], entry["data"]["because"]) == (HALF_A_MONTH, "system", "one_wait")


async def test_after_a_downtime_a_wait_still_ended_when_its_limit_came(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait", until="2026-03-04T02:00:00Z")
    crisis.clock.move(MONDAY + timedelta(days=4))

    while (await crisis.service.timers.turn())[1]:
        pass

    (breached,) = [e for e in await crisis.events("clock.breached") if e["target"] == TARGET]
    assert (breached["at"], breached["due_at"]) == ("2026-03-05T02:00:00Z", "2026-03-05T02:00:00Z")
    assert breached["fired_at"] == "2026-03-06T02:00:00Z"


async def test_beyond_the_limit_somebody_else_has_to_approve(crisis):
    case = await a_case(crisis)
    beyond = {"until": "2026-03-31T02:00:00Z"}

    refused = await crisis.act(case["id"], "wait", **beyond)
    himself = await crisis.act(case["id"], "wait", approved_by="E-1042", **beyond)
    endless = await crisis.act(case["id"], "wait", approved_by="E-0007")
    approved = await crisis.act(case["id"], "wait", approved_by="E-0007", **beyond)

    assert wrong(refused) == (422, "/until", "wait-limit")
    assert "until 2026-03-16T02:00:00Z" in refused.json()["errors"][0]["detail"]
    assert wrong(himself) == (422, "/approved_by", "four-eyes")
    assert wrong(endless) == (422, "/until", "required")
    (wait,) = approved.json()["waits"]
    assert (wait["ends_at"], wait["approved_by"]) == ("2026-03-31T02:00:00Z", "E-0007")
    await crisis.step(MONDAY + timedelta(days=28))
    assert await waiting(crisis, case["id"]) == [("waiting_for_customer", "us", "customer", "2026-03-31T02:00:00Z")]


async def test_who_sends_an_approval_needs_the_scope_and_is_not_complained_about(crisis):
    case = await a_case(crisis, complained_about="E-2077")
    async with crisis.service.base.database.begin() as connection:
        raw = await raw_connection(connection)
        key = await create_key(raw, name="desk", scopes=("crisis:read", "crisis:write"), now=datetime.now(UTC))

    conflict = await crisis.act(case["id"], "wait", approved_by="E-2077", until=HALF_A_MONTH)
    crisis.client.headers["Authorization"] = f"Bearer {key.plain}"
    poor = await crisis.act(case["id"], "wait", approved_by="E-0007", until=HALF_A_MONTH)

    assert (poor.status_code, poor.json()["missing_scopes"]) == (403, ["crisis:approve"])
    assert (conflict.status_code, conflict.json()["type"].rpartition("/")[2]) == (409, "conflict-of-interest")


async def test_a_wait_that_was_given_an_end_does_not_end_the_next_one(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait", until="2026-03-04T02:00:00Z")
    await crisis.after(hours=1)
    await crisis.act(case["id"], "continue")
    await crisis.after(hours=1)
    await crisis.act(case["id"], "wait")

    await crisis.step(MONDAY + timedelta(days=3))

    assert (await crisis.clocks(case["id"]))[TARGET]["stage"] == "paused"


@pytest.mark.parametrize(
    "answer",
    [
        spoken,
        lambda at: a_mention("C-1", at=at, sentiment=0.9, reach=1),
    ],
    ids=["a call that was logged", "a mention that no rule names"],
)
async def test_what_the_customer_says_ends_the_waits_for_him_when_he_said_it(crisis, answer):
    case = await a_case(crisis, regulated="cn-bank-insurance")
    await crisis.act(case["id"], "wait")
    await crisis.act(case["id"], "wait", waiting_for="waiting_for_evidence")
    law = {c["id"]: c for t, c in (await crisis.clocks(case["id"])).items() if c["statutory"]}
    await crisis.after(hours=6)

    await crisis.deliver(answer(MONDAY + timedelta(hours=4)))

    clock = next(c for c in await every_clock(crisis, case["id"]) if c["target"] == TARGET)
    assert (clock["stage"], clock["due_at"], clock["waiting"]) == ("in_progress", "2026-03-03T06:00:00Z", [])
    resumed = [e for e in await crisis.events("clock.resumed") if e["clock_id"] == clock["id"]]
    assert [(e["at"], e["fired_at"]) for e in resumed] == [("2026-03-02T06:00:00Z", "2026-03-02T08:00:00Z")]
    entries = [e["data"] for e in await crisis.timeline(case["id"]) if e["kind"] == "case.continued"]
    assert {(e["waiting_for"], e["because"]) for e in entries} == {
        ("waiting_for_customer", "customer_answered"),
        ("waiting_for_evidence", "customer_answered"),
    }
    assert await crisis.value("select count(*) from timer where kind = 'continue'") == 0
    for one in await every_clock(crisis, case["id"]):
        if one["id"] in law:
            assert (one["due_at"], one["paused_seconds"]) == (law[one["id"]]["due_at"], 0.0)


async def by_hand(crisis, **fields):
    body = {"customer_id": "C-1", "title": "The plant manager called", **fields}
    answer = await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": new_id()})
    assert answer.status_code == 200, answer.text


async def test_what_the_customer_said_to_a_person_ends_the_waits_for_him_as_an_event_does(crisis):
    case = await a_case(crisis)
    await crisis.after(hours=1)
    for reason in ("waiting_for_customer", "waiting_for_supplier"):
        await crisis.act(case["id"], "wait", waiting_for=reason)
    await crisis.after(hours=6)

    await by_hand(crisis, received_at="2026-03-02T02:30:00Z")
    before = (await crisis.client.get(f"/v1/cases/{case['id']}")).json()["waits"]
    await by_hand(crisis, received_at="2026-03-02T06:00:00Z")

    assert len(before) == 2
    waits = (await crisis.client.get(f"/v1/cases/{case['id']}")).json()["waits"]
    assert [wait["reason"] for wait in waits] == ["waiting_for_supplier"]
    entries = [e for e in await crisis.timeline(case["id"]) if e["kind"] == "case.continued"]
    assert [(e["at"], e["data"]["because"]) for e in entries] == [("2026-03-02T06:00:00Z", "customer_answered")]
    await crisis.act(case["id"], "continue")
    clock = next(c for c in await every_clock(crisis, case["id"]) if c["target"] == TARGET)
    assert clock["paused_by_reason"]["waiting_for_customer"] == 3 * 3600.0


async def every_clock(crisis, case_id):
    return (await crisis.client.get(f"/v1/cases/{case_id}/clocks")).json()["items"]


async def test_no_answer_is_what_was_said_before_the_wait_or_to_another_reason(crisis):
    case = await a_case(crisis)
    await crisis.after(hours=2)
    await crisis.act(case["id"], "wait")
    await crisis.act(case["id"], "wait", waiting_for="waiting_for_supplier")
    await crisis.after(hours=1)

    await crisis.deliver(spoken(MONDAY + timedelta(hours=1)), spoken(MONDAY + timedelta(hours=3), kind="training"))
    before = await waiting(crisis, case["id"])
    await crisis.deliver(spoken(MONDAY + timedelta(hours=3)))

    assert [reason for reason, *_ in before] == ["waiting_for_customer", "waiting_for_supplier"]
    assert [reason for reason, *_ in await waiting(crisis, case["id"])] == ["waiting_for_supplier"]
    assert await crisis.value("select count(*) from trigger_event where type like '%interaction%'") == 0


async def test_every_event_that_may_end_a_wait_is_one_that_is_read():
    assert ENDING_EVENTS <= FACTS


async def test_nested_reasons_are_shown_with_who_waits_for_whom_and_for_how_long(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait", until="2026-03-03T02:00:00Z")
    await crisis.after(hours=1)
    await crisis.act(case["id"], "wait", waiting_for="waiting_for_cause")
    await crisis.after(hours=2)

    answer = (await crisis.client.get(f"/v1/cases/{case['id']}/clocks")).json()

    clock = next(c for c in answer["items"] if c["target"] == TARGET)
    assert clock["waiting"][1] == {
        "reason": "waiting_for_cause",
        "name": {"zh-CN": "等待查明原因", "en": "Waiting until the cause is found"},
        "who": "customer",
        "for_whom": "us",
        "since": "2026-03-02T03:00:00Z",
        "ends_at": "2026-03-12T03:00:00Z",
        "approved_by": None,
    }
    assert clock["paused_by_reason"] == {"waiting_for_customer": 10800.0, "waiting_for_cause": 7200.0}
    assert clock["paused_seconds"] == 10800.0
    assert [(w["reason"], w["ended_at"]) for w in answer["waits"]] == [
        ("waiting_for_customer", None),
        ("waiting_for_cause", None),
    ]


async def test_a_closed_case_waits_for_nobody_also_when_it_is_opened_again(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait")
    for action in ("resolve", "close"):
        assert (await crisis.act(case["id"], action)).status_code == 200
    await crisis.after(days=1)
    ended = await crisis.value("select ended_because from wait")

    await crisis.act(case["id"], "reopen", reason="late again")

    clock = (await crisis.clocks(case["id"]))[TARGET]
    assert (ended, clock["stage"], clock["cycle"]) == ("case_closed", "in_progress", 2)
    assert await crisis.value("select count(*) from timer where kind = 'continue'") == 0


async def test_the_examples_of_the_page_answer_as_it_says(crisis):
    case = await a_case(crisis)
    said = re.findall(r"```http\nPOST /v1/cases/\$CASE/(\w+)\n(.*)\n(\d+) ?(.*)\n```", PAGE.read_text(encoding="utf-8"))

    for action, body, status, problem in said:
        answer = await crisis.act(case["id"], action, **json.loads(body))

        assert answer.status_code == int(status), answer.text
        assert not problem or wrong(answer) == (int(status), *problem.split())
        if (json.loads(body).get("waiting_for"), status) == ("waiting_for_supplier", "200") and action == "wait":
            shown = (await crisis.clocks(case["id"]))[TARGET]
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    expected = json.loads(example)
    for wait, known in zip(shown["waiting"], expected.pop("waiting"), strict=True):
        assert {name: wait[name] for name in known} == known
    assert {name: shown[name] for name in expected} == expected
    assert len(said) == 7


async def test_a_wait_from_before_waits_were_kept_still_ends_by_its_timer(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait", until="2026-03-02T08:00:00Z")
    await crisis.execute("delete from wait")

    held = (await crisis.clocks(case["id"]))[TARGET]["waiting"]
    await crisis.after(hours=7)

    assert [(one["reason"], one["ends_at"]) for one in held] == [("waiting_for_customer", None)]
    assert (await crisis.clocks(case["id"]))[TARGET]["due_at"] == "2026-03-03T08:00:00Z"
