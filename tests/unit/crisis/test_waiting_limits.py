"""How long may be waited: limits of one wait and in total, in elapsed or open time, whatever is written down late."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.commands.demo.incidents import _WAITING
from services.commands.replay.log import WAITING
from services.crisis.documents.wait_reasons import parse_wait_reasons
from services.crisis.domain.actions import Order, Refused, WrongField, perform
from services.crisis.domain.books import Applies, Choice
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.domain.pausing import end_at_limit
from services.crisis.domain.sla.pins import Pin
from services.crisis.kinds import PRESETS
from shared.documents import InvalidDocument
from shared.worktime import Calendar, parse_calendar, publish
from tests.support.crisis_books import an_open_file, clock, documents, shipped_books, tools

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Monday, 12:00 in Shanghai, the beginning of the hour in which the office is closed."""
HOUR = 3_600_000_000


def reasons(**limits):
    return {
        "key": "of-this-test",
        "in_total": limits.get("all"),
        "reasons": [
            {
                "code": code,
                "name": {"zh-CN": code, "en": code},
                "who": "us",
                "for_whom": "customer",
                "at_most": limits.get("one", {"elapsed": "PT10H"}),
                "in_total": limits.get("total", {"elapsed": "PT20H"}),
                "beyond": limits.get("beyond", "approval"),
            }
            for code in ("first", "second")
        ],
    }


def books(**limits):
    """The shipped documents with other reasons for waiting."""
    document = parse_wait_reasons(reasons(**limits))
    pin = Pin("waiting:of-this-test", random.getrandbits(40), (("cn-office", 1),))
    (office,) = (raw for raw in documents("calendars") if raw["key"] == "cn-office")
    shipped = shipped_books()
    shipped.promises.add(pin, document.to_limits(), {"cn-office": Calendar(publish(parse_calendar(office)))})
    return replace(
        shipped,
        wait_choices=(Choice(pin.name, Applies()),),
        wait_rules={pin.name: document.to_rules(pin.name)},
    )


def do(file, known, action, now, **fields):
    own = {name: fields.pop(name) for name in ("at", "matter_id") if name in fields}
    perform(file, Order(action, "E-1042", "said so", **own, fields=fields), books=known, tools=tools(now))


def ends_at(file):
    (wait,) = file.open_waits()
    return wait.ends_at, wait.ends_because


def test_a_limit_in_open_time_leaves_out_the_hours_in_which_the_office_is_closed():
    file = an_open_file(NOON)
    known = books(one={"business": "PT6H", "calendar": "cn-office"}, total={"elapsed": "PT48H"})

    do(file, known, "wait", NOON, waiting_for="first")

    assert ends_at(file) == (datetime(2026, 3, 3, 2, 0, tzinfo=UTC), "one_wait")  # 13–18 and 9–10 in Shanghai


def test_the_total_of_a_reason_counts_what_was_waited_for_it_before():
    file, known = an_open_file(NOON), books()
    for day in range(2):
        do(file, known, "wait", NOON + timedelta(days=day), waiting_for="first")
        do(file, known, "continue", NOON + timedelta(days=day, hours=8))

    do(file, known, "wait", NOON + timedelta(days=2), waiting_for="first")

    assert ends_at(file) == (NOON + timedelta(days=2, hours=4), "reason_in_total")


def test_the_total_of_all_reasons_counts_a_time_that_two_of_them_share_once():
    file, known = an_open_file(NOON), books(all={"elapsed": "PT12H"})
    do(file, known, "wait", NOON, waiting_for="first")
    do(file, known, "wait", NOON + timedelta(hours=2), waiting_for="second")
    do(file, known, "continue", NOON + timedelta(hours=5))

    do(file, known, "wait", NOON + timedelta(hours=9), waiting_for="second")

    assert ends_at(file) == (NOON + timedelta(hours=16), "in_total")


def test_a_limit_that_may_never_be_exceeded_is_not_even_with_approval():
    file, known = an_open_file(NOON), books(beyond="never")

    with pytest.raises(WrongField, match="may not be exceeded") as refused:
        do(file, known, "wait", NOON, waiting_for="first", until=NOON + timedelta(days=9), approved_by="E-0007")

    assert (refused.value.pointer, refused.value.rule) == ("/approved_by", "wait-limit")


def test_only_a_known_reason_is_waited_for_and_the_others_are_named():
    with pytest.raises(WrongField, match=r"there are: first, second") as refused:
        do(an_open_file(NOON), books(), "wait", NOON, waiting_for="godot")

    assert (refused.value.pointer, refused.value.rule) == ("/waiting_for", "unknown-reason")


def test_waiting_again_changes_until_when_and_counts_from_the_beginning():
    file, known = an_open_file(NOON), books()
    do(file, known, "wait", NOON, waiting_for="first", until=NOON + timedelta(hours=2))
    recorded = clock(file, "resolution").recorded
    later = NOON + timedelta(hours=1)

    do(file, known, "wait", later, waiting_for="first", until=NOON + timedelta(hours=10))
    with pytest.raises(WrongField, match="one wait for it lasts until 2026-03-02T14:00:00Z"):
        do(file, known, "wait", later, waiting_for="first", until=NOON + timedelta(hours=10, seconds=1))

    (wait,) = file.open_waits()
    assert (wait.since, wait.ends_at) == (NOON, NOON + timedelta(hours=10))
    assert clock(file, "resolution").recorded == recorded


def test_a_case_that_no_document_covers_cannot_wait():
    with pytest.raises(Refused, match="no active document of reasons"):
        do(an_open_file(NOON), replace(books(), wait_choices=()), "wait", NOON)


@given(st.integers(0, 2**48))
@settings(max_examples=60, deadline=None)
def test_without_approval_no_clock_waits_longer_than_allowed_whatever_is_written_down_late(seed):
    source, file, now = random.Random(seed), an_open_file(NOON), NOON
    known = KNOWN
    for _ in range(source.randint(4, 16)):
        now += timedelta(minutes=source.choice((10, 90, 400)))
        for wait in [wait for wait in file.open_waits() if wait.ends_at <= now]:
            end_at_limit(file, wait, tools(now))
        fields = {"waiting_for": source.choice(("first", "first", "second"))}
        if source.random() < 0.5:
            fields["at"] = now - timedelta(minutes=source.choice((5, 60, 300, 900)))
        if source.random() < 0.3:
            fields["matter_id"] = next(iter(file.matters))
        if source.random() < 0.4:
            fields["until"] = now + timedelta(minutes=source.choice((-200, -4, 60, 500)))
        try:
            do(file, known, source.choice(("wait", "wait", "continue")), now, **fields)
        except (Refused, WrongField):
            continue

    for one in file.clocks:
        assert set(one.reasons(now)) <= {wait.reason for wait in file.open_waits() if wait.covers(one)}
        for reason in ("first", "second"):
            stretches = one.pauses(now).stretches(reason)
            held = [(to_micros(now) if end is None else end) - begin for begin, end in stretches]
            assert sum(held) <= 20 * HOUR


KNOWN = books()


@pytest.mark.parametrize(
    ("change", "pointer", "rule"),
    [
        ({"code": "second"}, "/reasons/1/code", "repeated"),
        ({"at_most": {"elapsed": "PT9000H"}}, "/reasons/0/at_most", "too-long"),
        ({"at_most": {"elapsed": "P1D"}}, "/reasons/0/at_most", "delay"),
        ({"at_most": {"business": "PT9H"}}, "/reasons/0/at_most", "delay"),
        ({"at_most": None}, "/reasons/0/at_most", "type"),
        ({"for_whom": "us"}, "/reasons/0", "same-party"),
        ({"name": {"en": "only one"}}, "/reasons/0/name", "length"),
        ({"ends_on": [{"type": "customer.order.placed.v1"}]}, "/reasons/0/ends_on/0/type", "unknown-event"),
        (
            {"ends_on": [{"type": "customer.survey.answered.v1", "where": {"score": {"like": 1}}}]},
            "/reasons/0/ends_on/0/where/score",
            "condition",
        ),
    ],
)
def test_a_document_that_is_not_right_names_the_place_and_the_rule(change, pointer, rule):
    body = reasons()
    body["reasons"][0] |= change

    with pytest.raises(InvalidDocument) as refused:
        parse_wait_reasons(body)

    assert [(error.pointer, error.rule) for error in refused.value.errors] == [(pointer, rule)]


def test_every_reason_of_the_incident_log_is_shipped():
    (shipped,) = map(parse_wait_reasons, documents("wait-reasons"))

    assert {*_WAITING.values(), *WAITING.values()} <= {reason.code for reason in shipped.reasons}
    assert [path.stem for path in (PRESETS / "wait-reasons").iterdir()] == ["default"]


def test_a_case_that_waits_takes_over_what_its_matters_waited_for_and_is_asked_no_second_time():
    file, known = an_open_file(NOON), books()
    (matter,) = file.matters
    later = NOON + timedelta(hours=4)
    do(file, known, "wait", NOON, waiting_for="first", matter_id=matter)

    do(file, known, "wait", later, waiting_for="first")
    with pytest.raises(WrongField) as refused:
        do(file, known, "wait", later, waiting_for="first", matter_id=matter)

    (wait,) = file.open_waits()
    assert (wait.matter_id, wait.ends_at) == (None, NOON + timedelta(hours=10))  # ten hours on the matter's clocks
    assert (refused.value.pointer, refused.value.rule) == ("/matter_id", "waiting-already")


def test_a_wait_of_the_past_lies_where_none_for_its_reason_was_and_leaves_a_later_one_alone():
    file, known = an_open_file(NOON), books()
    now = NOON + timedelta(hours=12)
    do(file, known, "wait", NOON + timedelta(hours=3), waiting_for="first", until=NOON + timedelta(hours=5))
    (wait,) = file.open_waits()
    end_at_limit(file, wait, tools(wait.ends_at))
    do(file, known, "wait", NOON + timedelta(hours=9), waiting_for="first")

    with pytest.raises(WrongField, match="is known from") as refused:
        do(file, known, "wait", now, waiting_for="first", at=NOON + timedelta(hours=4), until=NOON + timedelta(hours=8))
    do(file, known, "wait", now, waiting_for="first", at=NOON + timedelta(hours=5), until=NOON + timedelta(hours=8))

    assert refused.value.pointer == "/at"
    held = clock(file, "resolution").pauses(now).stretches("first")
    at = [(begin - to_micros(NOON)) // HOUR for begin, _ in held]
    assert (at, [wait.since for wait in file.open_waits()]) == ([3, 5, 9], [NOON + timedelta(hours=9)])
