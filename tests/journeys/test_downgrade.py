"""A strategic customer falls: a case, clocks, a message, an acknowledgement by link, an answer, a solution."""

from datetime import timedelta
from uuid import uuid4

import aiohttp

from services.commands.names import ServiceName
from tests.support.told_facts import a_refund, regular_orders


async def test_downgrade_opens_a_case_whose_people_are_told_acknowledge_by_link_answer_and_resolve(world):
    customer = f"C-{uuid4().hex[:8]}"
    now = await world.now()
    orders = regular_orders(customer, until=now, every=timedelta(days=20), amount="60000.00")
    await world.tell(*orders)
    assert (await _tier(world, customer))["service_class"] == "strategic"

    await world.tell(*(a_refund(order, at=now, amount="35000.00") for order in orders[-4:]))

    assert (await _tier(world, customer))["service_class"] == "key"
    case = await world.case_of(customer)
    assert (case["type"], case["status"], case["stage"]) == ("tier_drop", "open", "warning")
    assert case["service_class"] == "strategic", "a fall does not loosen the promise of its own case"
    clocks = await world.clocks_of(case["id"])
    assert clocks["acknowledge"]["due_at"] == _text(now + timedelta(minutes=15))

    (mail,) = [m for m in world.new_mails(about=case["number"]) if m.to == "account-manager@example.com"]
    await world.go_on(minutes=5)
    async with aiohttp.ClientSession() as browser:
        async with browser.get(mail.ack_link) as page:
            assert page.status == 200
        await world.settle()
        assert (await world.case_of(customer))["acknowledged_at"] is None, "a mail scanner's look is no acknowledgement"
        async with browser.post(mail.ack_link) as done:
            assert done.status == 200
    await world.settle()

    acknowledged = await world.case_of(customer)
    assert acknowledged["acknowledged_at"] == _text(now + timedelta(minutes=5))
    assert (await world.clocks_of(case["id"]))["acknowledge"]["result"] == "met"

    await world.act(case["id"], "respond", text="We called the plant manager", means="call")
    assert (await world.clocks_of(case["id"]))["first_response"]["result"] == "met"
    await world.act(case["id"], "assess", cause="late deliveries", impact="orders given back", customer_wants="credit")
    await world.act(case["id"], "start-intervention")
    await world.act(case["id"], "propose-resolution", text="a credit note of two weeks")
    await world.act(case["id"], "resolve", resolution="credited")

    resolved = await world.case_of(customer)
    assert resolved["resolved_at"] is not None
    clocks = await world.clocks_of(case["id"])
    assert [clocks[target]["result"] for target in ("initial_resolution", "resolution")] == ["met", "met"]
    verified = await world.client.get(ServiceName.CRISIS, f"/v1/cases/{case['id']}/timeline/verification")
    assert verified["valid"] is True


async def test_nobody_is_called_higher_once_a_case_was_acknowledged(world):
    customer = f"C-{uuid4().hex[:8]}"
    now = await world.now()
    orders = regular_orders(customer, until=now, every=timedelta(days=20), amount="60000.00")
    await world.tell(*orders)
    await world.tell(*(a_refund(order, at=now, amount="35000.00") for order in orders[-4:]))
    case = await world.case_of(customer)
    await world.act(case["id"], "acknowledge")
    await world.act(case["id"], "respond", text="we are on it")
    world.new_mails(about=case["number"])

    await world.go_on(hours=2)

    assert [mail.to for mail in world.new_mails(about=case["number"]) if mail.to.startswith("department")] == []


async def _tier(world, customer):
    return await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/tier")


def _text(at):
    return at.isoformat().replace("+00:00", "Z")
