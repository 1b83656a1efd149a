"""The shipped model `rfm-lifecycle`, against the page that decides it: every combination, every edge."""

from itertools import product

import polars as pl
import pytest

from services.scoring.domain.evaluator import evaluate
from services.scoring.domain.explain import Grade, evaluate_one
from tests.support.tier_models import shipped

STAGES = ("new", "growing", "mature", "declining", "lost")
POINTS = {5: "high", 3: "medium", 1: "low"}
FEN = 100

# | points | new | growing | mature | declining | lost |
TABLE = """
13 15 | potential | potential  | core       | potential  | churn_risk
9 11  | potential | potential  | potential  | general    | churn_risk
5 7   | general   | general    | general    | churn_risk | churn_risk
3     | general   | churn_risk | churn_risk | churn_risk | churn_risk
"""
CLASSES = {"core": "strategic", "potential": "key", "general": "standard", "churn_risk": "basic"}
RANKS = {"core": 1, "potential": 2, "general": 3, "churn_risk": 4}


def expected_tiers() -> dict[tuple[int, str], str]:
    rows = [line.split("|") for line in TABLE.strip().splitlines()]
    return {
        (int(points), stage): tier.strip()
        for first, *tiers in rows
        for points in first.split()
        for stage, tier in zip(STAGES, tiers, strict=True)
    }


def metrics(*, days: int | None = 10, purchases: int | None = 4, spend: int | None = 500_000, **more: object) -> dict:
    rest = {"customer_age_days": 1000, "spend_90d": 100, "spend_90d_prev": 100}
    found = {"days_since_last_purchase": days, "purchases_90d": purchases, "spend_365d": spend and spend * FEN}
    return found | rest | more


def graded(**given: object) -> Grade:
    return evaluate_one(shipped("rfm-lifecycle"), metrics(**given), with_changes=False)


def test_every_combination_of_points_and_stage_has_the_tier_of_the_table():
    values = {"days": {5: 30, 3: 31, 1: 91}, "purchases": {5: 4, 3: 3, 1: 1}, "spend": {5: 500_000, 3: 100_000, 1: 1}}
    combinations = list(product(POINTS, POINTS, POINTS, STAGES))
    frame = pl.DataFrame(
        {
            "customer_id": [str(place) for place in range(len(combinations))],
            "days_since_last_purchase": [values["days"][r] for r, _, _, _ in combinations],
            "purchases_90d": [values["purchases"][f] for _, f, _, _ in combinations],
            "spend_365d": [values["spend"][m] * FEN for _, _, m, _ in combinations],
            "lifecycle_stage": [stage for *_, stage in combinations],
        }
    )
    answers = evaluate(shipped("rfm-lifecycle"), frame)
    table = expected_tiers()
    assert len(combinations) == 135
    assert {points for points, _ in table} == {3, 5, 7, 9, 11, 13, 15}
    for (r, f, m, stage), row in zip(combinations, answers.iter_rows(named=True), strict=True):
        tier = table[r + f + m, stage]
        assert row["state"] == "graded"
        assert (row["score.num"], row["score.den"]) == (r + f + m, 1)
        assert (row["tier"], row["service_class"], row["rank"]) == (tier, CLASSES[tier], RANKS[tier])
        assert (row["stage"], row["max_score.num"]) == (stage, 15)
        bands = [row[f"band.{key}"] for key in ("days_since_last_purchase", "purchases_90d", "spend_365d")]
        assert bands == [POINTS[r], POINTS[f], POINTS[m]]


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "high"), (29, "high"), (30, "high"), (31, "medium"), (90, "medium"), (91, "low"), (9999, "low")],
)
def test_recency_is_high_through_day_30_and_medium_through_day_90(days, band):
    assert graded(days=days).bands["days_since_last_purchase"] == band


@pytest.mark.parametrize(
    ("purchases", "band"), [(0, "low"), (1, "low"), (2, "medium"), (3, "medium"), (4, "high"), (400, "high")]
)
def test_frequency_is_medium_from_two_and_high_from_four_purchases(purchases, band):
    assert graded(purchases=purchases).bands["purchases_90d"] == band


@pytest.mark.parametrize(
    ("fen", "band"),
    [
        (0, "low"),
        (9_999_999, "low"),
        (10_000_000, "medium"),
        (49_999_999, "medium"),
        (50_000_000, "high"),
        (9_007_199_254_740_993, "high"),
    ],
)
def test_money_is_decided_to_the_fen(fen, band):
    answer = evaluate_one(shipped("rfm-lifecycle"), metrics() | {"spend_365d": fen}, with_changes=False)
    assert answer.bands["spend_365d"] == band


@pytest.mark.parametrize(
    ("given", "stage"),
    [
        ({"days": 365}, "lost"),
        ({"days": 365, "customer_age_days": 364}, "lost"),
        ({"days": 364}, "declining"),
        ({"customer_age_days": 364, "days": 364}, "new"),
        ({"customer_age_days": 365}, "mature"),
        ({"days": 90}, "declining"),
        ({"days": 89}, "mature"),
        ({"days": 90, "customer_age_days": 100}, "new"),
        ({"spend_90d": 70, "spend_90d_prev": 100}, "declining"),
        ({"spend_90d": 71, "spend_90d_prev": 100}, "mature"),
        ({"spend_90d": 7_000_000_000_000_001, "spend_90d_prev": 10_000_000_000_000_001}, "mature"),
        ({"spend_90d": 7_000_000_000_000_000, "spend_90d_prev": 10_000_000_000_000_000}, "declining"),
        ({"spend_90d": 119, "spend_90d_prev": 100}, "mature"),
        ({"spend_90d": 120, "spend_90d_prev": 100}, "growing"),
        ({"spend_90d": 1, "spend_90d_prev": 0}, "growing"),
        ({"spend_90d": 0, "spend_90d_prev": 0}, "declining"),
        ({"spend_90d": 120, "spend_90d_prev": 100, "days": 95}, "declining"),
    ],
)
def test_the_stage_follows_its_rule_to_the_edge(given, stage):
    assert graded(**given).stage == stage


def test_an_order_free_customer_is_not_graded_and_never_becomes_basic():
    answer = evaluate_one(shipped("rfm-lifecycle"), {"customer_age_days": 20}, with_changes=False)
    assert (answer.state, answer.tier, answer.service_class, answer.score) == ("insufficient_data", None, None, None)
    assert {"days_since_last_purchase", "purchases_90d", "spend_365d", "lifecycle_stage"} <= set(answer.lacking)


@pytest.mark.parametrize("name", ["days", "purchases", "spend"])
def test_a_missing_indicator_is_not_a_zero(name):
    missing, zero = graded(**{name: None}), graded(**{name: 400 if name == "days" else 0})
    assert (missing.state, missing.tier) == ("insufficient_data", None)
    assert zero.state == "graded"


def test_an_unknown_part_of_the_stage_matters_only_where_it_could_decide():
    assert graded(days=400, customer_age_days=None, spend_90d=None).stage == "lost"
    assert graded(days=95, spend_90d_prev=None).stage == "declining"
    assert graded(days=10, spend_90d_prev=None).stage is None
    assert graded(days=10, spend_90d_prev=None).state == "insufficient_data"
    assert graded(days=10, customer_age_days=None).lacking == ("lifecycle_stage",)


def test_a_stated_stage_goes_before_the_rule():
    assert graded(days=400, lifecycle_stage="mature").stage == "mature"
    assert graded(days=400, lifecycle_stage=None).stage == "lost"
