"""What holds for every story, at any microsecond: the invariants of clocks."""

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.crisis.documents.simulation import simulate
from tests.unit.clocks.stories import story

seeds = st.integers(0, 2**48)


def exact(instant):
    return (datetime.fromisoformat(instant) - datetime.fromisoformat("1970-01-01T00:00:00Z")) // timedelta(
        microseconds=1
    )


def written(micros):
    text = (datetime.fromisoformat("1970-01-01T00:00:00") + timedelta(microseconds=micros)).isoformat()
    return text + "Z"


def anywhere(seed):
    """A story whose instants lie anywhere, not on any grid, and whose durations are odd."""
    source = random.Random(seed)
    asked = story(source)
    for one in [*asked["events"], asked]:
        for name in ("at", "until"):
            if name in one:
                one[name] = written(exact(one[name]) + source.randint(0, 3_600_000_000))
    starts = [one["at"] for one in asked["events"] if one["type"] == "start"]
    asked["until"] = max(asked["until"], *starts, key=exact)
    for target in (asked["policy"]["targets"]["t"], asked["policies"][0]["targets"]["t"]):
        if "elapsed" in target or "business" in target:
            kind = "elapsed" if "elapsed" in target else "business"
            target[kind] = f"PT{source.randint(1, 60_000)}.{source.randint(1, 999_999):06}S"
        if "warn" in target:
            target["warn"] = [f"{source.randint(1, 9999) / 100:.2f}%", "33.333%", "100%"]
    return asked


def earlier(asked, back):
    """An instant between the first event and the last look."""
    last = exact(asked["until"])
    return written(last - back % (last - min(exact(one["at"]) for one in asked["events"]) + 1))


def clocks(asked, until=None):
    return simulate({**asked, **({} if until is None else {"until": until})})["clocks"]


@given(seeds, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_same_story_gives_the_same_answer_however_the_events_of_different_instants_are_sent(seed, source):
    """Late or early on the wire, an event is sorted in by its effective time; only ties keep their order."""
    asked = anywhere(seed)
    instants = sorted({one["at"] for one in asked["events"]})
    source.shuffle(instants)
    sent = [one for at in instants for one in asked["events"] if one["at"] == at]

    assert clocks(anywhere(seed)) == clocks(asked) == clocks({**asked, "events": sent})


@given(seeds, st.integers(0, 10**12))
@settings(max_examples=200, deadline=None)
def test_looked_at_earlier_a_clock_had_told_the_beginning_of_what_it_tells_later(seed, back):
    """Replay is live: warnings and breaches are told when they come, and never otherwise."""
    asked = anywhere(seed)
    early = earlier(asked, back)
    later = {(one["target"], one["cycle"]): one for one in clocks(asked)}

    for clock in clocks(asked, early):
        now = later[clock["target"], clock["cycle"]]
        assert clock["started_at"] == now["started_at"]
        assert clock["warnings"] == [one for one in now["warnings"] if exact(one["at"]) <= exact(early)]
        told = now["breached_at"] if now["breached_at"] and exact(now["breached_at"]) <= exact(early) else None
        assert clock["breached_at"] == told


@given(seeds, st.integers(0, 10**12))
@settings(max_examples=200, deadline=None)
def test_counted_paused_and_closed_fill_the_life_of_a_clock_without_gap_whenever_it_is_looked_at(seed, back):
    asked = anywhere(seed)
    for until in (asked["until"], earlier(asked, back)):
        for clock in clocks(asked, until):
            fills_its_life(clock, until)


def fills_its_life(clock, until):
    begin, end = exact(clock["started_at"]), exact(clock["stopped_at"] or until)
    assert sum(round(clock[f"{name}_seconds"] * 10**6) for name in ("elapsed", "paused", "closed")) == end - begin
    segments = clock["segments"]
    assert all(exact(one["from"]) < exact(one["to"]) for one in segments)
    assert all(one["to"] == other["from"] for one, other in pairwise(segments))
    if segments:
        assert (exact(segments[0]["from"]), exact(segments[-1]["to"])) == (begin, end)
    sums = {"counted": "elapsed", "paused": "paused", "stopped": "paused", "closed": "closed"}
    totals = dict.fromkeys(sums.values(), 0)
    for one in segments:
        totals[sums[one["state"]]] += exact(one["to"]) - exact(one["from"])
    assert totals == {name: round(clock[f"{name}_seconds"] * 10**6) for name in totals}


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_due_as_if_resumed_now_equals_due_wherever_that_is_known(seed):
    for clock in clocks(anywhere(seed)):
        assert clock["due_at"] in {None, clock["due_if_resumed_now"]}
        assert clock["due_at"] is not None or clock["stage"] == "paused"


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_a_breach_is_never_before_the_due_instant_of_its_moment(seed):
    asked = anywhere(seed)
    for clock in clocks(asked):
        if clock["has_breached"]:
            then = next(one for one in clocks(asked, clock["breached_at"]) if one["cycle"] == clock["cycle"])
            assert exact(then["due_if_resumed_now"]) <= exact(clock["breached_at"])
            assert exact(clock["started_at"]) <= exact(clock["breached_at"])


def simple(seed):
    """A clock of one running target, started and then left alone."""
    asked = anywhere(seed)
    asked["policy"]["targets"]["t"].pop("statutory", None)
    asked["events"] = [one for one in asked["events"] if one["type"] == "start"]
    return asked


@given(seeds, st.integers(0, 400_000_000_000), st.integers(0, 400_000_000_000))
@settings(max_examples=200, deadline=None)
def test_a_pause_never_makes_a_clock_due_earlier(seed, after, length):
    """But for a shifting wall time: it is that of the shifted origin, and may be earlier in the day."""
    asked = simple(seed)
    target = asked["policy"]["targets"]["t"]
    assume(target.get("until") != "same_time" or target["under_pause"] == "fixed")
    begin = exact(asked["events"][0]["at"]) + after
    pause = {"type": "pause", "at": written(begin), "reason": "x"}
    resume = {"type": "resume", "at": written(begin + length)}
    asked["until"] = written(begin + length + 1)
    (plain,) = clocks(asked)
    (paused,) = clocks({**asked, "events": [*asked["events"], pause, resume]})

    assert exact(paused["due_at"]) >= exact(plain["due_at"])
    assert paused["elapsed_seconds"] <= plain["elapsed_seconds"]


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_elapsed_time_never_falls_as_time_goes_on(seed):
    """As long as the same line gives the due instant: here no line joins or goes."""
    asked = anywhere(seed)
    asked["events"] = [one for one in asked["events"] if one["type"] not in {"retarget", "reopen"}]
    begin = exact(next(one["at"] for one in asked["events"] if one["type"] == "start"))
    end = exact(asked["until"])
    seen = [clocks(asked, written(begin + (end - begin) * step // 6)) for step in range(7)]

    assert all(one[0]["elapsed_seconds"] <= other[0]["elapsed_seconds"] for one, other in pairwise(seen))


@given(seeds)
@settings(max_examples=300, deadline=None)
def test_tighten_only_is_never_due_later_at_the_change(seed):
    asked = anywhere(seed)
    change = next((one for one in asked["events"] if one["type"] == "retarget"), None)
    assume(change is not None)
    change["behaviour"] = "tighten_only"
    asked["until"] = change["at"]
    asked["events"] = [one for one in asked["events"] if one is change or exact(one["at"]) < exact(change["at"])]
    before = clocks({**asked, "events": [one for one in asked["events"] if one is not change]})
    assume(before)
    now = clocks(asked)

    assert exact(now[-1]["due_if_resumed_now"]) <= exact(before[-1]["due_if_resumed_now"])


@pytest.mark.parametrize("kind", ["pause", "resume", "retarget", "reopen"])
@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_a_statutory_due_instant_changes_by_a_logged_extension_only(kind, seed):
    asked = anywhere(seed)
    asked["policy"]["targets"]["t"]["statutory"] = {"regime": "law", "source": "§ 1"}
    without = {**asked, "events": [one for one in asked["events"] if one["type"] != kind]}

    assert clocks(asked) == clocks(without)


@given(seeds, st.integers(0, 10**12))
@settings(max_examples=200, deadline=None)
def test_a_statutory_due_instant_is_that_of_its_start_and_later_only_after_an_extension(seed, back):
    asked = anywhere(seed)
    asked["policy"]["targets"]["t"]["statutory"] = {"regime": "law", "source": "§ 1"}
    early = earlier(asked, back)
    (start,) = [one for one in asked["events"] if one["type"] == "start"]
    (before,) = clocks({**asked, "events": [start]}, start["at"])
    told = clocks(asked, early)
    extended = [one for one in asked["events"] if one["type"] == "extend" and exact(one["at"]) <= exact(early)]

    assert len(told) == (exact(start["at"]) <= exact(early))
    for clock in told:
        assert exact(clock["due_at"]) >= exact(before["due_at"])
        assert extended or clock["due_at"] == before["due_at"]
