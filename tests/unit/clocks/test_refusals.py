"""Documents and events that are refused: each with its place, its rule, and nothing half done."""

import pytest

from services.crisis.documents.simulation import UnreachableTargetProblem, simulate
from services.crisis.documents.targets import parse_policy
from shared.documents import InvalidDocument
from tests.unit.clocks.story import OFFICE, business, clock, elapsed, event, extend, pause, request, retarget, start


def refusal(asked):
    """The places and rules that a request breaks."""
    with pytest.raises(InvalidDocument) as raised:
        simulate(asked)
    assert all(error.detail for error in raised.value.errors)
    return [(error.pointer, error.rule) for error in raised.value.errors]


@pytest.mark.parametrize(
    ("target", "place", "rule"),
    [
        ({}, "", "one-duration-kind"),
        ({"elapsed": "PT1H", "business": "PT1H", "calendar": "office"}, "", "one-duration-kind"),
        ({"elapsed": "P1D"}, "/elapsed", "time-units"),
        ({"elapsed": "P1DT1H"}, "/elapsed", "time-units"),
        ({"elapsed": "P1W"}, "/elapsed", "time-units"),
        ({"elapsed": "PT"}, "/elapsed", "duration-format"),
        ({"elapsed": "4h"}, "/elapsed", "duration-format"),
        ({"elapsed": "PT1.5H"}, "/elapsed", "duration-format"),
        ({"elapsed": "-PT1H"}, "/elapsed", "duration-format"),
        ({"elapsed": "PT0S"}, "/elapsed", "above-zero"),
        ({"elapsed": 15}, "/elapsed", "type"),
        ({"business": "PT1H"}, "", "calendar-required"),
        ({"business": "P1D", "calendar": "office"}, "/business", "time-units"),
        ({"business_days": 0, "calendar": "office"}, "/business_days", "range"),
        ({"business_days": "1", "calendar": "office"}, "/business_days", "type"),
        ({"business_days": 1}, "", "calendar-required"),
        ({"business_days": 1, "calendar": "office", "at": "25:00"}, "/at", "time-format"),
        ({"business_days": 1, "calendar": "office", "roll": "forward"}, "", "option-of-another-kind"),
        ({"period": "PT8H", "calendar": "office"}, "/period", "period-units"),
        ({"period": "P1DT8H", "calendar": "office"}, "/period", "period-units"),
        ({"period": "P0D", "calendar": "office"}, "/period", "above-zero"),
        ({"period": "P8W"}, "", "calendar-required"),
        ({"period": "P8W", "calendar": "office", "roll": "up"}, "/roll", "choice"),
        ({"business": "PT1H", "calendar": "office", "under_pause": "fixed"}, "", "option-of-another-kind"),
        ({"elapsed": "PT1H", "warn": ["0%"]}, "/warn/0", "percent-format"),
        ({"elapsed": "PT1H", "warn": ["50%", "half"]}, "/warn/1", "percent-format"),
        ({"elapsed": "PT1H", "warn": [50]}, "/warn/0", "type"),
        ({"elapsed": "PT1H", "warn_before": ["P1D"]}, "/warn_before/0", "time-units"),
        ({"elapsed": "PT1H", "statutory": {"regime": "law"}}, "/statutory/source", "required"),
        ({"elapsed": "PT1H", "colour": "red"}, "/colour", "unknown-field"),
        ({"business": "PT1H", "calendar": "nowhere"}, "/calendar", "unknown-calendar"),
        ({"elapsed": "PT1H", "calendar": "nowhere"}, "/calendar", "unknown-calendar"),
    ],
)
def test_a_target_that_breaks_a_rule_is_refused(target, place, rule):
    assert refusal(request(target, start("mon 09:00"))) == [("/policy/targets/t" + place, rule)]


@pytest.mark.parametrize(
    ("changed", "place", "rule"),
    [
        ({"type": "begin"}, "/type", "unknown-event-type"),
        ({"type": ["start"]}, "/type", "unknown-event-type"),
        ({"at": "yesterday"}, "/at", "instant-format"),
        ({"at": "2026-11-02T09:00:00"}, "/at", "instant-format"),
        ({"at": "2026-02-30T09:00:00Z"}, "/at", "instant-format"),
        ({"at": 12}, "/at", "instant-format"),
        ({"at": "9999-01-01T00:00:00Z"}, "/at", "instant-range"),
        ({"target": "other"}, "/target", "unknown-target"),
        ({"why": "x"}, "/why", "unknown-field"),
        ({"type": "pause"}, "/reason", "required"),
        ({"type": "pause", "reason": ""}, "/reason", "length"),
        ({"type": "pause", "reason": " "}, "/reason", "pattern"),
        ({"type": "retarget", "policy": "p"}, "/behaviour", "required"),
        ({"type": "retarget", "policy": "p", "behaviour": "loosen"}, "/behaviour", "choice"),
        ({"type": "retarget", "behaviour": "keep"}, "", "policy-or-to"),
        ({"type": "retarget", "behaviour": "keep", "policy": "p", "to": {"elapsed": "PT1H"}}, "", "policy-or-to"),
        ({"type": "retarget", "behaviour": "keep", "to": {"elapsed": "PT1H"}}, "", "target-required"),
        (
            {"type": "retarget", "behaviour": "keep", "target": "t", "to": {"elapsed": "P1D"}},
            "/to/elapsed",
            "time-units",
        ),
        ({"type": "retarget", "behaviour": "keep", "policy": "nowhere"}, "/policy", "unknown-policy"),
        ({"type": "reopen", "mode": "again"}, "/mode", "choice"),
        ({"type": "extend"}, "", "by-or-until"),
        ({"type": "extend", "by": "PT8H"}, "/by", "period-units"),
        ({"type": "extend", "by": "P1D", "until": "2026-11-02T09:00:00Z"}, "", "by-or-until"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(changed, place, rule):
    asked = request(elapsed("PT1H"), start("mon 09:00"), {**start("mon 10:00"), **changed})

    assert refusal(asked) == [("/events/1" + place, rule)]


def test_an_event_without_a_type_is_refused():
    assert refusal(request(elapsed("PT1H"), {"at": "2026-11-02T09:00:00Z"})) == [("/events/0/type", "required")]


def test_a_new_target_with_an_unknown_calendar_is_refused():
    change = event(
        "retarget", "mon 10:00", behaviour="keep", target="t", to={"business": "PT1H", "calendar": "nowhere"}
    )

    assert refusal(request(elapsed("PT1H"), change)) == [("/events/0/to/calendar", "unknown-calendar")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], [("", "type")]),
        ({}, [("/policy", "required"), ("/until", "required"), ("/events", "required")]),
        ({**request(elapsed("PT1H")), "now": 1}, [("/now", "unknown-field")]),
        ({**request(elapsed("PT1H")), "events": {}}, [("/events", "type")]),
        ({**request(elapsed("PT1H")), "events": ["start"]}, [("/events/0", "type")]),
        ({**request(elapsed("PT1H")), "until": "now"}, [("/until", "instant-format")]),
        ({**request(elapsed("PT1H")), "calendars": [None]}, [("/calendars/0", "type")]),
        ({**request(elapsed("PT1H")), "policy": {"key": "p", "targets": {}}}, [("/policy/targets", "length")]),
    ],
)
def test_a_body_that_is_no_simulation_is_refused(body, expected):
    assert refusal(body) == expected


def test_a_simulation_is_bounded():
    centuries = request(elapsed("PT1H"), {"type": "start", "at": "1925-01-01T00:00:00Z"}, until="mon 09:00")
    many = request(elapsed("PT1H"), *[start("mon 09:00")] * 10_001)

    assert refusal(centuries) == [("/until", "instant-range")]
    assert refusal(many) == [("/events", "length")]


def test_events_count_once_for_each_target_that_they_speak_to():
    targets = {f"t{number}": elapsed("PT1H") for number in range(50)}
    asked = {**request(elapsed("PT1H"), *[start("mon 09:00")] * 1001), "policy": {"key": "p", "targets": targets}}

    assert refusal(asked) == [("/events", "length")]


def test_lines_that_tighten_are_bounded_where_each_is_another():
    def tightened(count, *, different):
        target = [elapsed(f"PT{1 + number * different}S", warn=["50%"]) for number in range(count)]
        return request(elapsed("PT9H"), *[retarget("mon 09:00", "tighten_only", one) for one in target])

    assert refusal(tightened(708, different=True)) == [("/events", "length")]
    assert simulate(tightened(707, different=True)) == {"clocks": []}
    assert simulate(tightened(708, different=False)) == {"clocks": []}


def test_every_refusal_is_told_at_once():
    asked = request(elapsed("P1D"), pause("mon 09:00", ""), calendars=[{**OFFICE, "zone": "Mars/Base"}])

    assert refusal(asked) == [
        ("/policy/targets/t/elapsed", "time-units"),
        ("/events/0/reason", "length"),
        ("/calendars/0/zone", "unknown-zone"),
    ]


def test_two_calendars_may_not_share_a_key():
    assert refusal(request(elapsed("PT1H"), calendars=[OFFICE, {**OFFICE, "zone": "UTC"}])) == [
        ("/calendars/1/key", "duplicate-key")
    ]


def test_the_policy_may_stand_among_the_policies_again_but_not_changed():
    same = {"key": "p", "targets": {"t": elapsed("PT1H")}}

    assert clock(elapsed("PT1H"), start("mon 09:00"), policies=[same])["target"] == "t"
    assert refusal(request(elapsed("PT2H"), policies=[same])) == [("/policies/0/key", "duplicate-key")]


def test_a_calendar_that_never_opens_is_refused():
    closed = {"key": "closed", "zone": "UTC", "weekly": {"mon": []}}

    assert refusal(request(elapsed("PT1H"), start("mon 09:00"), calendars=[closed])) == [
        ("/calendars/0", "no-open-time")
    ]


def test_a_calendar_that_opens_only_after_400_days_is_refused():
    late = {"key": "late", "zone": "UTC", "exceptions": [{"date": "2027-12-08", "windows": ["00:00-24:00"]}]}
    in_time = {"key": "in-time", "zone": "UTC", "exceptions": [{"date": "2027-12-07", "windows": ["00:00-24:00"]}]}

    assert refusal(request(elapsed("PT1H"), start("mon 09:00"), calendars=[late])) == [("/calendars/0", "no-open-time")]
    assert clock(elapsed("PT1H"), start("mon 09:00"), calendars=[in_time])


@pytest.mark.parametrize(
    "target",
    [
        {"business": "PT9H", "calendar": "rare"},
        {"business_days": 2, "calendar": "rare"},
        {"period": "P2W", "calendar": "rare", "roll": "forward"},
        {"period": "P21Y", "calendar": "rare"},
        {"elapsed": "PT175321H"},
        {"period": "P999999Y", "calendar": "rare"},
        {"period": "P2000Y", "calendar": "rare", "roll": "forward"},
        {"period": "P999999D", "calendar": "rare", "roll": "backward"},
        {"business_days": 10**30, "calendar": "rare"},
        {"elapsed": "PT999999999H"},
    ],
)
def test_a_target_not_reached_within_twenty_years_is_a_problem_of_its_own(target):
    rare = {"key": "rare", "zone": "UTC", "exceptions": [{"date": "2026-11-03", "windows": ["09:00-17:00"]}]}
    asked = request(target, start("mon 09:00"), calendars=[rare], until="mon 09:00")

    with pytest.raises(UnreachableTargetProblem) as raised:
        simulate(asked)
    assert [(error.pointer, error.rule) for error in raised.value.errors] == [
        ("/policy/targets/t", "unreachable-target")
    ]


def test_a_target_reached_just_within_twenty_years_is_none():
    assert clock(elapsed("PT175320H"), start("mon 09:00"), until="mon 09:00")["due_at"] == "2046-11-02T01:00:00Z"


def test_an_unreachable_target_that_never_starts_is_no_problem():
    assert simulate(request(elapsed("PT999999999H")))["clocks"] == []


def test_an_extension_beyond_twenty_years_is_unreachable():
    statutory = elapsed("PT1H", statutory={"regime": "law", "source": "§ 1"})

    with pytest.raises(UnreachableTargetProblem):
        simulate(request(statutory, start("mon 09:00"), extend("mon 09:30", by="P30Y")))


def test_a_policy_document_keeps_what_it_says():
    document = parse_policy(
        {
            "key": "key-customer",
            "applies": {"service_class": "key"},
            "reopen": "resume",
            "targets": {"b": business("PT4H", warn=["50%"]), "a": elapsed("PT1H")},
        }
    )

    assert (document.applies, list(document.to_policy().targets)) == ({"service_class": "key"}, ["b", "a"])
