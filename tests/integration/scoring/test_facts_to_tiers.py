"""From facts to tiers: first grading, up and down, reversal, and what is told of it (SC-4, SC-7, SC-9)."""

from datetime import timedelta

from tests.support.facts import MONDAY, a_complaint, a_profile, a_refund, ago, an_order


def steady(customer: str = "C-1", *, amount: str = "60000.00", orders: int = 10):
    """One order every three weeks, the last a week ago."""
    return [
        an_order(customer, ago(days=7 + 21 * number), amount, order=f"{customer}-{number}") for number in range(orders)
    ]


async def test_a_steady_buyer_of_two_years_is_core_and_strategic(scoring):
    await scoring.deliver(*steady(orders=34), a_profile(since="2023-01-01"))

    told = await scoring.tier("C-1")
    assert (told["tier"], told["service_class"], told["rank"], told["score"]) == ("core", "strategic", 1, 15)
    assert (told["lifecycle"], told["primary"], told["cause"]) == ("effective", True, "data")
    assert told["bands"] == {"days_since_last_purchase": "high", "purchases_90d": "high", "spend_365d": "high"}
    assert sum(part["contribution"] for part in told["contributions"]) == told["score"]


async def test_the_first_grading_is_initial_and_tells_both_topics_with_rising_versions(scoring):
    await scoring.deliver(an_order())

    changed, snapshot = await scoring.events()
    assert changed["event"] == "tier.changed"
    assert (changed["direction"], changed["from_tier"], changed["to_tier"]) == ("initial", None, "general")
    assert (changed["previous_service_class"], changed["service_class"], changed["cause"]) == (
        "standard",
        "standard",
        "data",
    )
    assert snapshot["event"] == "customer.snapshot"
    assert snapshot["tiers"] == {"rfm-lifecycle": "general"}
    assert (snapshot["service_class"], snapshot["service_class_source"]) == ("standard", "graded")
    assert [changed["version"], snapshot["version"]] == [1, 2]
    rows = await scoring.rows("select header_names, header_values from outbox order by seq")
    sequences = [dict(zip(row[0], row[1], strict=True))["ce_sequence"] for row in rows]
    assert sequences == [b"1", b"2"], "the version is the sequence of the event"


async def test_an_order_that_moves_no_band_tells_nobody(scoring):
    await scoring.deliver(an_order(at=ago(days=3), amount="100.00"), an_order(at=ago(days=3), amount="100.00"))
    before = len(await scoring.events())

    await scoring.deliver(an_order(at=ago(days=3), amount="1.00"))

    assert len(await scoring.events()) == before
    assert await scoring.value("select count(*) from fact") == 3


async def test_more_purchases_upgrade_and_are_told_with_the_bands_that_moved(scoring):
    await scoring.deliver(an_order(at=ago(days=40), amount="100.00"))

    await scoring.deliver(*(an_order(at=ago(days=n), amount="130000.00") for n in (1, 2, 3, 4)))

    change = (await scoring.events("tier.changed"))[-1]
    assert (change["direction"], change["from_tier"], change["to_tier"]) == ("upgrade", "general", "potential")
    assert (change["previous_service_class"], change["service_class"]) == ("standard", "key")
    moved = {reason["indicator"]: (reason["before"], reason["after"]) for reason in change["reasons"]}
    assert moved == {
        "days_since_last_purchase": ("medium", "high"),
        "purchases_90d": ("low", "high"),
        "spend_365d": ("low", "high"),
    }


async def test_a_refund_in_full_takes_the_order_back_as_if_it_had_never_been(scoring):
    await scoring.deliver(an_order(at=ago(days=40), amount="100.00"))
    plain = await scoring.metrics("C-1")
    await scoring.deliver(an_order(at=ago(days=1), amount="600000.00", order="big"))
    assert (await scoring.tier("C-1"))["tier"] == "potential"

    await scoring.deliver(a_refund("big", "200000.00"), a_refund("big", "400000.00"))

    assert {**await scoring.metrics("C-1"), "refunds_365d": None} == {**plain, "refunds_365d": None}
    assert (await scoring.metrics("C-1"))["refunds_365d"] == "600000.00"
    told = (await scoring.events("tier.changed"))[-1]
    assert (told["direction"], told["to_tier"]) == ("downgrade", "general")


async def test_a_refund_counts_against_the_period_of_its_order(scoring):
    await scoring.deliver(an_order(at=ago(days=100), amount="900.00", order="old"), an_order(amount="50.00"))
    await scoring.deliver(a_refund("old", "300.00"))

    metrics = await scoring.metrics("C-1")
    assert (metrics["spend_90d"], metrics["spend_90d_prev"]) == ("50.00", "600.00")


async def test_a_customer_of_whom_nothing_was_bought_has_the_default_class_and_no_tier(scoring):
    await scoring.deliver(a_complaint("C-9"))

    told = await scoring.tier("C-9")
    assert (told["state"], told["tier"], told["effective_tier"]) == ("insufficient_data", None, None)
    assert "days_since_last_purchase" in told["missing"]
    customer = await scoring.get("/v1/customers/C-9")
    assert (customer["service_class"], customer["service_class_source"]) == ("standard", "default")
    (snapshot,) = await scoring.events()
    assert (snapshot["service_class"], snapshot["tiers"]) == ("standard", {})


async def test_losing_the_data_ends_the_tier_and_says_so(scoring):
    await scoring.deliver(an_order(order="only"))
    await scoring.deliver(a_refund("only", "1000.00"))

    change = (await scoring.events("tier.changed"))[-1]
    assert (change["from_tier"], change["to_tier"], change["direction"]) == ("general", None, "downgrade")
    assert (await scoring.standing("C-1"))["state"] == "insufficient_data"

    await scoring.deliver(an_order(order="another"))
    assert (await scoring.events("tier.changed"))[-1]["direction"] == "upgrade", "it was graded before: not initial"


async def test_snapshots_band_money_and_follow_the_profile(scoring):
    await scoring.deliver(
        a_profile(name="Hua Xin Pumps", segment="manufacturing", region="CN-JS", account_manager="E-1")
    )
    await scoring.deliver(an_order(amount="123456.00"))

    snapshot = (await scoring.events("customer.snapshot"))[-1]
    assert snapshot["revenue_at_risk"] == {"currency": "CNY", "at_least": "100000", "below": "500000"}
    assert (snapshot["name"], snapshot["account_manager"]) == ("Hua Xin Pumps", "E-1")
    count = len(await scoring.events("customer.snapshot"))

    await scoring.deliver(an_order(amount="1.00"))
    assert len(await scoring.events("customer.snapshot")) == count, "an order inside the band tells nobody"
    await scoring.deliver(a_profile(at=MONDAY + timedelta(seconds=1), account_manager="E-2"))
    assert (await scoring.events("customer.snapshot"))[-1]["account_manager"] == "E-2"
    assert all("contacts" not in event for event in await scoring.events())


async def test_each_redelivery_changes_nothing(scoring):
    facts = [*steady(), a_profile(name="Hua Xin Pumps"), a_refund("C-1-3", "10.00")]
    await scoring.deliver(*facts)
    before = await scoring.rows("select * from outbox order by seq")

    await scoring.deliver(*facts, batch=3)

    assert await scoring.rows("select * from outbox order by seq") == before
    assert await scoring.value("select count(*) from fact") == len(facts)
