"""Customers regraded in batches: every running clock is retargeted, told and written, in one transaction."""

from datetime import timedelta

from tests.support.crisis import MONDAY, a_complaint, a_snapshot

MANY = [f"C-{number:03}" for number in range(70)]


async def test_a_batch_of_regraded_customers_tightens_every_running_clock_of_their_cases(crisis):
    await crisis.deliver(*(a_snapshot(id_, "standard") for id_ in MANY))
    await crisis.deliver(*(a_complaint(id_) for id_ in MANY))
    crisis.clock.move(MONDAY + timedelta(minutes=5))

    await crisis.deliver(*(a_snapshot(id_, "key", version=2) for id_ in MANY))

    clocks = await crisis.rows("select distinct target, policy, due_at, recorded from clock order by due_at")
    hours = [(row["target"], (row["due_at"] - MONDAY) / timedelta(hours=1)) for row in clocks]
    assert hours[:4] == [
        ("acknowledge", 0.5),
        ("first_response", 1),
        ("initial_resolution", 24),
        ("update_cadence", 24),
    ]
    assert {row["policy"].partition("@")[0] for row in clocks} == {"key"}
    told = await crisis.events("clock.retargeted")
    assert len(told) == 5 * len(MANY)
    assert {(e["behaviour"], e["cause"], e["previous_policy"], e["policy"]) for e in told} == {
        ("tighten_only", "tier_raised", "standard", "key")
    }
    assert await crisis.value("select count(*) from clock_event where type = 'retarget'") == 5 * len(MANY)


async def test_a_batch_of_regraded_customers_leaves_the_same_behind_as_one_after_the_other(crisis):
    first, second = MANY[:5], MANY[5:10]
    await crisis.deliver(*(a_snapshot(id_, "standard") for id_ in (*first, *second)))
    await crisis.deliver(*(a_complaint(id_) for id_ in (*first, *second)))

    await crisis.deliver(*(a_snapshot(id_, "strategic", version=2) for id_ in first))
    for id_ in second:
        await crisis.deliver(a_snapshot(id_, "strategic", version=2))

    state = (
        "select target, policy, recorded, told, due_at, next_at, warnings, elapsed_seconds, count(*) from clock"
        " where customer_id = any($1::text[]) group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1"
    )
    assert await crisis.rows(state, first) == await crisis.rows(state, second)
    said = (
        "select kind, summary, count(*) from timeline join crisis_case c on c.id = case_id"
        " where customer_id = any($1::text[]) group by 1, 2 order by 1, 2"
    )
    assert await crisis.rows(said, first) == await crisis.rows(said, second)
