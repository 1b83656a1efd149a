"""One catalogue: every metric is described, and what is computed has the columns that the evaluator expects."""

from services.scoring.domain.metric_descriptions import DESCRIPTIONS
from services.scoring.domain.models.metrics import METRICS, STAGE
from services.scoring.store.metric_definitions import DEFINITIONS
from services.scoring.store.metric_query import metric_query
from services.scoring.store.metric_terms import Windows


def test_every_metric_is_described_and_no_other():
    assert DESCRIPTIONS.keys() == METRICS.keys()


def test_what_is_said_to_be_computed_is_computed():
    told = {key for key, description in DESCRIPTIONS.items() if description.computed}
    assert told == DEFINITIONS.keys() | {STAGE}


def test_definitions_have_the_columns_of_the_catalogue():
    for key, define in DEFINITIONS.items():
        metric = define(Windows())
        assert set(metric.finals or metric.columns) == set(METRICS[key].columns), key


def test_a_query_asks_for_nothing_but_what_is_needed():
    query = metric_query({"days_since_last_purchase", "lifecycle_stage"})
    assert query.columns == ("days_since_last_purchase",)
    assert query.lags == ()
    assert "mention" not in query.sql


def test_equal_sets_give_equal_text_whatever_their_order():
    keys = ["spend_365d", "purchases_90d", "rating.influence"]
    assert metric_query(keys).sql == metric_query(reversed(keys)).sql
