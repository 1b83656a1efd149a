"""A customer's past counts for a new case, whoever opens it and under whichever of his ids it happened."""

from datetime import timedelta

import pytest

from shared.ids import new_id
from tests.support.crisis import MONDAY, a_complaint, a_mention, a_snapshot, activate, an_event


async def closed_cases(crisis, customer, count):
    for _ in range(count):
        await crisis.deliver(a_complaint(customer, at=crisis.clock.now(), impact="low"))
        case = (await crisis.case_of(customer))["id"]
        for action in ("resolve", "close"):
            assert (await crisis.act(case, action)).status_code == 200
        crisis.clock.move(crisis.clock.now() + timedelta(hours=1))
    return case


async def by_hand(crisis, customer, **fields):
    body = {"customer_id": customer, "title": "The plant manager called", "impact": "low", **fields}
    return await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": new_id()})


async def one_customer(crisis, old, new, at=MONDAY):
    await crisis.deliver(an_event("customer.merged.v1", old, at, {"into_customer_id": new}))


async def test_the_third_case_of_a_year_is_graver_also_when_a_person_opens_it(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"))
    await closed_cases(crisis, "C-1", 2)

    third, first = await by_hand(crisis, "C-1"), await by_hand(crisis, "C-2")

    assert (third.json()["severity"], first.json()["severity"]) == ("S2", "S3")


async def test_a_candidate_that_is_confirmed_is_chained_to_the_last_case_and_says_what_it_came_of(crisis):
    await crisis.deliver(a_snapshot("OLD", "key"), a_snapshot("NEW", "key"))
    last = await closed_cases(crisis, "NEW", 2)
    rule = (await crisis.client.get("/v1/trigger-rules/complaint-received")).json()["body"]
    rule["then"]["action"] = "candidate"
    await activate(crisis, "trigger-rules", "complaint-received", rule)
    await crisis.deliver(a_complaint("OLD", at=crisis.clock.now(), impact="low"))
    await one_customer(crisis, "OLD", "NEW")
    (candidate,) = (await crisis.client.get("/v1/candidates")).json()["items"]

    case = (await crisis.client.post(f"/v1/candidates/{candidate['id']}/confirm", json={})).json()

    assert (case["customer_id"], case["severity"], case["previous_case_id"]) == ("NEW", "S2", last)
    assert [trigger["event_id"] for trigger in case["triggers"]] == [candidate["event_id"]]


@pytest.mark.parametrize(("of_old", "of_new"), [("OLD", "NEW"), ("NEW", "OLD")])
async def test_cases_and_counted_events_of_the_other_id_are_the_customers_own(crisis, of_old, of_new):
    await crisis.deliver(a_snapshot("OLD", "key"), a_snapshot("NEW", "key"))
    await closed_cases(crisis, of_old, 2)
    await crisis.deliver(*(a_mention(of_old, at=crisis.clock.now(), reach=5) for _ in range(2)))
    await one_customer(crisis, "OLD", "NEW")

    await crisis.deliver(a_mention(of_new, at=crisis.clock.now(), reach=5))

    case = await crisis.case_of("NEW")
    assert case["rule"] == "negative-opinion-repeated"
    assert await crisis.value("select earlier_cases from crisis_case where id = $1", case["id"]) == 2


async def test_a_drill_and_a_real_case_never_become_one_by_hand(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"), a_complaint("C-1"))
    assert (await by_hand(crisis, "C-2", drill=True)).status_code == 201

    answers = await by_hand(crisis, "C-1", drill=True), await by_hand(crisis, "C-2")

    assert [(a.status_code, a.json()["type"]) for a in answers] == [(409, "/problems/drill-and-real")] * 2
    assert await crisis.value("select count(*) from matter") == 2
