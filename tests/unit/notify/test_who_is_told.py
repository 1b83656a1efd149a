"""From an event to people: routes in order, roles step by step, each told once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.domain.directory import Assignee, ContactPoint, Directory, Person, Team
from services.notify.domain.happening import Happening
from services.notify.domain.planning import plan
from services.notify.domain.roles import resolve
from services.notify.domain.routes import Audience, Condition, Route, Tell, in_order, route
from services.notify.domain.urgency import Urgency

NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
OPENED = "crisis.case.opened.v1"


def _event(**facts) -> Happening:
    return Happening("e-1", facts.pop("type", OPENED), NOW, "C-1", "C-1", "case-1", None, facts)


def _people(*ids: str, **fields) -> dict[str, Person]:
    return {id_: Person(id_, f"Colleague {id_}", **fields) for id_ in ids}


def _directory(people: dict[str, Person], **fields) -> Directory:
    points = {
        f"person:{id_}": [ContactPoint(f"{id_}-m", f"person:{id_}", "smtp", f"{id_}@x.example")] for id_ in people
    }
    return Directory(people=people, contact_points=fields.pop("contact_points", points), **fields)


def _who(role: str, event: Happening, directory: Directory, now: datetime = NOW) -> list[str]:
    return [recipient.key for recipient in resolve(Audience("role", role), event, directory, now).recipients]


def test_an_assignment_for_the_customer_beats_the_record_beats_the_event_beats_the_default():
    people = _people("assigned", "recorded", "said", "default")
    whole = _directory(
        people,
        assignments={("C-1", "account_manager"): Assignee("assigned"), ("*", "account_manager"): Assignee("default")},
        account_managers={"C-1": "recorded"},
    )
    event = _event(account_manager="said")
    without = replace(whole, assignments={("*", "account_manager"): Assignee("default")})

    assert _who("account_manager", event, whole) == ["person:assigned"]
    assert _who("account_manager", event, without) == ["person:recorded"]
    assert _who("account_manager", event, replace(without, account_managers={})) == ["person:said"]
    assert _who("account_manager", _event(), replace(without, account_managers={})) == ["person:default"]


def test_team_lead_and_department_head_follow_from_the_line_of_managers_unless_they_were_named():
    people = {**_people("am", manager="lead"), **_people("lead", manager="head"), **_people("head", "named")}
    directory = _directory(people, account_managers={"C-1": "am"})

    assert _who("team_lead", _event(), directory) == ["person:lead"]
    assert _who("department_head", _event(), directory) == ["person:head"]
    named = replace(directory, assignments={("C-1", "team_lead"): Assignee("named")})
    assert _who("team_lead", _event(), named) == ["person:named"]


def test_a_deputy_stands_in_while_somebody_is_away_and_not_a_moment_longer():
    back = NOW + timedelta(days=7)
    people = {
        **_people("am", deputy="deputy", away_from=NOW, away_until=back),
        **_people("deputy"),
    }
    directory = _directory(people, account_managers={"C-1": "am"})

    assert _who("account_manager", _event(), directory, NOW - timedelta(seconds=1)) == ["person:am"]
    assert _who("account_manager", _event(), directory, NOW) == ["person:deputy"]
    assert _who("account_manager", _event(), directory, back) == ["person:am"]


def test_deputies_of_one_another_who_are_all_away_end_in_the_default():
    people = {
        **_people("a", deputy="b", away_from=NOW),
        **_people("b", deputy="a", away_from=NOW),
        **_people("default"),
    }
    directory = _directory(
        people, account_managers={"C-1": "a"}, assignments={("*", "account_manager"): Assignee("default")}
    )

    assert _who("account_manager", _event(), directory) == ["person:default"]


@pytest.mark.parametrize("unusable", ["departed", "complained about", "unknown"])
def test_who_cannot_be_told_is_passed_over_for_the_next_source_and_it_is_written_down(unusable):
    people = {**_people("am", active=unusable != "departed"), **_people("default")}
    if unusable == "unknown":
        del people["am"]
    directory = _directory(
        people, account_managers={"C-1": "am"}, assignments={("*", "account_manager"): Assignee("default")}
    )
    event = _event(complained_about="am" if unusable == "complained about" else None)
    found = resolve(Audience("role", "account_manager"), event, directory, NOW)

    assert [recipient.key for recipient in found.recipients] == ["person:default"]
    assert any("am" in step and "told" not in step for step in found.steps)
    assert found.steps[-1] == "default is told"


def test_a_team_is_told_member_by_member_and_its_channel_as_a_whole():
    directory = _directory(_people("a", "b"), teams={"t": Team("t", "T", ("b", "a"))})

    members = resolve(Audience("team", "t"), _event(), directory, NOW).recipients
    channel = resolve(Audience("team_channel", "t"), _event(), directory, NOW).recipients
    assert [recipient.key for recipient in members] == ["person:b", "person:a"]
    assert [(recipient.key, recipient.person) for recipient in channel] == [("team:t", None)]


def test_the_role_may_be_named_by_the_event():
    directory = _directory(_people("boss"), assignments={("*", "ceo"): Assignee("boss")})
    audience = Audience("role_from_event", "role")

    assert resolve(audience, _event(role="ceo"), directory, NOW).recipients[0].key == "person:boss"
    assert resolve(audience, _event(), directory, NOW).recipients == ()


# routes


def _route(key: str, order: int = 100, *conditions: Condition, goes_on: bool = False, **tell) -> Route:
    said = Tell(
        tell.get("audience", Audience("role", "account_manager")),
        tell.get("urgency", Urgency.HIGH),
        "t",
        tell.get("channels", ("smtp",)),
    )
    return Route(key, 1, order, frozenset({OPENED}), conditions, (said,), goes_on)


def test_the_first_route_that_matches_ends_the_search_unless_it_goes_on():
    first, second = _route("b", 1), _route("a", 2)

    assert [r.key for r in route(_event(), in_order([second, first])).matched] == ["b"]
    assert [r.key for r in route(_event(), in_order([second, replace(first, goes_on=True)])).matched] == ["b", "a"]


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        (Condition("severity", any_of=("S1", "S2")), {"severity": "S2"}, True),
        (Condition("severity", any_of=("S1", "S2")), {"severity": "S3"}, False),
        (Condition("severity", any_of=("S1",)), {}, False),
        (Condition("stage", none_of=("closed",)), {"stage": "closed"}, False),
        (Condition("stage", none_of=("closed",)), {}, True),
        (Condition("level", at_least=3), {"level": 3}, True),
        (Condition("level", at_least=3), {"level": 2}, False),
        (Condition("level", at_least=0), {"level": "3"}, False),
        (Condition("level", at_least=0), {"level": True}, False),
        (Condition("opened_case", any_of=(False,)), {"opened_case": False}, True),
        (Condition("opened_case", any_of=(False,)), {"opened_case": True}, False),
    ],
)
def test_a_condition_holds(condition, facts, holds):
    assert bool(route(_event(**facts), [_route("r", 1, condition)]).matched) is holds


def test_a_route_that_does_not_match_says_which_test_failed():
    (verdict,) = route(_event(severity="S3"), [_route("r", 1, Condition("severity", any_of=("S1",)))]).verdicts

    assert verdict.because == "severity is one of S1: the event has 'S3'"


def test_a_drill_is_told_only_by_routes_for_drills():
    ordinary = _route("r")

    assert not route(_event(drill=True), [ordinary]).matched
    assert route(_event(drill=True), [replace(ordinary, drills=True)]).matched


# planning


def test_one_event_reaches_one_recipient_once_by_its_most_pressing_message():
    directory = _directory(_people("am"), account_managers={"C-1": "am"})
    routes = [_route("low", 1, goes_on=True, urgency=Urgency.LOW), _route("critical", 2, urgency=Urgency.CRITICAL)]
    low, critical = plan(_event(), routes, directory, NOW).messages

    assert low.deliveries[0].suppressed_because == "person:am is told of this by critical#0"
    assert critical.deliveries[0].suppressed_because is None


def test_one_without_address_does_not_keep_the_same_person_from_being_told_over_another_channel():
    people = _people("am")
    points = {"person:am": [ContactPoint("h", "person:am", "webhook", "https://x.example")]}
    directory = _directory(people, account_managers={"C-1": "am"}, contact_points=points)
    routes = [_route("mail", 1, goes_on=True), _route("hook", 2, channels=("webhook",))]
    mail, hook = plan(_event(), routes, directory, NOW).messages

    assert mail.unreachable == "no_contact_point"
    assert hook.deliveries[0].channels == ("webhook",)
    assert hook.deliveries[0].suppressed_because is None


@pytest.mark.parametrize(
    ("rule", "channels"),
    [
        (None, ("smtp", "webhook")),
        (("webhook", "smtp"), ("webhook", "smtp")),
        (("webhook",), ("webhook",)),
        (("sms",), ("smtp", "webhook")),
    ],
)
def test_a_persons_rule_decides_the_order_of_the_routes_channels(rule, channels):
    points = {
        "person:am": [
            ContactPoint("m", "person:am", "smtp", "am@x.example"),
            ContactPoint("h", "person:am", "webhook", "https://x.example"),
        ]
    }
    directory = _directory(
        _people("am"),
        account_managers={"C-1": "am"},
        contact_points=points,
        contact_rules={} if rule is None else {("am", "high"): rule},
    )
    (message,) = plan(_event(), [_route("r", channels=("smtp", "webhook"))], directory, NOW).messages

    assert message.deliveries[0].channels == channels
