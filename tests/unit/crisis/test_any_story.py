"""Whatever people do to a case and in whatever order: the invariants of the live clocks and of the timeline."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.domain.actions import Refused, WrongField
from services.crisis.domain.aftermath import follow_up, go_on
from services.crisis.domain.clocks import Stage
from services.crisis.domain.grading import change_class
from services.crisis.domain.pausing import end_at_limit
from services.crisis.domain.service_class import CLASSES, rank_of
from services.crisis.domain.sla.clock import State, fold_clock
from services.crisis.domain.stages import ACTIONS
from tests.support.crisis_books import an_open_file, do, joined, shipped_books, tools

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BOOKS = shipped_books()
FIELDS = {
    "assess": {"cause": "c", "impact": "i", "customer_wants": "w"},
    "change-severity": {"severity": "S2", "reason": "r"},
    "assign": {"owner": "E-7"},
    "dismiss": {"reason": "r"},
    "wait": {"waiting_for": "waiting_for_customer"},
    "start-task": {"task": "legal_review"},
    "finish-task": {"task": "legal_review"},
    "cancel-task": {"task": "legal_review", "reason": "r"},
    "start-clock": {"target": "follow_up"},
    "stop-clock": {"target": "follow_up"},
}
OFTEN = ("wait", "continue", "respond", "update", "resolve", "reopen", "propose-resolution")


def play(seed):
    """A random story; answers the file with everything that was told and written."""
    source = random.Random(seed)
    file = an_open_file(NOON, source.choice(CLASSES))
    now = NOON
    for _ in range(source.randint(3, 25)):
        now += timedelta(minutes=source.choice((0, 1, 20, 90, 600, 4000)))
        fire(file, now)
        step(file, source, now)
    fire(file, now)
    return file, now


def fire(file, now):
    """What timers do: every due instant in turn, up to and including now."""
    while file.case.is_open:
        clocks_at = file.plan_clocks()
        run_at = file.run.next_at if file.run is not None else None
        wait_at = min((wait.ends_at for wait in file.open_waits()), default=None)
        due = [at for at in (clocks_at, run_at, wait_at) if at is not None and at <= now]
        if not due:
            return
        at = min(due)
        ready = [c for c in file.clocks if c.state.next_at is not None and c.state.next_at <= at]
        follow_up(file, file.refold(ready, tools(at)), BOOKS, tools(at))
        if file.run is not None and file.run.next_at is not None and file.run.next_at <= at:
            go_on(file, BOOKS, tools(at))
        for wait in [wait for wait in file.open_waits() if wait.ends_at <= at]:
            follow_up(file, end_at_limit(file, wait, tools(at)), BOOKS, tools(at))


def step(file, source, now):
    kind = source.random()
    if kind < 0.1 and file.case.is_open:
        received_at = now - timedelta(minutes=source.choice((0, 0, 500)))
        joined(file, now, received_at=received_at, impact=source.choice(("low", "critical")))
    elif kind < 0.2 and file.case.is_open:
        better = CLASSES[max(0, rank_of(file.case.service_class) - 1)]
        follow_up(file, change_class(file, BOOKS, tools(now), better, cause="tier_raised"), BOOKS, tools(now))
    else:
        action = source.choice((*OFTEN, *ACTIONS))
        fields = dict(FIELDS.get(action, {}))
        if action in {"wait", "continue"}:
            fields["waiting_for"] = source.choice(
                ("waiting_for_customer", "waiting_for_customer", "waiting_for_carrier")
            )
        if action == "wait" and source.random() < 0.3:
            fields["until"] = now + timedelta(days=source.choice((-1, 1, 9)))
        if source.random() < 0.2:
            fields["at"] = now - timedelta(minutes=source.choice((5, 60, 1000)))
        if source.random() < 0.3 and file.matters:
            fields["matter_id"] = source.choice(list(file.matters))
        before = file.case
        try:
            do(file, action, now, **fields)
        except (Refused, WrongField):
            file.case = before  # a use case would throw the file away


@given(st.integers(0, 2**48))
@settings(max_examples=120, deadline=None)
def test_the_state_of_every_clock_is_the_fold_of_its_events(seed):
    file, now = play(seed)

    for clock in file.clocks:
        results = fold_clock(clock, BOOKS.promises, now)
        folded = State.of(results[-1])
        live = {"elapsed_seconds", "paused_seconds", "closed_seconds", "due_if_resumed_now"}
        if folded.stage is Stage.PAUSED:  # which line would be the earliest is a matter of when it goes on
            live |= {"due_at", "provisional", "calendar"}
        names = [name for name in State._fields if name not in live]
        assert [getattr(clock.state, n) for n in names] == [getattr(folded, n) for n in names]


@given(st.integers(0, 2**48))
@settings(max_examples=120, deadline=None)
def test_each_warning_and_breach_is_told_once_unless_it_was_taken_back(seed):
    file, now = play(seed)

    told = Counter()
    for fact in file.facts:
        kind = getattr(fact, "kind", "")
        if kind in {"warned", "breached"} and hasattr(fact, "clock"):
            told[fact.clock.id, fact.result.cycle, kind] += 1
        elif kind == "corrected" and not fact.result.has_breached:  # else it lies elsewhere, and is not told again
            told[fact.clock.id, fact.result.cycle, fact.detail["corrects"]] -= 1
    for clock in file.clocks:
        for result in fold_clock(clock, BOOKS.promises, now):
            assert told[clock.id, result.cycle, "breached"] == int(result.has_breached)


@given(st.integers(0, 2**48))
@settings(max_examples=80, deadline=None)
def test_a_clock_stands_still_for_a_reason_exactly_while_a_wait_for_it_is_open(seed):
    file, now = play(seed)

    waiting = [clock for clock in file.clocks if clock.can_wait]
    for wait in file.open_waits():
        assert wait.ends_at > now
        assert any(wait.covers(clock) and wait.reason in clock.reasons(now) for clock in waiting)
    for clock in waiting:
        held = {wait.reason for wait in file.open_waits() if wait.covers(clock)}
        assert set(clock.reasons(now)) <= held


@given(st.integers(0, 2**48))
@settings(max_examples=80, deadline=None)
def test_the_timeline_verifies_and_the_version_never_falls(seed):
    file, _ = play(seed)

    versions = [fact.case.version for fact in file.facts if hasattr(fact, "case")]
    assert versions == sorted(versions)
    assert [entry.seq for entry in file.entries] == list(range(2, len(file.entries) + 2))
    assert all(other.previous_hash == one.hash for one, other in pairwise(file.entries))


@given(st.integers(0, 2**48))
@settings(max_examples=80, deadline=None)
def test_a_closed_or_dismissed_case_has_no_clock_left_and_calls_nobody(seed):
    file, _ = play(seed)

    if not file.case.is_open:
        assert not any(clock.is_live for clock in file.clocks)
        assert file.plan_clocks() is None
        assert file.run is None or file.run.next_at is None
    if not file.open_matters():
        assert not any(clock.is_live for clock in file.clocks if clock.matter_id is not None)
