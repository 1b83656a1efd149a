"""Escalation: level by level, quiet after notice, bounded repeats, and never twice for one instant."""

from datetime import UTC, datetime, timedelta

from services.crisis.domain.aftermath import call_next, follow_up, go_on, quiet
from tests.support.crisis_books import an_open_file, clock, do, names, shipped_books, tools

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BOOKS = shipped_books()


def breach(file, target, at):
    told = file.refold([clock(file, target)], tools(at))
    follow_up(file, told, BOOKS, tools(at))
    return told


def fire(file):
    """Let the run go on at its own instant; answers what was told."""
    at, before = file.run.next_at, len(file.facts)
    go_on(file, BOOKS, tools(at))
    return names(file.facts[before:])


def test_nobody_is_called_while_the_promise_holds():
    file = an_open_file(NOON)

    breach(file, "acknowledge", NOON + timedelta(minutes=29))

    assert file.run is None


def test_missing_notice_calls_the_level_above_the_account_manager():
    file = an_open_file(NOON)
    at = NOON + timedelta(minutes=30)

    breach(file, "acknowledge", at)

    call = [f for f in file.facts if hasattr(f, "call")][-1].call
    assert (call.role, call.run.level, call.run.reason) == ("team_lead", 2, "not_acknowledged")
    assert call.run.next_at == at + timedelta(minutes=30)


def test_it_climbs_while_nobody_takes_notice_and_ends_after_its_repeats():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))
    roles = []

    while file.run.next_at is not None:
        roles += fire(file)

    assert roles == [
        "escalation department_head",
        "escalation executive_sponsor",
        "escalation executive_sponsor",
        "escalation executive_sponsor",
        "escalation executive_sponsor",
    ]
    assert file.run.repeat == 3


def test_a_top_that_nobody_reached_is_tried_again_after_its_patience_and_not_at_once():
    file = an_open_file(NOON)
    tried = []

    for _ in range(50):  # nobody stands in the directory: every message comes back as undeliverable at once
        before = len(file.facts)
        call_next(file, BOOKS, tools(NOON), reason="undeliverable")
        tried += names(file.facts[before:])
    later = []
    while file.run.next_at is not None:
        at = file.run.next_at
        later += fire(file)
        call_next(file, BOOKS, tools(at), reason="undeliverable")

    assert tried == ["escalation team_lead", "escalation department_head", "escalation executive_sponsor"]
    assert later == ["escalation executive_sponsor"] * 3


def test_the_chief_executive_is_called_for_the_gravest_strategic_case_only():
    grave = an_open_file(NOON, "strategic", impact="critical")
    lesser = an_open_file(NOON, "strategic", impact="low")

    tops = []
    for file in (grave, lesser):
        for _ in range(5):
            call_next(file, BOOKS, tools(NOON), reason="breach")
        tops.append([f for f in file.facts if hasattr(f, "call")][-1].call.role)

    assert tops == ["ceo", "executive_sponsor"]


def test_notice_stops_the_escalation_and_a_broken_promise_starts_it_again_one_level_up():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))
    do(file, "acknowledge", NOON + timedelta(minutes=31))
    assert file.run.state == "acknowledged"

    breach(file, "initial_resolution", NOON + timedelta(hours=24))

    call = [f for f in file.facts if hasattr(f, "call")][-1].call
    assert (call.role, call.run.reason, call.run.about.target) == ("department_head", "breach", "initial_resolution")


def test_two_promises_broken_at_one_instant_call_one_level():
    file = an_open_file(NOON, "strategic")
    at = NOON + timedelta(minutes=15)

    told = file.refold([clock(file, "acknowledge"), clock(file, "first_response")], tools(at))
    follow_up(file, told, BOOKS, tools(at))

    assert sum(f.kind == "breached" for f in told) == 2
    assert sum(hasattr(f, "call") for f in file.facts) == 1


def test_after_notice_the_same_level_is_called_again_while_a_promise_stays_broken():
    file = an_open_file(NOON)
    breach(file, "first_response", NOON + timedelta(hours=1))
    do(file, "acknowledge", NOON + timedelta(hours=1))

    assert fire(file) == ["escalation team_lead"]


def test_after_notice_nobody_is_called_once_all_promises_hold():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))
    do(file, "acknowledge", NOON + timedelta(minutes=40))
    do(file, "respond", NOON + timedelta(minutes=41))

    assert fire(file) == []
    assert file.run.next_at is None


def test_a_breach_long_after_the_stop_still_calls_somebody():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))

    breach(file, "resolution", NOON + timedelta(days=20))

    assert [f for f in file.facts if hasattr(f, "call")][-1].call.run.reason == "breach"


def test_silence_past_the_stop_calls_nobody():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))
    before = len(file.facts)

    go_on(file, BOOKS, tools(NOON + timedelta(days=8)))

    assert file.run.state == "ended"
    assert file.facts[before:] == []


def test_the_last_matter_resolved_ends_it():
    file = an_open_file(NOON)
    breach(file, "acknowledge", NOON + timedelta(minutes=30))

    do(file, "resolve", NOON + timedelta(minutes=40))

    assert (file.run.state, file.run.next_at) == ("ended", None)


def test_quiet_without_a_run_is_nothing():
    file = an_open_file(NOON)

    quiet(file, BOOKS, tools(NOON))

    assert file.run is None
