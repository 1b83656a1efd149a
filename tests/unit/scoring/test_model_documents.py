"""What is wrong with a model document is told with its place: pointer, rule, and what would be right."""

from collections.abc import Callable
from typing import Any

import pytest

from services.scoring.documents import parse_model
from shared.documents import InvalidDocument
from tests.support.tier_models import document, weighted

Change = Callable[[dict[str, Any]], object]


def faults(body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDocument) as refusal:
        parse_model(body)
    return [(error.pointer, error.rule) for error in refusal.value.errors]


def details(body: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidDocument) as refusal:
        parse_model(body)
    return [error.detail for error in refusal.value.errors]


def put(place: str, value: Any) -> Change:
    *path, last = [int(step) if step.isdecimal() else step for step in place.strip("/").split("/")]

    def change(body: dict[str, Any]) -> None:
        for step in path:
            body = body[step]
        body[last] = value

    return change


@pytest.mark.parametrize("name", ["rfm-lifecycle", "cdnow-rfm-lifecycle", "abcd"])
def test_shipped_documents_are_valid(name):
    model = parse_model(document(name))
    assert model.key == name
    assert [tier.rank for tier in model.tiers] == [1, 2, 3, 4]
    assert [tier.service_class for tier in model.tiers] == ["strategic", "key", "standard", "basic"]


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        (put("/currency", "RMB"), "/currency", "currency"),
        (put("/zone", "Mars/Olympus"), "/zone", "zone"),
        (put("/colour", "red"), "/colour", "unknown-field"),
        (put("/score/method", "median"), "/score/method", "choice"),
        (put("/score/coverage_gate", 2), "/score/coverage_gate", "range"),
        (put("/score/coverage_gate", "1.1234567"), "/score/coverage_gate", "number"),
        (put("/indicators/0/metric", "spend"), "/indicators/0/metric", "metric"),
        (put("/indicators/1/key", "spend_365d"), "/indicators/1/key", "unique"),
        (put("/indicators/0/bands/0/points", "a lot"), "/indicators/0/bands/0/points", "number"),
        (put("/indicators/0/bands/0/points", 10**7), "/indicators/0/bands/0/points", "range"),
        (put("/indicators/0/bands/0/key", "low"), "/indicators/0/bands/2/key", "unique"),
        (put("/indicators/0/bands/1/at_least", "1000"), "/indicators/0/bands/1/at_least", "overlap"),
        (put("/indicators/0/bands/2/at_least", 1), "/indicators/0/bands", "gap"),
        (put("/indicators/0/bands/0", {"key": "high", "points": 9}), "/indicators/0/bands/2", "overlap"),
        (put("/indicators/0/bands/1", {"key": "m", "points": 9, "at_most": 7}), "/indicators/0/bands", "edges"),
        (put("/indicators/0/bands/0/above", 7), "/indicators/0/bands/0", "edges"),
        (put("/indicators/0/missing", {"policy": "assume"}), "/indicators/0/missing/band", "missing"),
        (put("/indicators/0/missing", {"policy": "assume", "band": "x"}), "/indicators/0/missing/band", "reference"),
        (put("/indicators/2/stale", {"age": "spend_90d", "after_days": 9}), "/indicators/2/stale/age", "unit"),
        (put("/weights/0/weight", 0), "/weights/0/weight", "range"),
        (put("/weights/0/of/0/indicator", "spend_90d"), "/weights/0/of/0/indicator", "reference"),
        (put("/weights/0/of/0/indicator", "rating.influence"), "/weights/1/of/0/indicator", "unique"),
        (put("/weights/0", {"group": "money", "weight": 1}), "/weights/0", "weights"),
        (
            put("/profiles", [{"key": "a", "weights": [{"indicator": "spend_365d", "weight": 1}]}]),
            "/weights",
            "weights",
        ),
        (put("/default_profile", "retail"), "/default_profile", "reference"),
        (put("/tiers/1/rank", 1), "/tiers", "rank"),
        (put("/tiers/1/service_class", "gold"), "/tiers/1/service_class", "choice"),
        (put("/tiers/0/when/0/stages", ["mature"]), "/tiers/0/when/0/stages", "stages"),
        (put("/tiers/1/when/0/score/at_least", 80), "/tiers/1/when/0/score", "range"),
    ],
)
def test_a_fault_is_told_where_it_stands(change, pointer, rule):
    body = weighted()
    change(body)
    assert (pointer, rule) in faults(body)


RULE = {
    "key": "late",
    "priority": 1,
    "effect": "cap",
    "tier": "rest",
    "when": {"metric": "overdue_days_max", "above": 30},
}


@pytest.mark.parametrize(
    ("where", "pointer", "rule"),
    [
        ({}, "", "condition"),
        ({"metric": "overdue_days_max"}, "", "condition"),
        ({"metric": "overdue_days_max", "above": 1, "below": 9}, "", "condition"),
        ({"metric": "overdue", "above": 1}, "/metric", "metric"),
        ({"metric": "overdue_days_max", "in": ["late"]}, "/in", "condition"),
        ({"metric": "lifecycle_stage", "above": 1}, "/above", "condition"),
        ({"metric": "lifecycle_stage", "in": ["new", "old"]}, "/in/1", "choice"),
        ({"metric": "overdue_days_max", "equals": "1.5"}, "/equals", "whole"),
        ({"metric": "spend_90d", "at_most": 1, "of": "purchases_90d"}, "/of", "unit"),
        ({"metric": "overdue_days_max", "at_most": 1, "of": "customer_age_days"}, "/of", "unit"),
        ({"any": [{"metric": "overdue_days_max", "above": 1}], "above": 1}, "", "condition"),
        ({"all": [{"not": {"any": [{"metric": "spent", "above": 1}]}}]}, "/all/0/not/any/0/metric", "metric"),
        ({"all": []}, "/all", "length"),
    ],
)
def test_a_fault_in_a_condition_is_told_where_it_stands(where, pointer, rule):
    assert faults(weighted(rules=[RULE | {"when": where}])) == [(f"/rules/0/when{pointer}", rule)]


def test_rules_name_tiers_that_exist_and_differ_in_priority():
    body = weighted(rules=[RULE | {"tier": "gone"}, RULE | {"key": "later"}])
    assert faults(body) == [("/rules/1/priority", "unique"), ("/rules/0/tier", "reference")]


def test_every_fault_is_told_at_once():
    body = weighted(zone="nowhere", rules=[RULE | {"tier": "gone"}])
    body["indicators"][0]["metric"] = "spend"
    assert {rule for _, rule in faults(body)} >= {"zone", "metric", "reference"}


def test_bands_by_condition_are_few():
    body = document("abcd")
    bands = body["indicators"][2]["bands"]
    bands[:1] = [bands[0] | {"key": f"high{place}"} for place in range(8)]
    assert faults(body) == [("/indicators/2/bands", "length")]


def test_a_sum_may_neither_exclude_nor_weigh():
    body = document("rfm-lifecycle")
    body["indicators"][0]["missing"] = {"policy": "exclude"}
    body["weights"] = [{"indicator": "spend_365d", "weight": 1}]
    assert faults(body) == [("/indicators/0/missing/policy", "missing"), ("/weights", "weights")]


def test_a_lifecycle_may_not_ask_for_the_stage_it_decides_and_ends_without_condition():
    body = document("rfm-lifecycle")
    body["lifecycle"][0]["when"] = {"metric": "lifecycle_stage", "in": ["lost"]}
    body["lifecycle"][-1]["when"] = {"metric": "customer_age_days", "above": 1}
    assert faults(body) == [("/lifecycle/0/when/metric", "circular"), ("/lifecycle/4/when", "gap")]


def test_a_gap_between_tiers_is_told_with_the_combination_that_falls_into_it():
    body = document("rfm-lifecycle")
    del body["tiers"][0]["when"][0]
    body["rules"] = [RULE | {"tier": "core"}]
    assert {place for place, _ in faults(body)} == {"/tiers"}
    assert any(
        "days_since_last_purchase high, purchases_90d high, spend_365d medium: score 13, mature: in no tier" in detail
        for detail in details(body)
    )


def test_an_overlap_of_tiers_is_told_with_the_combination_and_both_tiers():
    body = document("rfm-lifecycle")
    body["tiers"][1]["when"].append({"score": {"at_least": 15}, "stages": ["mature"]})
    assert faults(body) == [("/tiers/1/when", "overlap")]
    assert details(body)[0].endswith("score 15, mature: in core and in potential")


def test_a_gap_that_only_a_missing_rating_reaches_is_found():
    body = weighted(score={"method": "weighted_mean"})
    body["indicators"][0]["bands"][0]["points"] = "74.5"
    body["tiers"][0]["when"] = [{"score": {"at_least": 75}}]
    body["tiers"][1]["when"] = [{"score": {"at_least": 40, "below": "74.2"}}]
    assert any("rating.influence missing" in detail and "74.5: in no tier" in detail for detail in details(body))


def test_scores_between_the_edges_that_cannot_occur_need_no_tier():
    body = document("rfm-lifecycle")
    body["tiers"][0]["when"][0]["score"] = {"at_least": 13}
    body["tiers"][1]["when"][2]["score"] = {"at_least": 9, "at_most": 11}
    assert parse_model(body).tiers[0].key == "core"


def test_a_tier_that_nothing_leads_to_is_refused_and_one_that_a_rule_leads_to_is_not():
    tiers = weighted()["tiers"]
    tiers.append({"key": "blocked", "rank": 4, "service_class": "basic"})
    assert faults(weighted(tiers=tiers)) == [("/tiers/3", "unreachable")]
    body = weighted(tiers=tiers, rules=[RULE | {"tier": "blocked", "effect": "veto"}])
    assert parse_model(body).tiers[3].key == "blocked"


def test_with_too_many_combinations_to_list_the_intervals_between_edges_are_checked():
    ratings = ["word_of_mouth", "industry_outlook", "market_position", "ability_to_pay", "compliance", "stability"]
    body = weighted()
    body["indicators"] += [body["indicators"][3] | {"metric": f"rating.{name}"} for name in ratings]
    body["indicators"] += [body["indicators"][0] | {"metric": "net_margin_365d"}]
    body["weights"] = [
        {"indicator": indicator["metric"], "weight": 7 + 2 * place}
        for place, indicator in enumerate(body["indicators"])
    ]
    assert parse_model(body).key == "weighted"
    body["tiers"][1]["when"][0]["score"]["below"] = "74.99"
    assert faults(body) == [("/tiers", "gap"), ("/tiers", "gap")]


def test_numbers_mean_what_is_written_whether_text_or_number():
    body = weighted()
    for written in (0.7, "0.7", "0.700"):
        body["score"]["coverage_gate"] = written
        assert parse_model(body).coverage_gate * 10 == 7


def test_money_in_a_document_is_exact_in_minor_units():
    (model,) = [parse_model(weighted())]
    cuts = model.indicators[0].banding.cuts
    assert [int(cut.at) for cut in cuts] == [50_000, 100_000]
