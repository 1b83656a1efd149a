"""Published versions: holidays and make-up workdays written down once, and never asked for again."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from shared.documents import InvalidDocument
from shared.worktime import Calendar, PublishedCalendar, parse_calendar, publish, require_open_time
from tests.unit.worktime.calendars import HOUR, WEEKDAYS, calendar, iso, us

PRESETS = sorted((Path(__file__).parents[3] / "services/crisis/presets/calendars").glob("*.yaml"))
CHINA = {
    "key": "cn",
    "zone": "Asia/Shanghai",
    "weekly": {**{day: ["09:00-18:00"] for day in WEEKDAYS}, "tue": ["10:00-16:00"]},
    "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "tue"},
}


def china(**changes):
    holidays = {**CHINA["holidays"], **changes.pop("holidays", {})}
    return Calendar(publish(parse_calendar({**CHINA, "holidays": holidays, **changes})))


@pytest.mark.parametrize("day", ["2026-02-16", "2026-10-01", "2026-10-07", "2025-10-08"])
def test_a_public_holiday_has_no_windows_and_in_lieu_days_count(day):
    assert china().windows(date.fromisoformat(day)) == ()


@pytest.mark.parametrize("day", ["2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10", "2025-09-28"])
def test_a_make_up_workday_has_the_windows_of_the_weekday_that_is_named(day):
    ((begin, end),) = china().windows(date.fromisoformat(day))

    assert (iso(begin), iso(end)) == (f"{day}T02:00:00Z", f"{day}T08:00:00Z")


def test_without_make_up_workdays_those_weekends_stay_closed_and_the_holidays_too():
    finance = china(holidays={"make_up_workdays": False})

    assert finance.windows(date(2026, 10, 10)) == finance.windows(date(2026, 10, 7)) == ()


def test_an_exception_beats_a_holiday_and_a_make_up_workday():
    special = china(
        exceptions=[
            {"date": "2026-10-01", "windows": ["12:00-13:00"]},
            {"from": "2026-10-10", "to": "2026-10-12", "windows": []},
        ]
    )

    assert len(special.windows(date(2026, 10, 1))) == 1
    assert special.windows(date(2026, 10, 10)) == special.windows(date(2026, 10, 12)) == ()
    assert len(special.windows(date(2026, 10, 13))) == 1


def test_the_golden_week_of_2026_is_jumped_and_its_make_up_saturday_worked():
    """From Wednesday 30 September 17:00: one hour, then Thursday 8 and Friday 9 October (18 hours), then Saturday."""
    due = china().add_open_time(us("2026-09-30T09:00:00Z"), 22 * HOUR)

    assert iso(due) == "2026-10-10T05:00:00Z"


def test_a_version_says_which_packages_made_it_and_reads_back_the_same():
    version = publish(parse_calendar(CHINA))
    stored = json.loads(json.dumps(version.to_json()))

    assert version.holidays[date(2026, 10, 1)] == "National Day"
    assert version.holidays_version
    assert version.tzdata_version
    assert PublishedCalendar.model_validate(stored) == version


def test_a_version_read_back_never_asks_the_holidays_package(monkeypatch):
    version = publish(parse_calendar(CHINA))
    stored = version.model_copy(update={"holidays": {date(2026, 10, 2): "Ours"}, "make_up_days": ()})
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    ours = Calendar(PublishedCalendar.model_validate(stored.to_json()))

    assert ours.windows(date(2026, 10, 1)) != ()
    assert ours.reason_closed(date(2026, 10, 2)) == "holiday: Ours"


def test_known_until_is_the_end_of_the_last_year_with_published_make_up_days():
    version = publish(parse_calendar(CHINA))

    assert version.known_until == date(max(version.make_up_days).year, 12, 31)
    assert iso(Calendar(version).known_until) == f"{version.known_until.isoformat()}T16:00:00Z"


def test_known_until_follows_the_make_up_days_even_where_they_are_not_worked():
    finance = {**CHINA, "holidays": {"country": "CN"}}
    version = publish(parse_calendar(finance))

    assert version.make_up_days == ()
    assert version.known_until == publish(parse_calendar(CHINA)).known_until


def test_the_documents_own_known_until_wins_and_may_be_taken_as_it_stands():
    stated = parse_calendar({**CHINA, "known_until": "2026-06-30"})

    assert publish(stated).known_until == date(2026, 6, 30)
    assert publish(parse_calendar(CHINA), derive_known_until=False).known_until is None


def test_a_country_without_make_up_days_is_known_for_ever():
    document = parse_calendar({**CHINA, "holidays": {"country": "US"}})

    assert publish(document).known_until is None


@pytest.mark.parametrize(
    ("rule", "place", "name"),
    [
        ({"country": "XX"}, "/holidays/country", "unknown-country"),
        ({"country": "US", "subdivision": "ENG"}, "/holidays/subdivision", "unknown-subdivision"),
    ],
)
def test_a_country_that_the_package_does_not_know_is_refused(rule, place, name):
    with pytest.raises(InvalidDocument) as raised:
        publish(parse_calendar({**CHINA, "holidays": rule}))
    assert [(error.pointer, error.rule) for error in raised.value.errors] == [(place, name)]


def test_a_calendar_without_an_open_second_in_400_days_is_refused():
    once = calendar(weekly={}, exceptions=[{"date": "2027-12-07", "windows": ["00:00-00:01"]}])

    require_open_time(once, effective=us("2026-11-02T00:01:00Z"))
    with pytest.raises(InvalidDocument, match="no-open-time"):
        require_open_time(once, effective=us("2026-11-02T00:00:00Z"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_calendar_shipped_is_sound(path):
    document = parse_calendar(yaml.safe_load(path.read_text()))

    assert document.key == path.stem
    require_open_time(Calendar(publish(document)), effective=us("2026-11-02T00:00:00Z"))


def test_six_calendars_are_shipped():
    shipped = [path.stem for path in PRESETS]

    assert shipped == ["au-office", "cn-finance", "cn-office", "ie-office", "uk-office", "us-office"]
