"""Intake by the shipped rules: which events open, join, wait for a person, or are muted."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from services.crisis.documents.trigger_rules import parse_trigger_rule
from services.crisis.domain.books import Books
from services.crisis.domain.customer import ClassSince, Customer
from services.crisis.domain.intake import Breakers, ClosedCase, Desk, take_in
from services.crisis.domain.rules import Trigger
from shared.documents import InvalidDocument
from tests.support.crisis_books import documents, shipped_books, tools

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
COMPLAINT = "customer.complaint.received.v1"
OPINION = "customer.opinion.mentioned.v1"
TIER = "scoring.tier.changed.v1"
_numbers = itertools.count(1)


def a_trigger(type_=COMPLAINT, *, at=NOON, **fields):
    number = next(_numbers)
    base = {"complaint_id": f"CMP-{number}", "subject": "late"} if type_ == COMPLAINT else {}
    return Trigger("/crm", f"e-{number}", type_, "C-1", at, {**base, **fields}, "late")


def a_drop(**fields):
    base = {
        "model": "rfm",
        "direction": "downgrade",
        "cause": "data",
        "from_tier": "core",
        "to_tier": "general",
        "previous_service_class": "key",
        "service_class": "standard",
    }
    return a_trigger(TIER, **{**base, **fields})


def a_desk(service_class="key", **more):
    return Desk(Customer("C-1", version=1, service_class=service_class, class_source="graded"), **more)


def take(desk, trigger, *, books: Books | None = None, breakers=None, now=NOON):
    return take_in(
        desk,
        trigger,
        books=books or shipped_books(),
        tools=tools(now),
        numbers=iter(["CR-1", "CR-2"]),
        breakers=breakers or Breakers({}),
    )


def test_a_complaint_opens_a_case_and_the_next_one_joins_it():
    desk = a_desk()

    first, second = take(desk, a_trigger()), take(desk, a_trigger())

    assert (first.outcome, second.outcome) == ("opened", "joined")
    assert first.case_id == second.case_id
    assert len(desk.file.matters) == 2


def test_the_same_complaint_told_twice_under_two_event_ids_is_one_matter():
    desk = a_desk()
    take(desk, a_trigger(complaint_id="CMP-9"))

    again = take(desk, a_trigger(complaint_id="CMP-9"))

    assert again.outcome == "joined"
    assert len(desk.file.matters) == 1


def test_another_event_about_the_same_matter_makes_it_as_grave_as_that_says():
    desk = a_desk()
    take(desk, a_trigger(complaint_id="CMP-9", impact="low"))

    take(desk, a_trigger(complaint_id="CMP-9", impact="critical"))
    take(desk, a_trigger(complaint_id="CMP-9", impact="low"))

    (matter,) = desk.file.matters.values()
    assert (matter.impact, desk.file.case.impact, desk.file.case.severity) == ("critical", "critical", "S1")


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "opened"),
        ({"cause": "emergency"}, "opened"),
        ({"cause": "review"}, "opened"),
        ({"previous_service_class": "strategic", "service_class": "key"}, "opened"),
        ({"cause": "model"}, "muted"),
        ({"cause": "override"}, "muted"),
        ({"cause": "merge"}, "muted"),
        ({"direction": "initial"}, "muted"),
        ({"direction": "upgrade"}, "muted"),
        ({"previous_service_class": "standard", "service_class": "basic"}, "muted"),
        ({"previous_service_class": "key", "service_class": "key"}, "muted"),
    ],
)
def test_only_a_downgrade_out_of_strategic_or_key_by_data_emergency_or_review_opens(fields, outcome):
    assert take(a_desk("basic"), a_drop(**fields)).outcome == outcome


def test_a_case_opened_by_a_drop_is_served_at_the_class_before_it():
    desk = a_desk("standard")

    take(desk, a_drop())

    assert desk.file.case.service_class == "key"


def test_a_complaint_made_before_the_drop_is_served_at_the_class_of_then():
    earlier, later = NOON - timedelta(days=9), NOON - timedelta(hours=1)
    history = (ClassSince("strategic", earlier), ClassSince("basic", later))
    desk = a_desk()
    desk.customer = Customer("C-1", 2, service_class="basic", class_source="graded", history=history)

    take(desk, a_trigger(at=NOON - timedelta(hours=2)))

    assert desk.file.case.service_class == "strategic"


def test_an_unknown_customer_is_served_at_the_default_class_provisionally():
    desk = Desk(Customer("C-1"))

    take(desk, a_trigger())

    assert (desk.file.case.service_class, desk.file.case.provisional) == ("standard", True)


@pytest.mark.parametrize(
    ("fields", "outcome", "reason"),
    [
        ({"sentiment": -0.8, "reach": 52_000}, "opened", None),
        ({"sentiment": -0.8, "reach": 900}, "muted", "no_open_case"),
        ({"sentiment": -0.8}, "muted", "no_open_case"),
        ({"sentiment": 0.6, "reach": 52_000}, "muted", "no_rule"),
    ],
)
def test_opinion_opens_a_case_when_it_is_hostile_and_widely_read(fields, outcome, reason):
    taken = take(a_desk(), a_trigger(OPINION, mention_id="m", platform="weibo", **fields))

    assert (taken.outcome, taken.reason) == (outcome, reason)


def test_the_third_hostile_mention_in_thirty_days_opens_and_two_do_not():
    desk = a_desk()
    small = {"sentiment": -0.8, "reach": 10, "platform": "forum"}
    old = NOON - timedelta(days=31)

    outcomes = [
        take(desk, a_trigger(OPINION, at=at, mention_id=str(at), **small)).outcome
        for at in (old, NOON - timedelta(days=2), NOON - timedelta(days=1), NOON)
    ]

    assert outcomes == ["muted", "muted", "muted", "opened"]


def test_opinion_is_public_and_so_graver():
    desk = a_desk()

    take(desk, a_trigger(OPINION, sentiment=-0.8, reach=52_000, mention_id="m", platform="weibo"))

    assert desk.file.case.is_public
    assert desk.file.case.severity == "S1"


def test_a_backdated_complaint_tells_its_breach_once_and_escalates_at_once():
    desk = a_desk()

    take(desk, a_trigger(at=NOON - timedelta(days=2)))

    breaches = [f for f in desk.file.facts if getattr(f, "kind", "") == "breached"]
    by_target = [f.clock.target for f in breaches]
    assert sorted(by_target) == ["acknowledge", "first_response", "initial_resolution"]
    assert all(f.detail["at_attach"] for f in breaches)
    assert not any(getattr(f, "kind", "") == "warned" and f.clock.target in by_target for f in desk.file.facts)
    assert desk.file.run.level == 2


def test_a_complaint_from_a_clock_that_runs_ahead_starts_now():
    desk = a_desk()

    take(desk, a_trigger(at=NOON + timedelta(minutes=4)))

    (matter,) = desk.file.matters.values()
    assert matter.received_at == NOON
    assert all(clock.state.started_at == NOON for clock in desk.file.clocks)


def test_a_breaker_turns_what_is_too_much_into_candidates():
    (rule,) = [r for r in shipped_books().rules if r.key == "tier-drop"]
    breakers = Breakers({"tier-drop": rule.breaker.cases - 1})

    last = take(a_desk(), a_drop(), breakers=breakers)
    over = take(a_desk(), a_drop(), breakers=breakers)

    assert (last.outcome, over.outcome) == ("opened", "candidate")
    assert breakers.tripped == {"tier-drop"}


def test_a_case_soon_after_the_last_is_chained_to_it_and_a_later_one_is_not():
    lately = a_desk(last_closed=ClosedCase("case-1", NOON - timedelta(days=29)), earlier_cases=2)
    long_ago = a_desk(last_closed=ClosedCase("case-1", NOON - timedelta(days=31)))

    take(lately, a_trigger())
    take(long_ago, a_trigger())

    assert lately.file.case.previous_case_id == "case-1"
    assert long_ago.file.case.previous_case_id is None
    assert lately.file.case.severity == "S2"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"match": {"type": COMPLAINT, "where": {"impact": {"above": 3}}}}, "/match/where/impact"),
        ({"then": {"action": "mute"}}, "/then"),
        ({"then": {"action": "explode"}}, "/then/action"),
        ({"then": {"action": "open", "title": "{subject"}}, "/then"),
        ({"threshold": {"count": 1, "within": "PT1H"}}, "/threshold/count"),
        ({"threshold": {"count": 3, "within": "P1D"}}, "/threshold/within"),
        ({"unknown": 1}, "/unknown"),
        ({"match": {"type": "customer.order.refunded.v1"}}, "/match/type"),
    ],
)
def test_a_rule_that_nobody_could_follow_is_refused_with_its_place(change, pointer):
    body = {**next(d for d in documents("trigger-rules") if d["key"] == "complaint-received"), **change}

    with pytest.raises(InvalidDocument) as refusal:
        parse_trigger_rule(body)

    assert refusal.value.errors[0].pointer == pointer
