"""The short way for clocks that were only started and tightened answers exactly what the fold answers, or nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.documents.simulation_request import understand
from services.crisis.domain.books import Situation
from services.crisis.domain.clocks import Behaviour, Pause, Policy, Retarget, Start, Stop, UnreachableTarget, fold
from services.crisis.domain.clocks.tightened import fold_tightened
from tests.support.crisis_books import shipped_books
from tests.unit.clocks.stories import story

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BOOKS = shipped_books()
PROMISES = BOOKS.promises
KEY = BOOKS.policy_for(Situation("key", "complaint", "S3"))
STRATEGIC = BOOKS.policy_for(Situation("strategic", "complaint", "S3"))
STANDARD = PROMISES.policies[BOOKS.policy_for(Situation("standard", "complaint", "S3"))]


def tightened(at, by):
    return Retarget(at=at, policy=by, behaviour=Behaviour.TIGHTEN_ONLY)


def both(name, policy, events, *, calendars, policies, until):
    """What the short way says and what the fold says of one target."""
    alone = Policy(policy.key, {name: policy.targets[name]}, reopen=policy.reopen)
    try:
        (folded,) = fold(alone, events, calendars=calendars, policies=policies, until=until)
    except UnreachableTarget:
        folded = None
    return fold_tightened(name, policy, events, calendars=calendars, until=until, policies=policies), folded


def owed_by(policy, source):
    """The same promises, each owed by some department."""
    departments = (None, "service", "legal")
    targets = {name: replace(one, department=source.choice(departments)) for name, one in policy.targets.items()}
    return replace(policy, targets=targets)


def bare(result):
    """Everything but what lies ahead after the first instant."""
    return (*(getattr(result, name) for name in result.__slots__ if name != "ahead"), result.ahead[:1])


@given(st.integers(0, 2**48), st.lists(st.integers(0, 5 * 86_400 * 10**6), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_tightened_clock_of_any_story_is_what_the_fold_says_or_is_left_to_it(seed, spans):
    asked = understand(story(random.Random(seed)), calendars={}, policies={})
    owned = {key: owed_by(policy, random.Random(f"{seed} {key}")) for key, policy in asked.policies.items()}
    asked = replace(asked, policy=owed_by(asked.policy, random.Random(seed)), policies=owned)
    at = next(event.at for event in asked.events if isinstance(event, Start))
    source = random.Random(seed)
    events = [Start(at=at)]
    for span in spans[:-1]:
        events.append(tightened(events[-1].at + timedelta(microseconds=span), source.choice(list(asked.policies))))
    until = events[-1].at + timedelta(microseconds=spans[-1])

    for name in asked.policy.targets:
        found, folded = both(
            name, asked.policy, events, calendars=asked.calendars, policies=asked.policies, until=until
        )
        if found is not None:
            assert bare(found) == bare(folded)
        elif folded is not None:
            # Nothing is left to the fold for comfort: something had been told, or the law is at work.
            assert folded.warnings or folded.has_breached or asked.policy.targets[name].statutory


@given(st.integers(0, 365 * 86_400 * 10**6), st.integers(0, 100_000), st.integers(0, 100_000))
@settings(max_examples=300, deadline=None)
def test_so_it_is_for_every_shipped_promise_that_is_tightened_twice(start, first, second):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)
    events = [Start(at=at), tightened(at + timedelta(seconds=first), KEY)]
    events.append(tightened(events[-1].at + timedelta(seconds=second), STRATEGIC))

    for name in STANDARD.targets:
        known = {"calendars": PROMISES.calendars, "policies": PROMISES.policies}
        found, folded = both(name, STANDARD, events, until=events[-1].at, **known)
        assert found is None or bare(found) == bare(folded)


def test_a_warning_that_the_last_change_jumps_over_is_told_by_the_short_way_too():
    events = [Start(at=NOON), tightened(NOON + timedelta(minutes=5), KEY)]
    known = {"calendars": PROMISES.calendars, "policies": PROMISES.policies}

    found, folded = both("first_response", STANDARD, events, until=events[-1].at, **known)

    assert [warned.threshold for warned in found.warnings] == ["PT1H"]
    assert bare(found) == bare(folded)


@pytest.mark.parametrize(
    "more",
    [
        Pause(at=NOON, reason="waiting"),
        Stop(at=NOON),
        Start(at=NOON - timedelta(hours=1)),
        Retarget(at=NOON, policy=KEY, behaviour=Behaviour.PRORATE),
        Retarget(at=NOON, to=STANDARD.targets["resolution"], behaviour=Behaviour.TIGHTEN_ONLY),
        tightened(NOON - timedelta(hours=1), KEY),
        tightened(NOON + timedelta(days=1), KEY),
    ],
)
def test_whatever_else_was_recorded_is_left_to_the_fold(more):
    known = {"calendars": PROMISES.calendars, "policies": PROMISES.policies}

    assert fold_tightened("resolution", STANDARD, [Start(at=NOON), more], until=NOON, **known) is None
    assert fold_tightened("resolution", STANDARD, [Start(at=NOON)], until=NOON, **known) is not None
