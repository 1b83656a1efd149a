"""Veto, cap and floor rules; bands by category and by condition; conditions over what is not known."""

from fractions import Fraction

import pytest

from services.scoring.domain.explain import evaluate_one
from tests.support.tier_models import compiled, document, weighted

GOOD = {"spend_365d": 200_000, "gross_margin_365d": 90_000, "rating.influence": 5, "rating.cooperation": 5}
BAD = {"spend_365d": 0, "gross_margin_365d": 0, "rating.influence": 1, "rating.cooperation": 1}


def rule(key: str, effect: str, tier: str, *, priority: int = 10, **when: object) -> dict:
    when = when or {"metric": "overdue_days_max", "above": 30}
    return {"key": key, "priority": priority, "effect": effect, "tier": tier, "when": when}


def tier_of(rules: list[dict], metrics: dict) -> str | None:
    return evaluate_one(compiled(weighted(rules=rules)), metrics, with_changes=False).tier


@pytest.mark.parametrize(
    ("effect", "good", "bad"), [("cap", "middle", "rest"), ("floor", "top", "middle"), ("veto", "middle", "middle")]
)
def test_a_rule_caps_floors_or_settles_the_tier(effect, good, bad):
    rules = [rule("overdue", effect, "middle")]
    late = {"overdue_days_max": 31}
    assert (tier_of(rules, GOOD | late), tier_of(rules, BAD | late)) == (good, bad)
    assert (tier_of(rules, GOOD | {"overdue_days_max": 30}), tier_of(rules, BAD)) == ("top", "rest")


def test_of_two_rules_that_disagree_the_higher_priority_wins():
    cap, floor = rule("risk", "cap", "rest", priority=20), rule("friend", "floor", "top", priority=10)
    late = GOOD | {"overdue_days_max": 31}
    assert tier_of([cap, floor], late) == "rest"
    assert tier_of([cap | {"priority": 5}, floor], late) == "top"


def test_the_grade_tells_the_rules_that_fired_and_the_tier_before_them():
    model = compiled(weighted(rules=[rule("overdue", "cap", "rest")]))
    grade = evaluate_one(model, GOOD | {"overdue_days_max": 99}, with_changes=False)
    assert (grade.scored_tier, grade.tier, [fired.key for fired in grade.rules]) == ("top", "rest", ["overdue"])


def test_a_rule_over_something_unknown_does_not_fire_and_is_told_as_missing():
    model = compiled(weighted(rules=[rule("overdue", "veto", "rest")]))
    grade = evaluate_one(model, GOOD, with_changes=False)
    assert (grade.tier, grade.rules, grade.missing) == ("top", (), ("overdue_days_max",))


def test_a_rule_may_ask_whether_a_metric_is_known_and_may_negate():
    known = {"metric": "overdue_days_max", "known": False}
    assert tier_of([rule("blind", "cap", "middle", **known)], GOOD) == "middle"
    assert tier_of([rule("blind", "cap", "middle", **{"not": known})], GOOD) == "top"
    assert tier_of([rule("seen", "cap", "middle", **{"not": known})], GOOD | {"overdue_days_max": 0}) == "middle"


@pytest.mark.parametrize(
    ("bound", "value", "fires"),
    [
        ("at_least", "0.9", True),
        ("above", "0.9", False),
        ("at_most", "0.9", True),
        ("below", "0.9", False),
        ("equals", "0.9", True),
        ("above", "0.899999", True),
    ],
)
def test_a_ratio_is_compared_exactly(bound, value, fires):
    rules = [rule("satisfied", "cap", "rest", metric="satisfaction_mean_365d", **{bound: value})]
    assert tier_of(rules, GOOD | {"satisfaction_mean_365d": Fraction(9, 10)}) == ("rest" if fires else "top")


def test_bands_by_category_and_a_rule_may_ask_for_the_derived_stage():
    body = document("rfm-lifecycle")
    body["indicators"].append(
        {
            "key": "stage",
            "metric": "lifecycle_stage",
            "bands": [{"key": "lively", "points": 0, "values": ["new", "growing"]}, {"key": "other", "points": 0}],
        }
    )
    body["rules"] = [rule("lost", "cap", "general", metric="lifecycle_stage", **{"in": ["growing"]})]
    metrics = {"days_since_last_purchase": 3, "purchases_90d": 9, "spend_365d": 10**9, "customer_age_days": 999}
    growing = evaluate_one(compiled(body), metrics | {"spend_90d": 500, "spend_90d_prev": 100}, with_changes=False)
    assert (growing.stage, growing.bands["stage"], growing.tier) == ("growing", "lively", "general")
    mature = evaluate_one(compiled(body), metrics | {"spend_90d": 100, "spend_90d_prev": 100}, with_changes=False)
    assert (mature.stage, mature.bands["stage"], mature.tier) == ("mature", "other", "core")


def test_upper_edges_belong_to_the_band_below_when_the_document_says_at_most():
    body = weighted(score={"method": "weighted_mean"})
    body["indicators"][0]["bands"] = [
        {"key": "low", "points": 20, "at_most": "500.00"},
        {"key": "medium", "points": 60, "below": "1000.00"},
        {"key": "high", "points": 100},
    ]
    model = compiled(body)
    found = [
        evaluate_one(model, {"spend_365d": cents}, with_changes=False).bands["spend_365d"]
        for cents in (50_000, 50_001, 99_999, 100_000)
    ]
    assert found == ["low", "medium", "medium", "high"]
