"""When time alone may move a band: never too late, at midnight of the model's zone, and not forever."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.evaluator import CompiledModel, evaluate
from services.scoring.domain.evaluator_time import next_changes
from tests.support.tier_models import compiled, shipped, weighted

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def upcoming(facts: dict[str, list[date]], *, model: CompiledModel | None = None, as_of: datetime = NOON):
    rows = [("c", source, day) for source, days in facts.items() for day in days]
    frame = pl.DataFrame(rows, schema={"customer_id": pl.String, "source": pl.String, "day": pl.Date}, orient="row")
    found = next_changes(model or shipped("rfm-lifecycle"), frame, as_of=as_of)
    assert found.height <= 1
    return found["next_change_at"][0] if found.height else None


def beijing_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)


def test_a_fresh_purchase_is_looked_at_when_recency_leaves_its_first_band():
    assert upcoming({"purchase": [TODAY]}) == beijing_midnight(TODAY + timedelta(days=30))
    later = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
    assert upcoming({"purchase": [TODAY]}, as_of=later) == beijing_midnight(TODAY + timedelta(days=31))


def test_an_old_customer_turns_365_days_old_at_midnight_in_china():
    since = TODAY - timedelta(days=364)
    assert upcoming({"since": [since]}) == beijing_midnight(TODAY + timedelta(days=1))
    assert upcoming({"since": [TODAY - timedelta(days=366)]}) is None


def test_a_purchase_that_leaves_a_window_is_looked_at_even_when_a_later_one_is_the_last():
    days = [TODAY - timedelta(days=lag) for lag in (363, 200, 1)]
    found = upcoming({"purchase": days})
    assert found == beijing_midnight(TODAY + timedelta(days=3))


def test_an_answer_without_rows_has_the_promised_types():
    frame = pl.DataFrame(schema={"customer_id": pl.String, "source": pl.String, "day": pl.Date})
    found = next_changes(shipped("rfm-lifecycle"), frame, as_of=NOON)
    assert found.schema == {"customer_id": pl.String, "next_change_at": pl.Datetime("us", "UTC")}


def test_nobody_is_looked_at_for_ever():
    assert upcoming({"purchase": [TODAY - timedelta(days=800)], "since": [date(2020, 1, 1)]}) is None
    assert upcoming({}) is None


def test_a_fact_dated_tomorrow_is_looked_at_tomorrow():
    assert upcoming({"purchase": [TODAY + timedelta(days=1)]}) == beijing_midnight(TODAY + timedelta(days=1))


def test_midnight_follows_the_zone_through_a_clock_change():
    body = weighted(zone="America/New_York")
    body["indicators"][2]["stale"] = {"age": "rating.influence.age_days", "after_days": 30}
    rated = {"rating.influence": [date(2026, 2, 5)]}
    assert upcoming(rated, model=compiled(body)) == datetime(2026, 3, 8, 5, 0, tzinfo=UTC)
    after_change = {"rating.influence": [date(2026, 2, 6)]}
    assert upcoming(after_change, model=compiled(body)) == datetime(2026, 3, 9, 4, 0, tzinfo=UTC)


def metrics_at(day: date, purchases: list[tuple[date, int]], since: date) -> pl.DataFrame:
    """The metrics of one customer, counted plainly from local days."""
    lags = [((day - bought).days, spent) for bought, spent in purchases if bought <= day]

    def spend(first: int, last: int) -> int:
        return sum(spent for lag, spent in lags if first <= lag <= last)

    values = {
        "days_since_last_purchase": min((lag for lag, _ in lags), default=None),
        "customer_age_days": (day - since).days,
        "purchases_90d": sum(lag <= 90 for lag, _ in lags),
        "spend_365d": spend(0, 365),
        "spend_90d": spend(0, 90),
        "spend_90d_prev": spend(91, 180),
    }
    return pl.DataFrame({"customer_id": "c"} | values, schema_overrides={"days_since_last_purchase": pl.Int64})


@settings(max_examples=120, deadline=None)
@given(
    lags=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60_000_000)), min_size=1, max_size=5),
    age=st.integers(0, 500),
)
def test_until_then_no_day_brings_another_combination(lags, age):
    model = shipped("rfm-lifecycle")
    purchases = [(TODAY - timedelta(days=lag), spent) for lag, spent in lags]
    since = TODAY - timedelta(days=max(age, *(lag for lag, _ in lags)))
    at = upcoming({"purchase": [day for day, _ in purchases], "since": [since]})
    last = (at + timedelta(hours=8)).date() - timedelta(days=1) if at is not None else TODAY + timedelta(days=1000)
    days = [TODAY + timedelta(days=ahead) for ahead in range((last - TODAY).days + 1)]
    frames = [metrics_at(day, purchases, since) for day in days]
    assert evaluate(model, pl.concat(frames))["combination"].n_unique() == 1
