"""Weights, groups, missing values and the coverage gate: what a weighted mean promises."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.documents import parse_model
from services.scoring.domain.evaluator import compile_model
from services.scoring.domain.explain import Grade, evaluate_one
from tests.support.tier_models import compiled, shipped, weighted

ABCD = (
    "spend_365d",
    "purchases_365d",
    "loyalty",
    "rating.influence",
    "rating.willingness_to_pay",
    "rating.personalisation",
)
RETAIL = dict(zip(ABCD, (40, 25, 20, 5, 5, 5), strict=True))
SERVICE = dict(zip(ABCD, (15, 10, 15, 20, 20, 20), strict=True))
VALUES = {
    "spend_365d": {"high": 10_000_001, "medium": 10_000_000, "low": 4_999_999},
    "purchases_365d": {"high": 21, "medium": 20, "low": 9},
    "rating.influence": {"high": 4, "medium": 3, "low": 2},
    "rating.willingness_to_pay": {"high": 5, "medium": 3, "low": 1},
    "rating.personalisation": {"high": 4, "medium": 3, "low": 2},
}
LOYAL = {
    "high": (Fraction(501, 100), Fraction(81, 100)),
    "medium": (Fraction(6), Fraction(7, 10)),
    "low": (Fraction(299, 100), Fraction(9, 10)),
}
POINTS = {"high": 100, "medium": 60, "low": 20}


def abcd_metrics(bands: dict) -> dict:
    found = {key: VALUES[key][band] for key, band in bands.items() if band is not None and key != "loyalty"}
    if bands.get("loyalty") is not None:
        found["tenure_years"], found["repurchase_rate"] = LOYAL[bands["loyalty"]]
    return found


def expected(bands: dict, weights: dict) -> tuple[str | None, Fraction | None]:
    """The page, read plainly."""
    known = {key: band for key, band in bands.items() if band is not None}
    whole = sum(weights[key] for key in known)
    if whole < 60:
        return None, None
    score = Fraction(sum(weights[key] * POINTS[band] for key, band in known.items()), whole)
    return "A" if score >= 80 else "B" if score >= 60 else "C" if score >= 40 else "D", score


def total(grade: Grade) -> Fraction:
    return sum((contribution.amount for contribution in grade.contributions), Fraction(0))


@pytest.mark.parametrize(("profile", "weights"), [("retail", RETAIL), ("service", SERVICE)])
def test_abcd_gives_every_combination_of_core_bands_the_tier_of_the_page(profile, weights):
    for core, rated in product(product(("high", "medium", "low", None), repeat=3), ("high", "medium", "low", None)):
        bands = dict(zip(ABCD, (*core, rated, rated, rated), strict=True))
        grade = evaluate_one(shipped("abcd"), abcd_metrics(bands), profile=profile, with_changes=False)
        tier, score = expected(bands, weights)
        assert (grade.tier, grade.score, grade.bands) == (tier, score, bands)


@settings(max_examples=200, deadline=None)
@given(
    bands=st.tuples(*[st.sampled_from(("high", "medium", "low", None))] * 6),
    profile=st.sampled_from(["retail", "service"]),
)
def test_contributions_add_up_to_the_score_and_weights_to_one(bands, profile):
    told = dict(zip(ABCD, bands, strict=True))
    grade = evaluate_one(shipped("abcd"), abcd_metrics(told), profile=profile, with_changes=False)
    counted = [contribution for contribution in grade.contributions if contribution.effective_weight is not None]
    assert sum((c.effective_weight for c in counted), Fraction(0)) == (1 if counted else 0)
    assert {c.indicator for c in counted} == {key for key, band in told.items() if band is not None}
    if grade.state == "graded":
        assert total(grade) == grade.score
    assert (grade.tier, grade.score) == expected(told, RETAIL if profile == "retail" else SERVICE)


@pytest.mark.parametrize(
    ("tenure", "rate", "band"),
    [
        (5, "0.9", "medium"),
        (Fraction(7305, 1461), "0.9", "medium"),
        (Fraction(7308, 1461), "0.9", "high"),
        (6, "0.8", "medium"),
        (6, "0.80000001", "high"),
        (6, "0.6", "medium"),
        (6, "0.59999999", "low"),
        (3, "0.9", "medium"),
        (Fraction(2999999, 1000000), "0.9", "low"),
        (6, None, None),
        (2, None, "low"),
        (None, "0.5", "low"),
        (None, "0.9", None),
    ],
)
def test_loyalty_is_told_by_both_of_its_metrics_or_by_the_one_that_decides(tenure, rate, band):
    metrics = {"tenure_years": tenure, "repurchase_rate": None if rate is None else Fraction(rate)}
    assert evaluate_one(shipped("abcd"), metrics, with_changes=False).bands["loyalty"] == band


def weighted_metrics(spend: int | None, margin: int | None, influence: int | None, cooperation: int | None) -> dict:
    return {
        "spend_365d": spend,
        "gross_margin_365d": margin,
        "rating.influence": influence,
        "rating.cooperation": cooperation,
    }


def test_groups_multiply_down_to_effective_weights():
    grade = evaluate_one(compiled(weighted()), weighted_metrics(100_000, 0, 3, 3), with_changes=False)
    assert [c.effective_weight for c in grade.contributions] == [
        Fraction(2, 5),
        Fraction(1, 5),
        Fraction(1, 5),
        Fraction(1, 5),
    ]
    assert grade.score == Fraction(40 * 100 + 20 * 20 + 20 * 60 + 20 * 60, 100)


def test_a_missing_value_leaves_its_group_and_the_group_keeps_its_share():
    grade = evaluate_one(compiled(weighted()), weighted_metrics(100_000, None, 3, 3), with_changes=False)
    assert [c.effective_weight for c in grade.contributions] == [Fraction(3, 5), None, Fraction(1, 5), Fraction(1, 5)]
    assert grade.coverage == Fraction(4, 5)
    assert [c.missing for c in grade.contributions] == [None, "excluded", None, None]


VALUE = st.one_of(st.none(), st.integers(0, 200_000))
GRADE = st.one_of(st.none(), st.integers(1, 5))


@settings(max_examples=150, deadline=None)
@given(spend=VALUE, influence=GRADE, cooperation=GRADE)
def test_excluding_a_missing_value_equals_never_having_the_indicator(spend, influence, cooperation):
    whole = weighted(score={"method": "weighted_mean"})
    without = weighted(score={"method": "weighted_mean"})
    without["indicators"] = [one for one in without["indicators"] if one["metric"] != "gross_margin_365d"]
    without["weights"][0]["of"] = without["weights"][0]["of"][:1]
    metrics = weighted_metrics(spend, None, influence, cooperation)
    excluded = evaluate_one(compiled(whole), metrics, with_changes=False)
    absent = evaluate_one(compiled(without), metrics, with_changes=False)
    assert (excluded.tier, excluded.score, excluded.state) == (absent.tier, absent.score, absent.state)


def test_below_the_coverage_gate_nothing_is_said_and_on_it_something_is():
    model = compiled(weighted(score={"method": "weighted_mean", "coverage_gate": "0.4"}))
    on = evaluate_one(model, weighted_metrics(100_000, None, None, None), with_changes=False)
    assert (on.coverage, on.state, on.tier) == (Fraction(2, 5), "graded", "top")
    below = evaluate_one(model, weighted_metrics(None, 0, None, None), with_changes=False)
    assert (below.coverage, below.state, below.tier, below.lacking) == (
        Fraction(1, 5),
        "insufficient_data",
        None,
        ("coverage",),
    )


def test_the_gate_looks_at_the_unrounded_coverage():
    body = weighted(score={"method": "weighted_mean", "coverage_gate": "0.4"})
    body["weights"][0]["of"][0]["weight"] = "1.999999"
    grade = evaluate_one(compiled(body), weighted_metrics(100_000, None, None, None), with_changes=False)
    assert grade.state == "insufficient_data"
    assert float(grade.coverage) == pytest.approx(0.4, abs=1e-6)


def test_a_score_just_below_an_edge_stays_below_although_it_would_round_up():
    body = weighted(score={"method": "weighted_mean"})
    for band in body["indicators"][0]["bands"]:
        band["points"] = "74.999" if band["key"] == "high" else band["points"]
    just_below = evaluate_one(compiled(body), weighted_metrics(100_000, None, None, None), with_changes=False)
    assert (just_below.score, just_below.tier) == (Fraction("74.999"), "middle")
    body["indicators"][0]["bands"][0]["points"] = 75
    on_it = evaluate_one(compiled(body), weighted_metrics(100_000, None, None, None), with_changes=False)
    assert (on_it.score, on_it.tier) == (75, "top")


def test_an_assumed_band_scores_but_does_not_count_as_known():
    body = weighted(score={"method": "weighted_mean", "coverage_gate": "0.5"})
    body["indicators"][2]["missing"] = {"policy": "assume", "band": "low"}
    grade = evaluate_one(compiled(body), weighted_metrics(100_000, 30_000, None, None), with_changes=False)
    assert grade.coverage == Fraction(3, 5)
    assert grade.score == Fraction(60 * 100 + 40 * 20, 100)
    assert grade.contributions[2].missing == "assumed"
    assert grade.bands["rating.influence"] is None


def test_a_required_value_that_is_missing_stops_the_grade_whatever_the_coverage():
    body = weighted()
    body["indicators"][3]["missing"] = {"policy": "require"}
    grade = evaluate_one(compiled(body), weighted_metrics(1, 1, 3, None), with_changes=False)
    assert (grade.state, grade.lacking) == ("insufficient_data", ("rating.cooperation",))


def test_a_stale_value_counts_as_missing_and_an_unknown_age_does_not():
    body = weighted()
    body["indicators"][2]["stale"] = {"age": "rating.influence.age_days", "after_days": 365}
    model = compile_model(parse_model(body))
    metrics = weighted_metrics(100_000, 30_000, 5, 5)
    fresh, stale, unknown = (
        evaluate_one(model, metrics | {"rating.influence.age_days": age}, with_changes=False)
        for age in (365, 366, None)
    )
    assert (fresh.bands["rating.influence"], unknown.bands["rating.influence"]) == ("high", "high")
    assert (stale.bands["rating.influence"], stale.contributions[2].stale) == (None, True)
