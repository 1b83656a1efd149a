"""Events that come again, late, or with more in them than was agreed."""

from datetime import timedelta

import pytest

from tests.support.crisis import MONDAY, a_complaint, a_mention, a_message_event, a_snapshot, an_event


def merged(old, new, hour):
    return an_event("customer.merged.v1", old, MONDAY + timedelta(hours=hour), {"into_customer_id": new})


def acknowledged(case, **after):
    told = {"delivery_id": "d-1", "person": "E-7", "means": "link"}
    return a_message_event("acknowledged", case, at=MONDAY + timedelta(**after), **told)


@pytest.mark.parametrize("again", [(0,), (1, 0), (0, 1, 0)])
async def test_the_last_word_on_who_is_who_holds_in_whatever_order_it_is_told_again(crisis, again):
    """The two have different keys: after a crash one partition may tell its part again, and another not."""
    told = [merged("A", "B", 0), merged("B", "A", 1)]
    for event in told:
        await crisis.deliver(event)
    aliases = "select id, into_id from customer_alias order by id"
    known = [tuple(row) for row in await crisis.rows(aliases)]

    for number in again:
        await crisis.deliver(told[number])

    assert [tuple(row) for row in await crisis.rows(aliases)] == known


@pytest.mark.parametrize("unknown", [{"regulated": 5}, {"category": "a\x00b"}, {"remedy_sought": {"text": "money"}}])
async def test_fields_that_the_contract_does_not_know_reach_nothing(crisis, unknown):
    await crisis.deliver(a_mention("C-1", **unknown))

    (matter,) = (await crisis.case_of("C-1"))["matters"]
    assert (matter["regulated"], matter["category"], matter["remedy_sought"]) == (None, None, None)


async def test_an_acknowledgement_that_is_delivered_after_a_later_one_still_was_in_time(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1"))
    case = await crisis.case_of("C-1")
    early = acknowledged(case, minutes=5)
    await crisis.after(hours=1)
    await crisis.act(case["id"], "acknowledge")
    assert (await crisis.clocks(case["id"]))["acknowledge"]["result"] == "missed"

    await crisis.deliver(early)

    clock = (await crisis.clocks(case["id"]))["acknowledge"]
    assert (clock["result"], clock["stopped_at"]) == ("met", "2026-03-02T02:05:00Z")
    assert [e["target"] for e in await crisis.events("clock.corrected")] == ["acknowledge"]


async def test_an_acknowledgement_of_earlier_news_takes_no_notice_of_what_came_after_it(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1", complaint_id="CMP-1"))
    case = await crisis.case_of("C-1")
    early = acknowledged(case, minutes=5)
    await crisis.after(minutes=10)
    await crisis.deliver(a_complaint("C-1", at=crisis.clock.now(), complaint_id="CMP-2"))

    await crisis.deliver(early)

    matters = {m["reference"]: m["acknowledged_at"] for m in (await crisis.case_of("C-1"))["matters"]}
    assert matters == {"CMP-1": "2026-03-02T02:05:00Z", "CMP-2": None}
