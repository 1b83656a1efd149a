"""The model for the CDNOW purchases: every tier is filled all through 1998; its reasons are the figures of the data."""

import gzip
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from services.scoring.domain.evaluator import evaluate
from tests.support.tier_models import document, shipped

DATA = Path(__file__).parents[3] / "data" / "CDNOW_master.txt.gz"
SPLIT = date(1998, 3, 31)


@cache
def purchases() -> pl.DataFrame:
    lines = [line.split() for line in gzip.decompress(DATA.read_bytes()).decode().splitlines()[1:]]
    rows = [
        (line[0], date(int(line[1][:4]), int(line[1][4:6]), int(line[1][6:])), int(line[3].replace(".", "")))
        for line in lines
        if line
    ]
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "day": pl.Date, "cents": pl.Int64}, orient="row")


def metrics(today: date) -> pl.DataFrame:
    lag = (pl.lit(today) - pl.col("day")).dt.total_days()
    known = purchases().filter(pl.col("day") <= today).with_columns(lag=lag)

    def spend(first: int, last: int) -> pl.Expr:
        return pl.col("cents").filter(pl.col("lag").is_between(first, last)).sum()

    return known.group_by("customer_id").agg(
        days_since_last_purchase=pl.col("lag").min(),
        customer_age_days=pl.col("lag").max(),
        purchases_90d=(pl.col("lag") <= 90).sum(),
        spend_365d=spend(0, 365),
        spend_90d=spend(0, 90),
        spend_90d_prev=spend(91, 180),
    )


@pytest.mark.parametrize("today", [date(1998, month, 1) for month in range(1, 7)] + [date(1998, 6, 30)])
def test_every_tier_has_hundreds_of_customers(today):
    grades = evaluate(shipped("cdnow-rfm-lifecycle"), metrics(today))
    tiers = dict(grades["tier"].value_counts().iter_rows())
    assert grades.height == 23_570
    assert set(tiers) == {"core", "potential", "general", "churn_risk"}
    assert min(tiers.values()) >= 400


def reason(metric: str) -> str:
    (found,) = [one["reason"] for one in document("cdnow-rfm-lifecycle")["indicators"] if one["metric"] == metric]
    return found


def test_the_reasons_of_the_bands_are_the_figures_of_the_data():
    buyers = metrics(SPLIT).filter(pl.col("days_since_last_purchase") <= 90)
    assert buyers["days_since_last_purchase"].median() == 28
    assert "last 28" in reason("days_since_last_purchase")
    shares = [round(100 * (buyers["purchases_90d"] >= count).mean()) for count in (2, 3)]
    assert shares == [38, 17]
    assert all(f"{share} %" in reason("purchases_90d") for share in shares)
    spend = [buyers["spend_365d"].quantile(q) / 100 for q in (0.5, 0.75)]
    assert spend == [111.43, 241.69]
    assert all(str(dollars) in reason("spend_365d") for dollars in spend)


def test_the_reasons_of_the_stages_are_the_figures_of_the_data():
    days = purchases().filter(pl.col("day") <= SPLIT).select("customer_id", "day").unique().sort("customer_id", "day")
    gaps = days.select(pl.col("day").diff().over("customer_id").dt.total_days())["day"].drop_nulls()
    assert [gaps.quantile(q) for q in (0.75, 0.8, 0.95)] == [88, 111, 257]
    both = metrics(SPLIT).filter(pl.col("spend_90d_prev") > 0, pl.col("days_since_last_purchase") <= 90)
    ratio = both["spend_90d"] / both["spend_90d_prev"]
    assert [round(ratio.quantile(q), 2) for q in (0.25, 0.75)] == [0.52, 1.8]
    stages = {stage["stage"]: stage.get("reason", "") for stage in document("cdnow-rfm-lifecycle")["lifecycle"]}
    assert "257" in stages["lost"]
    assert "0.52" in stages["declining"]
    assert "111" in stages["declining"]


def test_tiers_move_in_the_last_three_months():
    before, after = (
        evaluate(shipped("cdnow-rfm-lifecycle"), metrics(today)).select("customer_id", "tier")
        for today in (SPLIT, date(1998, 6, 30))
    )
    moves = before.join(after, on="customer_id", suffix="_after").filter(pl.col("tier") != pl.col("tier_after"))
    assert moves.filter(pl.col("tier").is_in(["core", "potential"])).height > 500
    assert moves.filter(pl.col("tier_after").is_in(["core", "potential"])).height > 500
    assert SPLIT + timedelta(days=91) == date(1998, 6, 30)
