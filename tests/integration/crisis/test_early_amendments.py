"""What is told of a complaint before the complaint itself counts all the same, as if it had come after it."""

from datetime import timedelta

import pytest

from tests.integration.crisis.test_documents import body_of
from tests.integration.crisis.test_merging import NEW, OLD, one_customer
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, activate, an_event

COMPLAINT = a_complaint("C-1", complaint_id="CMP-1", impact="low")


def updated(customer="C-1", *, after=1, **fields):
    at = MONDAY + timedelta(seconds=after)
    return an_event("customer.complaint.updated.v1", customer, at, {"complaint_id": "CMP-1", **fields})


def withdrawn(customer="C-1"):
    said = {"complaint_id": "CMP-1", "reason": "solved between the warehouses"}
    return an_event("customer.complaint.withdrawn.v1", customer, MONDAY + timedelta(seconds=9), said)


TOLD = [COMPLAINT, updated(impact="critical", public=True), updated(after=2, impact="high", category="billing")]


async def mutes(crisis):
    return [one["reason"] for one in (await crisis.client.get("/v1/mutes")).json()["items"]]


async def standing(crisis, customer="C-1"):
    """The case as people see it, with its clocks."""
    case = await crisis.case_of(customer)
    (matter,) = case["matters"]
    seen = {name: matter[name] for name in ("title", "impact", "public", "category", "status")}
    clocks = await crisis.clocks(case["id"])
    return case["severity"], case["stage"], seen, {t: (c["stage"], c["due_at"]) for t, c in clocks.items()}


@pytest.mark.parametrize(
    "batches",
    [[[0], [1], [2]], [[1], [2], [0]], [[1, 0, 2]], [[2, 1, 0]], [[1], [0, 2]], [[2], [1], [0]]],
)
async def test_whatever_comes_first_the_case_stands_as_if_all_had_come_in_order(crisis, batches):
    await crisis.deliver(a_snapshot("C-1", "key"))
    crisis.clock.move(MONDAY + timedelta(seconds=10))

    for batch in batches:
        await crisis.deliver(*(TOLD[number] for number in batch))

    severity, stage, matter, clocks = await standing(crisis)
    assert (severity, stage) == ("S1", "warning")
    assert (matter["impact"], matter["public"], matter["category"]) == ("high", True, "billing")
    assert clocks["first_response"] == ("in_progress", "2026-03-02T03:00:00Z")
    assert await mutes(crisis) == []
    assert await crisis.value("select count(*) from early_amendment") == 0
    outcomes = await crisis.rows("select outcome, matter_id from trigger_event where type like '%updated%'")
    assert [row["outcome"] for row in outcomes] == ["amended", "amended"]
    assert {row["matter_id"] for row in outcomes} == {(await crisis.case_of("C-1"))["matters"][0]["id"]}


async def test_until_the_complaint_comes_the_event_says_why_it_did_nothing(crisis):
    event = updated(impact="critical")

    await crisis.deliver(event)
    await crisis.deliver(event)

    assert await mutes(crisis) == ["complaint_unknown"]
    assert await crisis.value("select count(*) from early_amendment") == 1


async def test_a_complaint_that_was_taken_back_before_it_came_ends_at_once_as_one_that_came_first_does(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"))
    crisis.clock.move(MONDAY + timedelta(seconds=10))

    for event in (withdrawn(), COMPLAINT, a_complaint("C-2", complaint_id="CMP-1", impact="low"), withdrawn("C-2")):
        await crisis.deliver(event)

    early, late = await standing(crisis), await standing(crisis, "C-2")
    assert early == late
    assert early[2]["status"] == "withdrawn"
    assert {early[3][name][0] for name in ("acknowledge", "first_response", "resolution")} == {"cancelled"}


async def test_what_came_early_ends_clocks_of_a_case_that_stood_before(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1", complaint_id="CMP-0"))
    await crisis.deliver(withdrawn())

    await crisis.deliver(COMPLAINT)

    matters = {one["reference"]: one["status"] for one in (await crisis.case_of("C-1"))["matters"]}
    assert matters == {"CMP-0": "open", "CMP-1": "withdrawn"}


async def test_what_is_told_of_a_complaint_that_is_over_is_not_kept(crisis):
    await crisis.deliver(COMPLAINT, withdrawn())

    await crisis.deliver(updated(impact="critical"))

    assert await mutes(crisis) == ["no_open_matter"]
    assert await crisis.value("select count(*) from early_amendment") == 0


async def test_it_waits_for_a_complaint_that_a_person_has_to_confirm(crisis):
    rule = await body_of(crisis, "trigger-rules", "complaint-received")
    await activate(
        crisis, "trigger-rules", "complaint-received", {**rule, "then": {**rule["then"], "action": "candidate"}}
    )
    await crisis.deliver(COMPLAINT)
    await crisis.deliver(updated(category="billing"))
    (candidate,) = (await crisis.client.get("/v1/candidates")).json()["items"]

    answer = await crisis.client.post(f"/v1/candidates/{candidate['id']}/confirm", json={"by": "E-1"})

    assert answer.status_code == 200, answer.text
    assert (await crisis.case_of("C-1"))["matters"][0]["category"] == "billing"
    assert await mutes(crisis) == []


async def test_it_is_found_though_the_customer_has_become_another_meanwhile(crisis):
    await crisis.deliver(updated(OLD, category="billing"))
    await one_customer(crisis)

    await crisis.deliver(a_complaint(NEW, complaint_id="CMP-1"))

    assert (await crisis.case_of(NEW))["matters"][0]["category"] == "billing"


async def test_it_is_about_the_complaint_of_that_customer_alone(crisis):
    await crisis.deliver(updated("C-2", category="billing"))

    await crisis.deliver(COMPLAINT)

    assert (await crisis.case_of("C-1"))["matters"][0]["category"] != "billing"
    assert await crisis.value("select count(*) from early_amendment") == 1
