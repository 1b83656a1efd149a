"""The state is a function of the set of facts: any order, batches and repeats; and an independent oracle agrees."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.store.metric_definitions import DEFINITIONS
from services.scoring.usecases.tell_tier import read_evidence
from shared.db.database import raw_connection
from tests.support.facts import (
    MONDAY,
    a_complaint,
    a_contact,
    a_mention,
    a_profile,
    a_refund,
    a_withdrawal,
    ago,
    an_answer,
    an_order,
)
from tests.support.metric_oracle import Oracle
from tests.support.scoring import RFM, Scoring

CUSTOMERS = ("C-1", "C-2")
LATER = timedelta(minutes=4)
"""Within what producers' clocks may be ahead."""

EDGES = [0, 1, 2, *(edge + step for edge in (30, 90, 180, 365, 730) for step in (-1, 0, 1, 2)), 800]
"""Days ago on which something enters or leaves a window."""
TODAY = MONDAY - timedelta(hours=10)
"""Midnight in Shanghai."""
moments = st.one_of(
    st.tuples(st.sampled_from(EDGES), st.sampled_from([0, 1, 43_200, 86_399])).map(
        lambda drawn: min(TODAY - timedelta(days=drawn[0]) + timedelta(seconds=drawn[1]), MONDAY + LATER)
    ),
    st.integers(-240, 3 * 86400).map(lambda seconds: ago(seconds=seconds)),
)
amounts = st.sampled_from(["0.00", "0.01", "99.90", "500.00", "60000.00", "250000.00"])
orders = st.sampled_from(["SO-1", "SO-2", "SO-3", "SO-4"])
customers = st.sampled_from(CUSTOMERS)
KINDS = (*["order"] * 3, "refund", "contact", "complaint", "withdrawal", "mention", "answer", "profile")


@st.composite
def facts(draw):
    customer, at = draw(customers), draw(moments)
    kind = draw(st.sampled_from(KINDS))
    match kind:
        case "order":
            quantity = draw(st.sampled_from([None, 1, 2.5]))
            cost = draw(st.sampled_from([None, "10.00"]))
            order = f"{customer}-{draw(orders)}"
            return an_order(customer, at, draw(amounts), order=order, quantity=quantity, cost=cost)
        case "refund":
            amount = draw(st.sampled_from(["0.01", "99.90", "500.00", "250000.00"]))
            return a_refund(f"{customer}-{draw(orders)}", amount, customer, at)
        case "contact":
            return a_contact(customer, at)
        case "complaint":
            return a_complaint(customer, at, complaint=f"{customer}-{draw(st.sampled_from('ab'))}")
        case "withdrawal":
            return a_withdrawal(f"{customer}-{draw(st.sampled_from('ab'))}", customer, at)
        case "mention":
            sentiment = draw(st.sampled_from([-1, -0.25, 0, 0.8]))
            return a_mention(customer, at, sentiment=sentiment, reach=draw(st.sampled_from([None, 0, 7, 52000])))
        case "answer":
            return an_answer(customer, at, score=draw(st.integers(1, 5)), scale=draw(st.sampled_from(["nps", "csat5"])))
        case _:
            since = draw(st.sampled_from([None, "2019-06-01", "2026-02-01"]))
            return a_profile(customer, at, since=since, name=draw(st.sampled_from(["甲", "乙"])))


@st.composite
def told_twice(draw):
    """A set of facts, and the same facts shuffled, some repeated, in batches."""
    known = draw(st.lists(facts(), min_size=1, max_size=24))
    again = [*known, *draw(st.lists(st.sampled_from(known), max_size=6))]
    return known, draw(st.permutations(again)), draw(st.integers(1, 9))


async def state(scoring: Scoring) -> dict:
    """Everything that must not depend on the way that the facts came."""
    return {
        "metrics": {c: await values(scoring, c) for c in CUSTOMERS},
        "standing": [
            tuple(row)
            for row in await scoring.rows(
                "select customer_id, model, model_version, state, tier, rank, service_class from standing order by 1, 2"
            )
        ],
        "customer": [
            tuple(row)
            for row in await scoring.rows(
                "select id, name, since, t.segment, service_class, service_class_source, primary_model, revenue_band,"
                " published, field_times from customer join customer_state t on t.customer_id = id order by id"
            )
        ],
        "facts": await scoring.value("select count(*) from fact"),
    }


async def values(scoring: Scoring, customer: str) -> dict[str, Fraction | int | str | None]:
    async with scoring.service.base.database.read() as connection:
        raw = await raw_connection(connection)
        (model,) = await scoring.models.active(raw)
        found = await read_evidence(raw, model, customer, as_of=scoring.clock.now(), keys=frozenset(DEFINITIONS))
    return {key: told.value for key, told in found.items()}


async def forget(scoring: Scoring) -> None:
    await scoring.rows(
        "truncate fact, purchase, refund, interaction, complaint, mention, survey_answer, rating, customer,"
        " customer_state, standing, tier_history, subject, outbox, door"
    )


@pytest.mark.timeout(500)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(told=told_twice())
async def test_arrival_does_not_matter_and_the_oracle_agrees(scoring, told):
    known, shuffled, batch = told
    await forget(scoring)
    await scoring.deliver(*known)
    expected = await state(scoring)
    for customer in CUSTOMERS:
        mine = [event for event in known if event.subject == customer]
        oracle = Oracle(mine, as_of=MONDAY, zone="Asia/Shanghai", currency="CNY").metrics() if mine else {}
        shared = expected["metrics"][customer].keys() & oracle.keys()
        assert {key: expected["metrics"][customer][key] for key in shared} == {key: oracle[key] for key in shared}

    await forget(scoring)
    await scoring.deliver(*shuffled, batch=batch)

    assert await state(scoring) == expected
    assert await looked_at_in_time(scoring)


async def looked_at_in_time(scoring: Scoring) -> bool:
    """What the sweep has planned is never later than what a look at everything would plan."""
    planned = {row[0]: row[1] for row in await scoring.rows("select customer_id, next_change_at from standing")}
    await scoring.rows("update standing set next_change_at = $1", scoring.clock.now())
    await scoring.sweep()
    whole = {row[0]: row[1] for row in await scoring.rows("select customer_id, next_change_at from standing")}
    return all(
        whole[customer] is None or (planned[customer] is not None and planned[customer] <= whole[customer])
        for customer in whole
    )


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_a_refund_before_its_order_has_the_same_end(scoring, batch):
    facts = [a_refund("SO-1", "400.00"), an_order(at=ago(days=3), amount="1000.00", order="SO-1")]

    await scoring.deliver(*facts, batch=batch)

    metrics = await scoring.metrics("C-1")
    assert (metrics["spend_90d"], metrics["refunds_365d"]) == ("600.00", "400.00")


async def test_a_late_fact_adds_an_entry_effective_now(scoring):
    await scoring.deliver(an_order(at=ago(days=200), amount="100.00"))
    scoring.clock.move(MONDAY + timedelta(days=1))

    await scoring.deliver(*(an_order(at=ago(days=n), amount="150000.00") for n in (60, 61, 62, 63)))

    entries = (await scoring.get("/v1/customers/C-1/tier-history"))["items"]
    assert [entry["valid_from"] for entry in entries] == ["2026-03-03T02:00:00Z", "2026-03-02T02:00:00Z"]


async def test_an_order_taken_back_in_its_own_batch_does_not_hide_the_one_before(scoring):
    await scoring.deliver(an_order(at=ago(days=1)))
    due = (await scoring.standing("C-1"))["next_change_at"]

    await scoring.deliver(an_order(order="SO-9", amount="5.00"), a_refund("SO-9", "5.00"))

    assert (await scoring.standing("C-1"))["next_change_at"] == due


async def test_of_two_tellings_of_one_order_the_later_wins(scoring):
    first = an_order(at=ago(days=3), amount="10.00", order="SO-1", told_at=ago(days=3))
    corrected = an_order(at=ago(days=40), amount="25.00", order="SO-1", told_at=ago(days=1))

    await scoring.deliver(corrected)
    await scoring.deliver(first)

    metrics = await scoring.metrics("C-1")
    assert (metrics["spend_90d"], metrics["purchases_90d"], metrics["days_since_last_purchase"]) == ("25.00", 1, 40)
    assert (await scoring.standing("C-1", RFM))["next_change_at"] is not None
