"""A case that stands under an old id of its customer follows the customer: its class, its people, its figures."""

from datetime import timedelta

from tests.integration.crisis.test_documents import body_of
from tests.integration.crisis.test_merging import NEW, OLD, one_customer
from tests.support.crisis import a_complaint, a_snapshot, activate


async def a_case_under_the_old_id(crisis, *, old="basic", new="basic"):
    await crisis.deliver(a_snapshot(OLD, old), a_snapshot(NEW, new), a_complaint(OLD))
    return (await crisis.case_of(OLD))["id"]


async def class_of(crisis):
    return (await crisis.case_of(OLD))["service_class"]


async def test_a_better_class_of_the_customer_that_remains_tightens_the_case_under_the_old_id(crisis):
    case = await a_case_under_the_old_id(crisis)
    await one_customer(crisis)
    before = (await crisis.clocks(case))["resolution"]["due_at"]

    await crisis.deliver(a_snapshot(NEW, "strategic", version=2, account_manager="E-7"))

    assert await class_of(crisis) == "strategic"
    assert (await crisis.clocks(case))["resolution"]["due_at"] < before
    assert {event["cause"] for event in await crisis.events("clock.retargeted")} == {"tier_raised"}
    assert (await crisis.events("case.updated"))[-1]["account_manager"] == "E-7"


async def test_the_class_that_the_remaining_customer_has_already_holds_from_the_merge_on(crisis):
    await a_case_under_the_old_id(crisis, new="strategic")

    await one_customer(crisis)

    assert await class_of(crisis) == "strategic"


async def test_a_late_word_about_the_old_id_changes_nothing_any_more(crisis):
    policy = await body_of(crisis, "sla-policies", "key")
    await activate(crisis, "sla-policies", "key", {**policy, "tier_basis": "current"})
    await a_case_under_the_old_id(crisis, old="key", new="key")
    await one_customer(crisis)

    await crisis.deliver(a_snapshot(OLD, "basic", version=2))

    assert await class_of(crisis) == "key"


async def test_a_worse_class_of_the_customer_that_remains_is_served_where_the_policy_follows_the_tier(crisis):
    policy = await body_of(crisis, "sla-policies", "key")
    await activate(crisis, "sla-policies", "key", {**policy, "tier_basis": "current"})
    await a_case_under_the_old_id(crisis, old="key", new="key")
    await one_customer(crisis)
    await crisis.after(minutes=1)

    at = crisis.clock.now() - timedelta(seconds=1)
    await crisis.deliver(a_snapshot(NEW, "standard", version=2, at=at))

    assert await class_of(crisis) == "standard"


async def test_of_two_customers_only_one_that_was_merged_follows_the_other(crisis):
    await a_case_under_the_old_id(crisis)
    await crisis.deliver(a_complaint(NEW))

    await crisis.deliver(a_snapshot(NEW, "strategic", version=2))

    assert await class_of(crisis) == "basic"
    assert (await crisis.case_of(NEW))["service_class"] == "strategic"
