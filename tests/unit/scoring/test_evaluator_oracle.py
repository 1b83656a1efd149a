"""The vectorised evaluator against a plain reading of the page, one row at a time, and against itself."""

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.evaluator import CompiledModel, evaluate
from services.scoring.domain.explain import evaluate_one
from tests.support.tier_models import shipped

COLUMNS = (
    "days_since_last_purchase",
    "customer_age_days",
    "purchases_90d",
    "spend_365d",
    "spend_90d",
    "spend_90d_prev",
)


def oracle_stage(days, age, spend, before):
    """None where the page's rule meets something unknown before it has decided."""
    if days is None or days >= 365:
        return "lost" if days is not None else None
    if age is None or age < 365:
        return "new" if age is not None else None
    if days >= 90:
        return "declining"
    if spend is None or before is None:
        return None
    if spend * 100 <= before * 70:
        return "declining"
    return "growing" if spend * 100 >= before * 120 else "mature"


def oracle(row):
    days, age, purchases, year, spend, before = (row[name] for name in COLUMNS)
    stage = oracle_stage(days, age, spend, before)
    if None in (days, purchases, year, stage):
        return None
    points = 5 if days <= 30 else 3 if days <= 90 else 1
    points += 5 if purchases >= 4 else 3 if purchases >= 2 else 1
    points += 5 if year >= 50_000_000 else 3 if year >= 10_000_000 else 1
    if stage == "lost":
        return "churn_risk"
    if points >= 12:
        return "core" if stage == "mature" else "potential"
    if points >= 8:
        return "general" if stage == "declining" else "potential"
    if points >= 5:
        return "churn_risk" if stage == "declining" else "general"
    return "general" if stage == "new" else "churn_risk"


def random_rows(count: int, seed: int) -> list[dict]:
    draw = random.Random(seed)
    edges = {
        "days_since_last_purchase": [0, 29, 30, 31, 89, 90, 91, 364, 365, 366],
        "customer_age_days": [0, 364, 365, 366, 4000],
        "purchases_90d": [0, 1, 2, 3, 4, 5],
        "spend_365d": [0, 9_999_999, 10_000_000, 10_000_001, 49_999_999, 50_000_000, 10**15],
        "spend_90d": [0, 1, 7, 70, 71, 119, 120, 121, 7 * 10**14],
        "spend_90d_prev": [0, 1, 10, 100, 10**15],
    }
    spread = {"days_since_last_purchase": 500, "customer_age_days": 2000, "purchases_90d": 9, "spend_365d": 8 * 10**7}
    rows = []
    for place in range(count):
        row: dict = {"customer_id": f"c{place}"}
        for name, values in edges.items():
            kind = draw.random()
            row[name] = (
                None if kind < 0.04 else draw.choice(values) if kind < 0.6 else draw.randrange(spread.get(name, 300))
            )
        rows.append(row)
    return rows


def frame(rows: list[dict]) -> pl.DataFrame:
    schema = {"customer_id": pl.String} | dict.fromkeys(COLUMNS, pl.Int64)
    return pl.DataFrame(rows, schema=schema)


def tiers(model: CompiledModel, rows: list[dict]) -> list[str | None]:
    return evaluate(model, frame(rows)).get_column("tier").to_list()


def test_ten_thousand_customers_have_the_tier_of_a_plain_reading_of_the_page():
    rows = random_rows(10_000, seed=7)
    found = tiers(shipped("rfm-lifecycle"), rows)
    expected = [oracle(row) for row in rows]
    assert found == expected
    assert set(expected) == {"core", "potential", "general", "churn_risk", None}


def test_one_customer_and_a_crowd_are_graded_alike():
    rows = random_rows(400, seed=11)
    model = shipped("rfm-lifecycle")
    together = evaluate(model, frame(rows))
    for row, answer in zip(rows, together.iter_rows(named=True), strict=True):
        alone = evaluate_one(model, {name: row[name] for name in COLUMNS}, with_changes=False)
        assert (alone.tier, alone.rank, alone.service_class) == (
            answer["tier"],
            answer["rank"],
            answer["service_class"],
        )
        assert (alone.state, alone.stage, alone.combination) == (
            answer["state"],
            answer["stage"],
            answer["combination"],
        )
        assert alone.bands == {key: answer[f"band.{key}"] for key in alone.bands}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_customers_changes_no_tier(seed, shuffle):
    rows = random_rows(50, seed)
    expected = dict(zip((row["customer_id"] for row in rows), tiers(shipped("rfm-lifecycle"), rows), strict=True))
    shuffle.shuffle(rows)
    answers = evaluate(shipped("rfm-lifecycle"), frame(rows))
    assert dict(zip(answers["customer_id"], answers["tier"], strict=True)) == expected
    assert answers["customer_id"].to_list() == [row["customer_id"] for row in rows]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(["days_since_last_purchase", "purchases_90d", "spend_365d"]))
def test_the_score_never_falls_when_an_indicator_gets_better(seed, name):
    (row,) = random_rows(1, seed)
    known = {key: value if value is not None else 100 for key, value in row.items()} | {"lifecycle_stage": "mature"}
    better_is_less = name == "days_since_last_purchase"
    values = [0, 1, 2, 3, 4, 30, 31, 90, 91, 400, 10**7, 5 * 10**7]
    rows = [known | {name: value} for value in sorted(values, reverse=better_is_less)]
    schema = {"customer_id": pl.String} | dict.fromkeys(COLUMNS, pl.Int64) | {"lifecycle_stage": pl.String}
    answers = evaluate(shipped("rfm-lifecycle"), pl.DataFrame(rows, schema=schema))
    scores, ranks = answers["score.num"].to_list(), answers["rank"].to_list()
    assert scores == sorted(scores)
    assert ranks == sorted(ranks, reverse=True)


def test_an_empty_batch_and_absent_columns_are_fine():
    nobody = evaluate(shipped("rfm-lifecycle"), frame([]))
    assert nobody.height == 0
    assert "band.spend_365d" in nobody.columns
    known_little = evaluate(shipped("rfm-lifecycle"), pl.DataFrame({"customer_id": ["a", "b", "c"]}))
    assert known_little["state"].to_list() == ["insufficient_data"] * 3
