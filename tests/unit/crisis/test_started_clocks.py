"""The short way for clocks that have only been started answers exactly what the fold answers."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.documents.simulation_request import understand
from services.crisis.domain.clocks import Elapsed, PercentUsed, Policy, Start, Target, UnreachableTarget, fold
from services.crisis.domain.clocks.started import fold_started
from tests.support.crisis_books import shipped_books
from tests.unit.clocks.stories import story


@given(st.integers(0, 2**48), st.integers(0, 40 * 86_400 * 10**6))
@settings(max_examples=400, deadline=None)
def test_a_started_clock_of_any_story_is_what_the_fold_says(seed, later):
    asked = understand(story(random.Random(seed)), calendars={}, policies={})
    at = next(event.at for event in asked.events if isinstance(event, Start))
    at += timedelta(microseconds=seed % 86_400_000_000)
    until = at + timedelta(microseconds=later)

    try:
        folded = fold(asked.policy, [Start(at=at)], calendars=asked.calendars, until=until)
    except UnreachableTarget as error:
        with pytest.raises(UnreachableTarget, match=repr(error.target)):
            fold_started(asked.policy, at, calendars=asked.calendars, until=until)
        return

    assert _bare(fold_started(asked.policy, at, calendars=asked.calendars, until=until)) == _bare(folded)


@given(st.integers(0, 2 * 365 * 86_400 * 10**6), st.integers(0, 30 * 86_400))
@settings(max_examples=200, deadline=None)
def test_so_it_is_for_every_shipped_promise(start, later):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)
    until = at + timedelta(seconds=later)
    promises = shipped_books().promises
    for policy in promises.policies.values():
        folded = fold(policy, [Start(at=at)], calendars=promises.calendars, until=until)
        assert _bare(fold_started(policy, at, calendars=promises.calendars, until=until)) == _bare(folded)


def test_so_it_is_where_a_share_rounds_up_to_the_due_instant():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    policy = Policy("p", {"t": Target(Elapsed(3), thresholds=(PercentUsed(9, 10, "90%"),))})
    (told,) = fold_started(policy, at, calendars={}, until=at)

    assert [one.threshold for one in told.ahead] == [None]
    assert _bare([told]) == _bare(fold(policy, [Start(at=at)], calendars={}, until=at))


def _bare(results):
    """Everything but what lies ahead after the first instant."""
    return [(*(getattr(r, name) for name in r.__slots__ if name != "ahead"), r.ahead[:1]) for r in results]
