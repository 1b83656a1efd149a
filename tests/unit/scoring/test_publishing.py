"""What is put together by hand is what the payload types would send."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.bands import EDGES
from services.scoring.domain.standing import Change, Verdict
from services.scoring.publishing import SOURCE, snapshot, snapshot_fields, tier_changed
from services.scoring.store.customers import CustomerState, Published
from services.scoring.store.standings import Entry
from shared.contracts import CloudEvent, event_of, validate

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
words = st.one_of(st.none(), st.sampled_from(["a", "华鑫", "E-1042"]))
published = st.builds(
    Published, st.just("C-1"), words, words, words, words, words, st.none(), st.integers(0, 9)
)  # fmt: skip
graded = st.builds(
    Verdict, st.just("m"), st.integers(1, 9), st.just("graded"), st.sampled_from(["core", "risk"]), st.integers(1, 4),
    st.sampled_from(["strategic", "basic"]),
)  # fmt: skip
unknown = st.builds(Verdict, st.just("m"), st.integers(1, 9), st.just("insufficient_data"))
bands = st.dictionaries(st.sampled_from(["r", "f", "m"]), st.one_of(st.none(), st.sampled_from(["high", "low"])))
fractions = st.one_of(st.none(), st.tuples(st.integers(-5, 40), st.integers(1, 7)))
entries = st.builds(
    Entry,
    st.just("C-1"),
    st.builds(
        Change,
        st.one_of(st.none(), graded, unknown),
        st.one_of(graded, unknown),
        st.sampled_from(["initial", "upgrade", "downgrade"]),
        st.sampled_from(["data", "model", "emergency"]),
    ),
    fractions,
    fractions,
    bands,
    bands,
    st.none(),
)


def as_the_type_sends_it(event: CloudEvent) -> CloudEvent:
    return event_of(validate(event), id=event.id, source=SOURCE, subject=event.subject, time=event.time)


@given(entries, published, words)
def test_a_tier_change_is_what_its_type_would_send(entry, customer, primary):
    event = tier_changed(entry, customer, version=3, primary=primary, classes=("standard", "strategic"), now=NOON)
    assert as_the_type_sends_it(event) == event


@given(
    published,
    st.builds(
        CustomerState,
        st.just("C-1"),
        words,
        st.sampled_from(["strategic", "key", "standard", "basic"]),
        st.sampled_from(["graded", "default"]),
        words,
        st.one_of(st.none(), st.integers(0, len(EDGES) - 1)),
        st.one_of(st.none(), st.just("CNY")),
    ),
    st.dictionaries(st.sampled_from(["m", "n"]), st.sampled_from(["core", "risk"])),
    st.lists(st.sampled_from(["purchase_drop", "silent"]), unique=True),
)
def test_a_snapshot_is_what_its_type_would_send(customer, state, tiers, flags):
    fields = snapshot_fields(customer, state, tiers, risk_flags=flags)
    event = snapshot("C-1", fields, version=4, now=NOON)
    assert as_the_type_sends_it(event) == event
