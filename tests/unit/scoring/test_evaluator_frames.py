"""Frames in and out: types, unknown columns, rich models, and what is refused."""

import polars as pl
import pytest

from services.scoring.domain import evaluator_outcomes
from services.scoring.domain.evaluator import UnknownProfile, WrongColumn, evaluate
from services.scoring.domain.evaluator_rows import WrongValue, frame_of
from services.scoring.domain.explain import evaluate_one
from services.scoring.domain.models.metrics import RATINGS
from tests.support.tier_models import compiled, shipped, weighted

ROW = {"days_since_last_purchase": 3, "purchases_90d": 4, "spend_365d": 50_000_000, "lifecycle_stage": "mature"}


def one_row(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": ["c"]} | {name: [value] for name, value in (ROW | columns).items()})


def test_narrow_integers_and_categories_are_taken_as_they_are():
    frame = one_row().with_columns(
        pl.col("purchases_90d").cast(pl.UInt8), pl.col("lifecycle_stage").cast(pl.Enum(["lost", "mature"]))
    )
    assert evaluate(shipped("rfm-lifecycle"), frame)["tier"].to_list() == ["core"]


@pytest.mark.parametrize("value", [50_000_000.0, "50000000", True])
def test_a_float_or_text_never_decides_about_money(value):
    with pytest.raises(WrongColumn, match="spend_365d"):
        evaluate(shipped("rfm-lifecycle"), one_row(spend_365d=value))


def test_other_columns_are_ignored_and_rows_keep_their_order():
    frame = pl.concat([one_row(), one_row(spend_365d=1), one_row()]).with_columns(
        customer_id=pl.Series(["z", "a", "m"]), score=pl.lit("?"), combination=pl.lit(None)
    )
    answers = evaluate(shipped("rfm-lifecycle"), frame)
    assert answers["customer_id"].to_list() == ["z", "a", "m"]
    assert answers["score.num"].to_list() == [15, 11, 15]


def test_equal_combinations_have_equal_numbers_and_different_ones_do_not():
    frame = pl.concat([one_row(), one_row(spend_365d=60_000_000), one_row(purchases_90d=3)])
    first, same, other = evaluate(shipped("rfm-lifecycle"), frame)["combination"]
    assert first == same != other


def test_an_unknown_profile_is_refused():
    with pytest.raises(UnknownProfile, match="wholesale"):
        evaluate(shipped("abcd"), one_row(), profile="wholesale")


@pytest.mark.parametrize(
    ("metric", "value"),
    [("purchases_90d", 1.5), ("purchases_90d", True), ("lifecycle_stage", "x"), ("spend_365d", 2**63)],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(metric, value):
    with pytest.raises(WrongValue) as refusal:
        frame_of([metric], [{metric: value}])
    assert refusal.value.metric == metric


def rich_model():
    """Twelve ratings: more combinations than a table can list."""
    indicator = weighted()["indicators"][2]
    indicators = [indicator | {"metric": f"rating.{name}"} for name in RATINGS]
    weights = [{"indicator": one["metric"], "weight": 1} for one in indicators]
    return compiled(weighted(indicators=indicators, weights=weights))


def rated(count: int) -> pl.DataFrame:
    numbers = pl.int_range(count, eager=True)
    columns = {f"rating.{name}": (numbers * (place + 7) // (place + 3)) % 6 for place, name in enumerate(RATINGS)}
    frame = pl.DataFrame({"customer_id": numbers.cast(pl.String)} | columns)
    return frame.with_columns(pl.when(pl.col(f"rating.{name}") > 0).then(pl.col(f"rating.{name}")) for name in RATINGS)


def test_a_model_too_rich_to_be_listed_grades_like_its_single_decisions(monkeypatch):
    model = rich_model()
    assert model.numbering.size > evaluator_outcomes.DENSE
    frame = rated(600)
    together = evaluate(model, frame)
    assert together["combination"].n_unique() > 100
    for row, answer in zip(frame.iter_rows(named=True), together.iter_rows(named=True), strict=True):
        metrics = {name: value for name, value in row.items() if name != "customer_id"}
        alone = evaluate_one(model, metrics, with_changes=False)
        assert (alone.tier, alone.combination) == (answer["tier"], answer["combination"])
        assert alone.score == (None if alone.tier is None else pytest.approx(answer["score.num"] / answer["score.den"]))


def test_a_table_that_outgrew_its_limit_starts_afresh_and_answers_the_same(monkeypatch):
    frame = rated(600)
    expected = evaluate(rich_model(), frame)
    monkeypatch.setattr(evaluator_outcomes, "MOST_KEPT", 50)
    model = rich_model()
    parts = [evaluate(model, frame.slice(start, 40)) for start in range(0, 600, 40)]
    assert pl.concat(parts).equals(expected)
