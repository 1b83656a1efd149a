"""A key customer complains: the first solution was promised within 24 hours, and nobody gives it."""

from datetime import timedelta
from uuid import uuid4

from services.commands.names import ServiceName
from tests.support.told_facts import a_complaint, regular_orders


async def test_the_24_hour_clock_of_a_key_customer_warns_then_breaks_and_the_next_level_is_called(world):
    customer = f"C-{uuid4().hex[:8]}"
    now = await world.now()
    await world.tell(*regular_orders(customer, until=now, every=timedelta(days=40), amount="40000.00"))
    tier = await world.client.get(ServiceName.SCORING, f"/v1/customers/{customer}/tier")
    assert tier["service_class"] == "key"

    await world.tell(a_complaint(customer, at=now, impact="medium"))
    case = await world.case_of(customer)
    assert (case["type"], case["service_class"]) == ("complaint", "key")
    await world.act(case["id"], "acknowledge")
    await world.act(case["id"], "respond", text="we look into it")
    clock = (await world.clocks_of(case["id"]))["initial_resolution"]
    assert clock["due_at"] == _text(now + timedelta(hours=24))
    world.new_mails(about=case["number"])

    await world.go_on(hours=23, minutes=59)
    clock = (await world.clocks_of(case["id"]))["initial_resolution"]
    assert clock["has_breached"] is False
    assert [warning["threshold"] for warning in clock["warnings"]][:2] == ["50%", "75%"]

    await world.go_on(minutes=2)
    clock = (await world.clocks_of(case["id"]))["initial_resolution"]
    assert (clock["has_breached"], clock["breached_at"]) == (True, _text(now + timedelta(hours=24)))
    told = {mail.to for mail in world.new_mails(about=case["number"])}
    assert "team-lead@example.com" in told

    entries = await world.client.get(ServiceName.CRISIS, f"/v1/cases/{case['id']}/timeline?page_size=1000")
    kinds = [entry["kind"] for entry in entries["items"]]
    assert kinds.index("clock.breached") < kinds.index("escalation.raised")


def _text(at):
    return at.isoformat().replace("+00:00", "Z")
