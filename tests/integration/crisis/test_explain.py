"""Explaining the clocks of a case over HTTP."""

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from tests.integration.crisis.test_documents import body_of
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, activate

FIELDS = {"id", "case_id", "matter_id", "policy", "policy_version", "calendar", "calendar_version", "health"} | {
    *("target", "cycle", "stage", "result", "has_breached", "breach_cause", "started_at", "due_at", "provisional"),
    *("due_if_resumed_now", "breached_at", "stopped_at", "elapsed_seconds", "paused_seconds", "closed_seconds"),
}


async def a_waiting_case(crisis):
    """A key customer's complaint: noticed after ten minutes, then an hour of waiting for the customer."""
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1"))
    case = await crisis.case_of("C-1")
    await crisis.after(minutes=10)
    await crisis.act(case["id"], "acknowledge")
    await crisis.act(case["id"], "wait", waiting_for="waiting_for_customer", reason="asked for the serial number")
    await crisis.after(hours=1)
    await crisis.act(case["id"], "continue")
    await crisis.after(minutes=20)
    return case


async def explained(crisis, case, **query):
    return await crisis.client.get(f"/v1/cases/{case['id']}/sla/explain", params=query)


async def test_the_explanation_says_what_the_clocks_say_and_why(crisis):
    case = await a_waiting_case(crisis)
    clocks = (await crisis.client.get(f"/v1/cases/{case['id']}/clocks")).json()["items"]

    answer = await explained(crisis, case, zone="Asia/Shanghai")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["case_id"], body["zone"], body["at_local"]) == (
        case["id"],
        "Asia/Shanghai",
        "2026-03-02T11:30:00+08:00",
    )
    for clock, said in zip(clocks, body["clocks"], strict=True):
        assert said.keys() >= FIELDS
        same = said.keys() & clock.keys() - {"segments", "warnings"}
        assert {name: said[name] for name in same} == {name: clock[name] for name in same}
        assert [(s["from"], s["to"], s["state"]) for s in said["segments"]] == [
            (s["from"], s["to"], s["state"]) for s in clock["segments"]
        ]
        assert said["sums"]["adds_up"] is True
    led = next(clock for clock in body["clocks"] if clock["target"] == "initial_resolution")
    assert led["local"]["due_at"] == "2026-03-03T11:00:00+08:00"
    assert led["sums"]["paused_us"] == 3_600_000_000
    (line,) = led["lines"]
    assert (line["policy"], line["policy_version"], line["governs"]) == ("key", 1, True)
    assert "moved it from 2026-03-03 10:00:00 +08:00 Tue to 2026-03-03 11:00:00 +08:00 Tue" in line["why"]["en"]
    assert [(e["type"], e["actor"]) for e in led["events"]][1:] == [("pause", "E-1042"), ("resume", "E-1042")]
    assert led["pins"][0]["calendars"] == [{"calendar": "cn-office", "version": 1}]


async def test_one_target_one_clock_or_one_matter_can_be_asked_for(crisis):
    case = await a_waiting_case(crisis)
    everything = (await explained(crisis, case)).json()["clocks"]
    first = everything[0]

    async def ids(**query):
        return [clock["id"] for clock in (await explained(crisis, case, **query)).json()["clocks"]]

    assert await ids(clock_id=first["id"]) == [first["id"]]
    assert await ids(target=first["target"]) == [c["id"] for c in everything if c["target"] == first["target"]]
    assert await ids(matter_id=first["matter_id"]) == [
        c["id"] for c in everything if c["matter_id"] == first["matter_id"]
    ]
    assert await ids(target="nothing") == []


async def test_text_follows_the_language_asked_for_else_the_callers(crisis):
    case = await a_waiting_case(crisis)
    english = await explained(crisis, case, format="text")
    chinese = await explained(crisis, case, format="text", lang="zh-CN", zone="Asia/Shanghai")
    by_header = await crisis.client.get(
        f"/v1/cases/{case['id']}/sla/explain",
        params={"format": "text"},
        headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.1"},
    )

    assert english.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"Clocks of case {case['number']}, explained" in english.text
    assert "等待客户" in chinese.text
    assert "2026-03-02 10:10:00 +08:00 周一" in chinese.text
    assert by_header.headers["content-language"] == "zh-CN"
    assert by_header.text.startswith(f"个案 {case['number']} 的时钟说明")


async def test_a_reason_of_ones_own_is_called_what_its_document_calls_it(crisis):
    reasons = await body_of(crisis, "wait-reasons", "default")
    customs = {**reasons["reasons"][0], "code": "held_at_customs", "for_whom": "third_party", "ends_on": []}
    customs["name"] = {"zh-CN": "海关查验中", "en": "Held at customs"}
    await activate(crisis, "wait-reasons", "default", {**reasons, "reasons": [*reasons["reasons"], customs]})
    case = await a_waiting_case(crisis)
    await crisis.act(case["id"], "wait", waiting_for="held_at_customs")
    await crisis.after(minutes=30)

    asked = {"zone": "Asia/Shanghai", "target": "initial_resolution"}
    chinese = (await explained(crisis, case, format="text", lang="zh-CN", **asked)).text
    english = (await explained(crisis, case, format="text", lang="en", **asked)).text
    picture = (await explained(crisis, case, format="svg", lang="zh-CN", **asked)).text

    paused = [line for line in chinese.splitlines() if "已暂停" in line and "→" in line]
    assert [line.split()[-1] for line in paused] == ["等待客户", "海关查验中"]
    assert "Held at customs" in english
    assert "海关查验中" in picture
    assert "held_at_customs" not in chinese + english + picture


async def test_the_picture_is_served_so_that_nothing_in_it_can_run(crisis):
    case = await a_waiting_case(crisis)
    answer = await explained(crisis, case, format="svg", zone="America/New_York")

    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ET.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"zone": "Asia/Peking"}, "/query/zone"),
        ({"zone": "../etc/passwd"}, "/query/zone"),
        ({"format": "pdf"}, "/query/format"),
        ({"lang": "fr"}, "/query/lang"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_its_place(crisis, query, pointer):
    await crisis.deliver(a_complaint("C-1"))
    answer = await explained(crisis, await crisis.case_of("C-1"), **query)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_case_that_is_not_there_is_not_found(crisis):
    assert (await explained(crisis, {"id": "nothing"})).status_code == 404


async def test_a_breach_is_explained_with_its_cause(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1"))
    await crisis.step(MONDAY + timedelta(hours=2))
    answer = await explained(crisis, await crisis.case_of("C-1"), target="acknowledge")

    (clock,) = answer.json()["clocks"]
    assert clock["breach"]["at"] == "2026-03-02T02:30:00Z"
    assert clock["breach"]["cause"] == "due"
    assert [one["threshold"] for one in clock["warnings"]] == ["50%", "90%"]


async def test_a_limit_by_law_is_explained_with_its_regime_and_source(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1", regulated="uk-fca-disp"))
    case = await crisis.case_of("C-1")

    (told,) = (await explained(crisis, case, target="final_answer")).json()["clocks"]
    text = (await explained(crisis, case, target="final_answer", format="text")).text

    assert (told["statutory"], told["regime"]) == (True, "UK FCA DISP")
    assert "DISP 1.6.2R" in told["source"]
    assert "statutory · UK FCA DISP · " in text
