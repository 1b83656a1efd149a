"""Random stories, folded by the engine and by the oracle: both tell the same of every clock."""

import os
import random
from random import SystemRandom

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
@pytest.mark.timeout(4 * 3600)
def test_the_engine_agrees_with_the_oracle_on_a_hundred_thousand_stories():
    """Other ones each time; `MOAT_STORIES_SEED` tells them again, from the story that failed on."""
    first = int(os.environ.get("MOAT_STORIES_SEED", "0")) or SystemRandom().randrange(10**9)
    for number in range(first, first + 100_000):
        try:
            agree(stories.story(random.Random(number)))
        except Exception as error:
            error.add_note(f"MOAT_STORIES_SEED={number}")
            raise
