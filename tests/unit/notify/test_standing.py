"""Merging what crisis said, in one batch or in several, comes to the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.routes import While
from services.notify.domain.standing import Basis, Standing, first_obsolete, still_true

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def _later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


_said = st.one_of(
    st.builds(lambda at: Standing("case", "c", "c", acknowledged_at=_later(at)), st.integers(0, 9)),
    st.just(Standing("case", "c", "c", ended=True)),
    st.just(Standing("case", "c", "c", unacknowledges=True)),
    st.just(Standing("case", "c", "c")),
)


@given(st.lists(_said, min_size=1, max_size=8))
def test_only_what_was_said_after_the_last_reopening_counts_as_acknowledged(said):
    merged = said[0]
    for later in said[1:]:
        merged = merged.then(later)
    reopened = max((i for i, s in enumerate(said) if s.unacknowledges), default=-1)
    acknowledged = any(s.acknowledged_at for s in said[reopened + 1 :]) or bool(
        reopened >= 0 and said[reopened].acknowledged_at
    )

    assert (merged.acknowledged_at is not None) == acknowledged
    assert merged.ended == said[-1].ended


@given(st.sets(st.sampled_from(list(While))))
def test_what_crisis_never_spoke_of_stands(conditions):
    basis = Basis(conditions, "c", "m", "k", "e", 1, NOON)

    assert first_obsolete(still_true(basis, {})) is None


def test_each_check_says_what_it_found():
    basis = Basis({While.CASE_OPEN, While.NOT_ACKNOWLEDGED}, "c", None, None, None, None, NOON)
    standings = {("case", "c"): Standing("case", "c", "c", acknowledged_at=NOON)}

    checks = still_true(basis, standings)
    assert [(check.condition, check.obsolete) for check in checks] == [
        ("case_open", None),
        ("not_acknowledged", "acknowledged"),
    ]
    assert all(check.finding for check in checks)
