"""Time alone: a customer who falls silent is regraded when an age or a window's edge moves a band, and not before."""

from datetime import timedelta

import pytest

from services.scoring.usecases.sweep import agenda
from tests.support.facts import MONDAY, a_profile, a_rating, ago, an_order
from tests.support.scoring import a_scoring
from tests.support.tier_models import weighted

BUYER = [an_order("C-1", ago(days=n), "60000.00", order=f"SO-{n}") for n in range(0, 700, 20)]


async def test_silence_takes_a_core_customer_down_step_by_step(scoring):
    await scoring.deliver(*BUYER)
    assert (await scoring.tier("C-1"))["tier"] == "core"

    await scoring.step(MONDAY + timedelta(days=400))

    changes = await scoring.events("tier.changed")
    assert [change["cause"] for change in changes] == ["data"] * len(changes)
    assert changes[0]["direction"] == "initial"
    assert (changes[1]["from_tier"], changes[1]["direction"]) == ("core", "downgrade")
    assert (changes[-1]["to_tier"], changes[-1]["direction"]) == ("churn_risk", "downgrade")
    assert all(change["effective_at"].endswith("T16:00:00Z") for change in changes[1:]), "midnight in Shanghai"
    assert (await scoring.standing("C-1"))["next_change_at"] is None, "there is nothing left to wait for"


async def test_the_sweep_says_what_a_fresh_look_would_say_on_every_day(scoring):
    await scoring.deliver(*BUYER)
    for day in range(1, 130, 3):
        await scoring.step(MONDAY + timedelta(days=day))
        told = await scoring.tier("C-1")
        assert (told["lifecycle"], told["tier"]) == ("effective", told["effective_tier"]), f"on day {day}"


async def test_nobody_is_looked_at_before_the_time(scoring):
    await scoring.deliver(an_order(at=MONDAY))
    due = (await scoring.standing("C-1"))["next_change_at"]
    assert due == (MONDAY - timedelta(hours=10)) + timedelta(days=30)

    scoring.clock.move(due - timedelta(seconds=1))
    assert await scoring.sweep() == 0
    scoring.clock.move(due)
    assert await scoring.sweep() == 1


async def test_quiescence_counts_who_is_due_and_says_when_the_next_is(scoring):
    await scoring.deliver(an_order(at=MONDAY))
    due = (await scoring.standing("C-1"))["next_change_at"]
    database = scoring.service.base.database

    before = await agenda(database, MONDAY)
    assert (before.due, before.next_due_at) == (0, due)
    scoring.clock.move(due)
    after = await agenda(database, due)
    assert (after.due, after.next_due_at) == (1, None)
    await scoring.sweep()
    assert (await agenda(database, due)).due == 0


async def test_an_order_a_little_ahead_of_the_clock_counts_when_its_time_has_come(scoring):
    ahead = MONDAY + timedelta(minutes=4)
    await scoring.deliver(an_order(at=ago(days=40), amount="1.00"), an_order(at=ahead, amount="600000.00"))
    assert (await scoring.metrics("C-1"))["purchases_90d"] == 1

    await scoring.step(ahead)

    assert (await scoring.metrics("C-1"))["purchases_90d"] == 2
    assert (await scoring.tier("C-1"))["effective_tier"] == "potential"


async def test_a_rating_ceases_to_count_at_the_instant_it_says(scoring_database):
    async with a_scoring(scoring_database, model=weighted(zone="Asia/Shanghai", currency="CNY")) as scoring:
        ends = MONDAY + timedelta(hours=5)
        await scoring.deliver(
            an_order(amount="1000.00", cost="100.00"),
            a_rating(dimension="influence", score=5, valid_until=ends),
        )
        assert (await scoring.metrics("C-1"))["rating.influence"] == 5

        stops = await scoring.step(ends)

        assert stops == 1
        assert (await scoring.metrics("C-1"))["rating.influence"] is None
        assert (await scoring.tier("C-1", model="weighted"))["bands"]["rating.influence"] is None


async def test_one_customer_who_cannot_be_graded_is_put_off_and_stops_nobody(scoring):
    await scoring.deliver(*(an_order(f"C-{n}", MONDAY, order=f"{n}-{k}") for n in range(5) for k in range(2)))
    await scoring.rows("update purchase set amount = 9223372036854775807 where customer_id = 'C-3'")
    due = (await scoring.standing("C-1"))["next_change_at"]
    scoring.clock.move(due)

    await scoring.sweep()

    assert (await scoring.standing("C-3"))["next_change_at"] == due + timedelta(hours=1)
    assert (await scoring.standing("C-4"))["next_change_at"] >= due + timedelta(days=1)


@pytest.mark.parametrize("days", [364, 365])
async def test_the_age_of_a_customer_counts_from_since(scoring, days):
    await scoring.deliver(an_order(), a_profile(since=(MONDAY - timedelta(days=days)).date().isoformat()))
    assert (await scoring.tier("C-1"))["lifecycle_stage"] == ("new" if days < 365 else "growing")
