"""Observing many values at once gives what the library's histogram gives for each value by itself."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.observability.batch_histogram import BatchHistogram

BOUNDS = (0.005, 0.1, 1.0, 5.0, 60.0)
NAME = "lag_seconds"
values = st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 100)), max_size=30)


@given(st.lists(values, max_size=4))
def test_a_batch_counts_like_its_values_one_by_one(batches):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    many = BatchHistogram(NAME, "Lag.", buckets=BOUNDS, registry=ours)
    single = Histogram(NAME, "Lag.", buckets=BOUNDS, registry=theirs)

    for batch in batches:
        many.observe_all(batch)
        for value in batch:
            single.observe(value)

    assert _buckets(ours) == _buckets(theirs)


def test_the_sum_is_that_of_the_values():
    registry = CollectorRegistry()
    BatchHistogram(NAME, "Lag.", buckets=BOUNDS, registry=registry).observe_all([0.5, 0.25])

    assert registry.get_sample_value(f"{NAME}_sum") == 0.75


def _buckets(registry):
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if line.startswith((f"{NAME}_bucket", f"{NAME}_count"))]
