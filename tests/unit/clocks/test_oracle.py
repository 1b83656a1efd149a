"""Random stories, folded by the engine and by the oracle: both tell the same of every clock."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.documents.simulation import simulate
from tests.unit.clocks import oracle, stories
from tests.unit.clocks.oracle_lines import tick


def told(request):
    """What the engine says, in the oracle's words: the state of every quarter of an hour instead of segments."""
    found = []
    for clock in simulate(request)["clocks"]:
        states = {
            at: segment["state"]
            for segment in clock["segments"]
            for at in range(tick(segment["from"]), tick(segment["to"]))
        }
        warnings = sorted((one["threshold"], one["at"]) for one in clock["warnings"])
        found.append({**clock, "warnings": warnings, "states": states})
    return found


def agree(request):
    expected = oracle.simulate(request)
    found = [{key: clock[key] for key in expected[0]} for clock in told(request)]
    assert found == expected


@pytest.mark.parametrize("seed", range(0, 600, 100))
def test_the_engine_agrees_with_the_oracle_on_these_stories(seed):
    for number in range(seed, seed + 100):
        agree(stories.story(random.Random(number)))


@given(st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_engine_agrees_with_the_oracle_on_any_story(source):
    agree(stories.story(source))


@pytest.mark.long
def test_the_engine_agrees_with_the_oracle_on_a_hundred_thousand_stories():
    for number in range(100_000):
        agree(stories.story(random.Random(number)))
