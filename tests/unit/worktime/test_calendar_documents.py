"""Calendar documents: what is refused, and where it says so."""

from datetime import date

import pytest
import yaml

from shared.documents import InvalidDocument
from shared.worktime import parse_calendar

SOUND = {"key": "c", "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-12:00", "13:00-18:00"]}}


def refusal(**changes):
    with pytest.raises(InvalidDocument) as raised:
        parse_calendar({**SOUND, **changes})
    return [(error.pointer, error.rule) for error in raised.value.errors]


@pytest.mark.parametrize(
    "window", ["9:00-18:00", "09:00-24:01", "24:00-25:00", "09:60-10:00", "09:00–10:00", "09:00", ""]
)
def test_a_window_that_is_none_is_refused(window):
    assert refusal(weekly={"mon": ["09:00-10:00", window]}) == [("/weekly/mon/1", "window-format")]


@pytest.mark.parametrize(
    ("changes", "place", "rule"),
    [
        ({"zone": "Asia/Peking"}, "/zone", "unknown-zone"),
        ({"zone": "asia/shanghai"}, "/zone", "unknown-zone"),
        ({"zone": "../../etc/passwd"}, "/zone", "unknown-zone"),
        ({"zone": 8}, "/zone", "type"),
        ({"key": "always"}, "/key", "reserved-key"),
        ({"key": ""}, "/key", "length"),
        ({"weekly": {"monday": []}}, "/weekly/monday", "choice"),
        ({"weekly": {"mon": [540]}}, "/weekly/mon/0", "window-format"),
        ({"weekly": {"mon": "09:00-18:00"}}, "/weekly/mon", "type"),
        ({"holidays": {"country": "China"}}, "/holidays/country", "pattern"),
        ({"holidays": {"country": "CN", "make_up_workdays": True}}, "/holidays", "make-up-as-missing"),
        ({"holidays": {"country": "CN", "make_up_workdays": "yes"}}, "/holidays/make_up_workdays", "type"),
        ({"exceptions": [{"date": "2026-02-30", "windows": []}]}, "/exceptions/0/date", "date-format"),
        ({"exceptions": [{"date": 20260214, "windows": []}]}, "/exceptions/0/date", "date-format"),
        ({"exceptions": [{"windows": []}]}, "/exceptions/0", "exception-dates"),
        ({"exceptions": [{"from": "2026-02-14", "windows": []}]}, "/exceptions/0", "exception-dates"),
        (
            {"exceptions": [{"from": "2026-02-14", "to": "2026-02-13", "windows": []}]},
            "/exceptions/0",
            "exception-dates",
        ),
        ({"exceptions": [{"date": "2026-02-14"}]}, "/exceptions/0/windows", "required"),
        ({"known_until": "31.12.2026"}, "/known_until", "date-format"),
        ({"colour": "red"}, "/colour", "unknown-field"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_at_its_place(changes, place, rule):
    assert refusal(**changes) == [(place, rule)]


@pytest.mark.parametrize(
    "second",
    [
        {"date": "2026-08-01"},
        {"date": "2026-08-03"},
        {"from": "2026-07-20", "to": "2026-08-01"},
        {"from": "2026-07-20", "to": "2026-08-20"},
    ],
)
def test_overlapping_exceptions_are_refused(second):
    exceptions = [{"from": "2026-08-01", "to": "2026-08-03", "windows": []}, {**second, "windows": ["09:00-10:00"]}]

    ((place, rule),) = refusal(exceptions=exceptions)

    assert (place.rstrip("01"), rule) == ("/exceptions/", "overlapping-exceptions")


def test_exceptions_that_only_touch_are_taken():
    exceptions = [
        {"from": "2026-08-01", "to": "2026-08-03", "windows": []},
        {"date": "2026-08-04", "windows": ["09:00-10:00"]},
    ]

    assert len(parse_calendar({**SOUND, "exceptions": exceptions}).exceptions) == 2


def test_yaml_dates_are_taken_as_dates():
    document = parse_calendar(
        yaml.safe_load("""
            key: c
            zone: Asia/Shanghai
            weekly: {mon: ["09:00-12:00"], sat: []}
            exceptions:
              - {date: 2026-02-14, windows: ["09:00-12:00"], note: half day}
              - {from: 2026-08-01, to: 2026-08-03, windows: [], note: moving office}
            known_until: 2026-12-31
        """)
    )

    assert [(one.first, one.last) for one in document.exceptions] == [
        (date(2026, 2, 14), date(2026, 2, 14)),
        (date(2026, 8, 1), date(2026, 8, 3)),
    ]
    assert document.known_until == date(2026, 12, 31)


def test_make_up_workdays_are_off_unless_asked_for():
    document = parse_calendar({**SOUND, "holidays": {"country": "CN"}})

    assert document.holidays.make_up_workdays is False
