"""Departments owe promises: which one is said by the policy, stays with the clock, and is what reports group by."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path

import httpx

from tests.integration.crisis.test_documents import body_of
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, activate


async def a_case(crisis, customer="C-1", service_class="key", **fields):
    await crisis.deliver(a_snapshot(customer, service_class), a_complaint(customer, at=crisis.clock.now(), **fields))
    return (await crisis.case_of(customer))["id"]


async def groups(crisis, **params):
    answer = await crisis.client.get("/v1/reports/attainment", params={"by": "department", **params})
    assert answer.status_code == 200, answer.text
    return {row["department"]: row for row in answer.json()["groups"]}


async def a_version(crisis, key, change):
    """A new active version of a shipped policy."""
    await activate(crisis, "sla-policies", key, change(await body_of(crisis, "sla-policies", key)))


def without_departments(body):
    body.pop("department")
    body["targets"] = {n: {k: v for k, v in t.items() if k != "department"} for n, t in body["targets"].items()}
    return body


async def test_a_task_runs_for_its_own_department_within_its_own_time_and_is_reported(crisis):
    case = await a_case(crisis)

    started = await crisis.act(case, "start-task", task="legal_review", reason="the customer claims damages")
    again = await crisis.act(case, "start-task", task="legal_review")
    running = (await crisis.clocks(case))["task:legal_review"]
    await crisis.after(hours=5)
    finished = await crisis.act(case, "finish-task", task="legal_review", by="E-3001", text="clause 12")

    assert (started.status_code, again.status_code, finished.status_code) == (200, 409, 200)
    # Eight open hours from Monday 10:00 in Shanghai: seven until 18:00 with the lunch hour off, one on Tuesday.
    told = ("department", "matter_id", "policy", "due_at", "stage")
    assert [running[name] for name in told] == ["legal", None, "key", "2026-03-03T02:00:00Z", "in_progress"]
    legal = (await groups(crisis))["legal"]
    assert (legal["clocks"], legal["met"], legal["ratio_due"]) == (1, 1, 1.0)
    entries = [(e["kind"], e["actor"], e["data"]["department"]) for e in await crisis.timeline(case)
               if e["kind"].startswith("task.")]  # fmt: skip
    assert entries == [("task.started", "E-1042", "legal"), ("task.finished", "E-3001", "legal")]
    events = await crisis.events("clock.started", "clock.met")
    assert [e["department"] for e in events if e["target"] == "task:legal_review"] == ["legal", "legal"]


async def test_a_task_that_is_late_breaks_an_internal_promise_and_may_be_wanted_again(crisis):
    case = await a_case(crisis, service_class="strategic")
    await crisis.act(case, "start-task", task="public_statement")
    await crisis.after(hours=6)

    late = (await groups(crisis, target="task:public_statement"))["marketing"]
    await crisis.act(case, "finish-task", task="public_statement")
    await crisis.act(case, "start-task", task="public_statement")
    called_off = await crisis.act(case, "cancel-task", task="public_statement", reason="nobody asked")
    await crisis.act(case, "start-task", task="public_statement")

    (breached,) = [e for e in await crisis.events("clock.breached") if e["target"] == "task:public_statement"]
    assert (breached["department"], breached["at"]) == ("marketing", "2026-03-02T07:00:00Z")
    assert late["breached_open"] == 1
    assert called_off.status_code == 200
    row = (await groups(crisis, target="task:public_statement"))["marketing"]
    assert (row["clocks"], row["breached_closed"], row["cancelled"], row["running"]) == (3, 1, 1, 1)


async def test_a_task_may_be_one_matters_own_and_ends_with_it_while_the_cases_own_goes_on(crisis):
    case = await a_case(crisis)
    matter = await crisis.value("select id from matter where case_id = $1", case)
    await crisis.act(case, "start-task", task="cause_analysis", matter_id=matter)
    await crisis.act(case, "start-task", task="cause_analysis")
    await crisis.act(case, "resolve", resolution="fixed")

    rows = await crisis.rows("select matter_id, stage from clock where target = 'task:cause_analysis' order by id")
    await crisis.act(case, "close")
    ended = await crisis.value("select count(*) from clock where stage in ('in_progress', 'paused')")

    assert [tuple(row) for row in rows] == [(matter, "cancelled"), (None, "in_progress")]
    assert ended == 0


async def test_what_the_policy_does_not_have_or_nobody_works_on_is_refused_with_the_rule(crisis):
    case = await a_case(crisis, service_class="basic")

    unknown = await crisis.act(case, "start-task", task="executive_visit")
    idle = await crisis.act(case, "finish-task", task="legal_review")
    elsewhere = await crisis.act(case, "start-task", task="legal_review", matter_id="none")
    await crisis.act(case, "start-task", task="legal_review")
    unsaid = await crisis.act(case, "cancel-task", task="legal_review")

    (error,) = unknown.json()["errors"]
    assert (unknown.status_code, error["pointer"], error["rule"]) == (422, "/task", "unknown-task")
    assert error["detail"].endswith(": cause_analysis, legal_review, public_statement, recovery_offer")
    assert [answer.status_code for answer in (idle, elsewhere, unsaid)] == [409, 409, 409]


async def test_the_department_follows_the_promise_in_force_and_each_cycle_keeps_its_own(crisis):
    def vip(body):
        body["targets"]["update_cadence"] = {**body["targets"]["update_cadence"], "department": "vip_desk"}
        return body

    await a_version(crisis, "strategic", vip)
    case = await a_case(crisis)
    await crisis.after(hours=1)
    await crisis.act(case, "update")
    await crisis.deliver(a_snapshot("C-1", "strategic", version=2))

    clocks = await crisis.clocks(case)
    assert (clocks["update_cadence"]["department"], clocks["resolution"]["department"]) == ("vip_desk", "service")
    by_department = await groups(crisis, target="update_cadence")
    assert {name: (row["met"], row["running"]) for name, row in by_department.items()} == {
        "service": (1, 0), "vip_desk": (0, 1),
    }  # fmt: skip


async def test_what_no_department_owes_is_a_group_of_its_own_and_departments_filter(crisis):
    await a_case(crisis, "C-1")
    await a_version(crisis, "key", without_departments)
    case = await a_case(crisis, "C-2")
    await crisis.act(case, "start-task", task="legal_review")
    await crisis.step(MONDAY + timedelta(days=2))

    everybody = await groups(crisis)
    of_service = await crisis.client.get("/v1/reports/attainment", params={"department": "service", "by": "policy"})
    table = await crisis.client.get("/v1/reports/attainment", params={"by": "department", "format": "csv"})

    assert {name: row["clocks"] for name, row in everybody.items()} == {None: 6, "service": 5}
    assert of_service.json()["total"]["clocks"] == 5
    assert [line.split(",")[:2] for line in table.text.splitlines()] == [
        ["department", "clocks"], ["", "6"], ["service", "5"],
    ]  # fmt: skip


PAGE = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")


async def test_the_examples_of_the_page_answer_as_it_says(crisis):
    case = await a_case(crisis)
    said = re.findall(r"```http\nPOST /v1/cases/\$CASE/([\w-]+)\n(.*)\n(\d+) ?(.*)\n```", PAGE)

    for action, body, status, problem in said:
        answer = await crisis.act(case, action, **json.loads(body))

        assert answer.status_code == int(status), answer.text
        if problem:
            (error,) = answer.json()["errors"]
            assert f"{error['pointer']} {error['rule']}" == problem
    assert len(said) == 4


async def test_every_report_that_the_page_asks_for_is_answered(crisis):
    case = await a_case(crisis, regulated="cn-public-opinion-other")
    await crisis.act(case, "start-task", task="legal_review")
    await crisis.act(case, "wait", waiting_for="waiting_for_customer")
    asked = []
    blocks = re.findall(r"```sh\n(.*?)\n```", PAGE, flags=re.DOTALL)
    for line in re.sub(r"\\\n", " ", "\n".join(blocks)).splitlines():
        words = shlex.split(line.partition(" | ")[0])
        (url,) = [word for word in words if word.startswith("http")]
        given = [words[place + 1].partition("=") for place, word in enumerate(words) if word == "-d"]
        params = httpx.QueryParams([(name, value) for name, _, value in given])
        answer = await crisis.client.get(httpx.URL(url).raw_path.decode(), **({"params": params} if given else {}))
        assert answer.status_code == 200, (line, answer.text)
        asked.append(httpx.URL(url).path.rpartition("/")[2])

    assert set(asked) == {"attainment", "handling-time", "waiting", "fairness"}
