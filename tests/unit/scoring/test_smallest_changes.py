"""Counterfactuals: what is told is true, is smallest, and could be done."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.explain import Grade, evaluate_one
from services.scoring.domain.explain_changes import Change
from tests.support.tier_models import shipped

RFM = {
    "days_since_last_purchase": 12,
    "purchases_90d": 3,
    "spend_365d": 40_000_000,
    "customer_age_days": 900,
    "spend_90d": 10_000_000,
    "spend_90d_prev": 10_000_000,
}


def grade(metrics: dict) -> Grade:
    return evaluate_one(shipped("rfm-lifecycle"), metrics)


def steps(change: Change) -> dict:
    return {step.metric: step.wanted for step in change.steps}


def test_the_nearest_edge_of_the_next_band_is_told():
    found = [steps(change) for change in grade(RFM).smallest_changes if change.direction == "up"]
    assert found[:2] == [{"spend_365d": 50_000_000}, {"purchases_90d": 4}] or found[:2] == [
        {"purchases_90d": 4},
        {"spend_365d": 50_000_000},
    ]


def test_where_one_change_does_not_suffice_two_are_told():
    far = RFM | {"days_since_last_purchase": 80}
    assert (grade(far).tier, grade(far).score) == ("potential", 9)
    ups = [change for change in grade(far).smallest_changes if change.direction == "up"]
    assert ups
    assert {len(change.steps) for change in ups} == {2}
    assert {change.tier for change in ups} == {"core"}
    assert {"days_since_last_purchase": 30, "purchases_90d": 4} in [steps(change) for change in ups]


def test_the_past_is_not_asked_to_change():
    declining = RFM | {"purchases_90d": 4, "spend_365d": 50_000_000, "spend_90d": 70, "spend_90d_prev": 100}
    ups = [steps(change) for change in grade(declining).smallest_changes if change.direction == "up"]
    assert ups == [{"spend_90d": 71}]


def test_age_is_asked_to_grow_and_never_to_shrink():
    new = RFM | {"purchases_90d": 4, "customer_age_days": 100}
    assert {"customer_age_days": 365} in [steps(change) for change in grade(new).smallest_changes]
    old = new | {"customer_age_days": 400}
    assert all("customer_age_days" not in steps(change) for change in grade(old).smallest_changes)


def test_without_a_grade_nothing_is_told():
    assert grade({"days_since_last_purchase": 3}).smallest_changes == ()


@settings(max_examples=60, deadline=None)
@given(
    days=st.integers(0, 400),
    purchases=st.integers(0, 6),
    spend=st.integers(0, 60_000_000),
    quarter=st.integers(0, 200),
    before=st.integers(0, 200),
)
def test_every_told_change_really_moves_the_tier_as_told(days, purchases, spend, quarter, before):
    metrics = {
        "days_since_last_purchase": days,
        "purchases_90d": purchases,
        "spend_365d": spend,
        "customer_age_days": 800,
        "spend_90d": quarter,
        "spend_90d_prev": before,
    }
    present = grade(metrics)
    for change in present.smallest_changes:
        after = evaluate_one(shipped("rfm-lifecycle"), metrics | steps(change), with_changes=False)
        assert (after.tier, after.service_class) == (change.tier, change.service_class)
        assert (after.rank < present.rank) == (change.direction == "up")


def test_a_ratio_moves_by_the_least_step_that_matters():
    metrics = {
        "spend_365d": 10_000_000,
        "purchases_365d": 21,
        "tenure_years": Fraction(6),
        "repurchase_rate": Fraction(7, 10),
    }
    changes = evaluate_one(shipped("abcd"), metrics).smallest_changes
    assert {"repurchase_rate": Fraction(801, 1000)} in [steps(change) for change in changes]
