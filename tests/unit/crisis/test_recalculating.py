"""Recalculation, whatever happened to a case before: it finds what differs, makes it so once, and can be undone."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.domain.clocks import BusinessDays, Elapsed, Policy
from services.crisis.domain.recalculating import Approved, Reading, Versions, judge, recalculate
from services.crisis.domain.sla.clock import fold_clock
from services.crisis.domain.sla.pins import Pin
from services.crisis.domain.sla.telling import settle
from tests.support.crisis_books import saved, tools
from tests.unit.crisis.test_any_story import BOOKS, play

KEYS = sorted({Pin.parse(choice.pin).policy for choice in BOOKS.policies})
SEEDS = st.integers(0, 2**48)


def books_with_newer_versions():
    """The shipped policies, and a second version of each with twice the time or half of it."""
    promises = BOOKS.promises.copy()
    named = {}
    for choice in BOOKS.policies:
        pin = Pin.parse(choice.pin)
        document = BOOKS.promises.policies[choice.pin]
        other = Policy(document.key, {name: _other(target) for name, target in document.targets.items()})
        calendars = {key: BOOKS.promises.calendars[f"{key}@{version}"] for key, version in pin.calendars}
        promises.add(Pin(pin.policy, 2, pin.calendars), other, calendars)
        named[pin.policy] = tuple(key for key, _ in pin.calendars)
    return replace(BOOKS, promises=promises), named


def _other(target):
    calendar = None if target.calendar is None else target.calendar.rpartition("@")[0]
    match target.duration:
        case Elapsed(micros=micros):
            return replace(target, duration=Elapsed(micros * 2), calendar=calendar)
        case BusinessDays(count=count) as days:
            return replace(target, duration=replace(days, count=max(1, count // 2)), calendar=calendar)
        case duration:
            return replace(target, duration=replace(duration, micros=duration.micros // 2), calendar=calendar)


NEWER_BOOKS, NAMED = books_with_newer_versions()
NEWER, OLDER = (Versions(policies=dict.fromkeys(KEYS, number), named=NAMED) for number in (2, 1))


def at(now):
    return replace(tools(now), promises=NEWER_BOOKS.promises)


def past_of(clock, now):
    """What is stored of past cycles: the fold's results."""
    *ended, _ = fold_clock(clock, NEWER_BOOKS.promises, now)
    return {
        cycle.cycle: Reading.of(cycle, policy) for cycle, policy in zip(ended, clock.policies_of(ended), strict=True)
    }


def recalculated(file, versions, now):
    """A dry run and its approval; answers what became of each clock."""
    past = {clock.id: past_of(clock, now) for clock in file.clocks}
    wanted = {
        clock.id: judge(clock, past[clock.id], versions, NEWER_BOOKS.promises, now).differences for clock in file.clocks
    }
    order = Approved("job", "E-0007", "r", versions, wanted)
    return recalculate(file, past, order, NEWER_BOOKS, at(now))


def said(file, now):
    """Every cycle of every clock as it is folded."""
    return {
        (clock.id, one.cycle): Reading.of(one, "").said
        for clock in file.clocks
        for one in fold_clock(clock, NEWER_BOOKS.promises, now)
    }


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_by_the_same_versions_nothing_differs(seed):
    file, now = play(seed)

    found = [judge(clock, past_of(clock, now), Versions(), BOOKS.promises, now).differences for clock in file.clocks]

    assert not any(found)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_afterwards_everything_has_been_told_and_nothing_differs_any_more(seed):
    file, now = play(seed)

    done = recalculated(saved(file), NEWER, now)

    assert {one.outcome for one in done} <= {"applied", None}
    for clock in file.clocks:
        results = fold_clock(clock, NEWER_BOOKS.promises, now)
        assert not settle(clock, results, now=now)
        again = judge(clock, past_of(clock, now), NEWER, NEWER_BOOKS.promises, now)
        assert not again.differences
        assert clock.is_live <= (not again.swap)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_recalculation_to_and_fro_says_what_was_said_before(seed):
    file, now = play(seed)
    saved(file)
    before = said(file, now)
    lists = {clock.id: list(clock.records) for clock in file.clocks}

    recalculated(file, NEWER, now)
    there = said(file, now)
    recalculated(file, OLDER, now)

    assert said(file, now) == before
    assert there.keys() == before.keys()
    for clock in file.clocks:
        assert clock.records[: len(lists[clock.id])] == lists[clock.id]


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_breach_is_told_when_it_comes_to_exist_and_corrected_when_it_vanishes(seed):
    file, now = play(seed)
    saved(file)
    before = {key: told[1] is not None for key, told in said(file, now).items()}

    recalculated(file, NEWER, now)

    after = {key: told[1] is not None for key, told in said(file, now).items()}
    told = Counter()
    for fact in file.facts:
        if getattr(fact, "kind", "") == "breached":
            told[fact.clock.id, fact.result.cycle] += 1
        if getattr(fact, "kind", "") == "corrected" and fact.detail["corrects"] == "breached":
            told[fact.clock.id, fact.result.cycle] -= 1
    assert {key: told[key] for key in before} == {key: after[key] - before[key] for key in before}
