"""Whatever happened to a clock: what is explained adds up to the microsecond, and the earliest line is the promise."""

import random
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.domain.clocks import SegmentState
from services.crisis.explain import as_json, as_svg, as_text
from tests.unit.clocks.test_properties import anywhere
from tests.unit.explain.explained_story import explain

MICROSECOND = timedelta(microseconds=1)
seeds = st.integers(0, 2**48)


def explained(seed):
    explanation = explain(anywhere(seed))
    return explanation, explanation.clocks


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_the_stretches_fill_the_real_time_to_the_microsecond(seed):
    explanation, clocks = explained(seed)
    for clock in clocks:
        end = clock.result.stopped_at or explanation.at
        segments, sums = clock.result.segments, clock.sums

        assert sum((s.end - s.begin) // MICROSECOND for s in segments) == (end - clock.result.started_at) // MICROSECOND
        assert all(one.end == next_one.begin for one, next_one in pairwise(segments))
        assert sums.counted + sums.closed + sums.paused + sums.stopped == sums.real
        assert sums.agree


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_one_line_governs_and_none_is_due_earlier(seed):
    _, clocks = explained(seed)
    for clock in clocks:
        (governing,) = [line for line in clock.result.lines if line.governs]

        assert governing.due_if_resumed_now == clock.result.due_if_resumed_now
        assert governing.due_at == clock.result.due_at
        assert min(line.due_if_resumed_now for line in clock.result.lines) == governing.due_if_resumed_now


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_time_that_never_stood_still_has_moved_no_line(seed):
    _, clocks = explained(seed)
    for clock in clocks:
        states = {segment.state for segment in clock.result.segments}
        if not states & {SegmentState.PAUSED, SegmentState.STOPPED, SegmentState.CLOSED}:
            assert all(line.due_without_halts == line.due_if_resumed_now for line in clock.result.lines)


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_what_lies_ahead_reaches_from_now_to_the_due_instant(seed):
    explanation, clocks = explained(seed)
    for clock in clocks:
        ahead, due = clock.ahead, clock.result.due_if_resumed_now
        if clock.result.stopped_at is not None or due <= explanation.at:
            assert ahead == ()
        else:
            assert (ahead[0].begin, ahead[-1].end) == (explanation.at, due)
            assert all(one.end == next_one.begin for one, next_one in pairwise(ahead))


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_every_history_can_be_told_in_both_languages_and_drawn(seed):
    explanation, clocks = explained(seed)
    texts = [as_text(explanation, language) for language in ("en", "zh-CN")]

    assert len(as_json(explanation)["clocks"]) == len(clocks)
    assert all("DOES NOT ADD UP" not in text and "合计不符" not in text for text in texts)
    assert as_svg(explanation, random.Random(seed).choice(("en", "zh-CN"))).startswith("<svg ")


def test_a_sum_that_differs_from_the_folds_own_is_told():
    from dataclasses import replace

    from services.crisis.explain.explained import sums_of
    from tests.unit.explain.explained_story import spring_festival

    explanation = spring_festival()
    result = explanation.clocks[0].result

    assert sums_of(result, explanation.at).agree
    assert not sums_of(replace(result, elapsed_seconds=result.elapsed_seconds + 1), explanation.at).agree
    assert not sums_of(replace(result, segments=result.segments[1:]), explanation.at).agree
