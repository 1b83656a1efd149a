"""iCalendar: what we write is valid RFC 5545, what we read becomes exceptions, and the rest is told with its place."""

from datetime import UTC, date, datetime

import pytest

from shared.documents import InvalidDocument
from shared.worktime import export_icalendar, import_icalendar
from shared.worktime.content_lines import escaped, read_lines, unescaped, written
from tests.unit.worktime.calendars import calendar
from tests.unit.worktime.test_published_calendars import china

STAMP = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def an_event(*lines):
    return "\r\n".join(["BEGIN:VEVENT", "UID:1@x", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def a_file(*events):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", *events, "END:VCALENDAR", ""])


def taken(*lines, zone="Asia/Shanghai"):
    return list(import_icalendar(a_file(an_event(*lines)), zone=zone).exceptions)


def test_export_is_crlf_folded_at_75_octets_and_escaped():
    note = "搬家；文档, 与 notes; both \\ and\nmore " * 5
    exceptions = [{"from": "2026-08-01", "to": "2026-08-03", "windows": [], "note": note.strip()[:200]}]
    octets = export_icalendar(
        calendar(exceptions=exceptions), date(2026, 1, 1), date(2026, 12, 31), version=3, stamp=STAMP
    )

    assert octets.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    lines = octets.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    properties = {line.name: line for line in read_lines(octets.decode())}
    assert unescaped(properties["SUMMARY"].value) == note.strip()[:200]
    assert properties["DTSTART"].parameters == {"VALUE": "DATE"}
    assert (properties["DTSTART"].value, properties["DTEND"].value) == ("20260801", "20260804")
    assert properties["DTSTAMP"].value == "20260102T030405Z"
    assert properties["UID"].value == "exception-20260801@c.calendar.moat"


def test_export_tells_holidays_and_make_up_days_of_the_year_that_is_asked():
    octets = export_icalendar(china(), date(2026, 10, 1), date(2026, 10, 31), version=1, stamp=STAMP)
    events = [line.value for line in read_lines(octets.decode()) if line.name == "CATEGORIES"]

    # The Sunday among the seven days is a weekend, not a holiday.
    assert events == ["HOLIDAY"] * 6 + ["MAKE-UP-WORKDAY"]


def test_what_was_exported_comes_back_as_the_same_exceptions_without_the_holidays():
    exceptions = [
        {"date": "2026-02-14", "windows": ["09:00-12:00", "22:00-06:00"], "note": "half, then night"},
        {"from": "2026-10-01", "to": "2026-10-03", "windows": [], "note": "closed; really"},
    ]
    octets = export_icalendar(
        china(exceptions=exceptions), date(2026, 1, 1), date(2026, 12, 31), version=1, stamp=STAMP
    )
    found = import_icalendar(octets.decode(), zone="Asia/Shanghai")

    assert list(found.exceptions) == exceptions
    assert found.skipped > 20


def test_an_all_day_event_closes_its_dates():
    assert taken("DTSTART;VALUE=DATE:20260801", "DTEND;VALUE=DATE:20260804", "SUMMARY:Moving\\, at last") == [
        {"from": "2026-08-01", "to": "2026-08-03", "windows": [], "note": "Moving, at last"}
    ]
    assert taken("DTSTART;VALUE=DATE:20260801") == [{"date": "2026-08-01", "windows": []}]
    assert taken("DTSTART;VALUE=DATE:20260801", "DURATION:P2D") == [
        {"from": "2026-08-01", "to": "2026-08-02", "windows": []}
    ]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("DTSTART:20260803T090000", "DTEND:20260803T120000", ("2026-08-03", "09:00-12:00")),
        ("DTSTART:20260803T010000Z", "DTEND:20260803T040000Z", ("2026-08-03", "09:00-12:00")),
        ("DTSTART;TZID=Europe/London:20260803T020000", "DURATION:PT3H", ("2026-08-03", "09:00-12:00")),
        ("DTSTART;TZID=Asia/Shanghai:20260803T220000", "DTEND:20260804T060000", ("2026-08-03", "22:00-06:00")),
        ("DTSTART:20260803T220000", "DTEND:20260804T000000", ("2026-08-03", "22:00-24:00")),
        ("DTSTART:20260803T090000", "DURATION:P1D", ("2026-08-03", "09:00-09:00")),
    ],
)
def test_an_event_with_times_says_when_its_date_is_open(begin, end, expected):
    assert taken(begin, end) == [{"date": expected[0], "windows": [expected[1]]}]


def test_several_events_of_one_date_are_its_windows():
    events = [
        an_event("DTSTART:20260803T140000", "DTEND:20260803T160000"),
        an_event("DTSTART:20260803T090000", "DTEND:20260803T120000"),
    ]

    found = import_icalendar(a_file(*events), zone="Asia/Shanghai").exceptions

    assert [one["windows"] for one in found] == [["09:00-12:00", "14:00-16:00"]]


def test_cancelled_events_are_skipped_and_alarms_and_zones_are_left_out():
    zone = "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\nEND:VTIMEZONE"
    alarm = "BEGIN:VALARM\r\nDURATION:PT15M\r\nEND:VALARM"
    kept = an_event("DTSTART;VALUE=DATE:20260801", alarm)
    cancelled = an_event("DTSTART;VALUE=DATE:20260802", "STATUS:CANCELLED", "RRULE:FREQ=DAILY")

    found = import_icalendar(a_file(zone, kept, cancelled), zone="Asia/Shanghai")

    assert ([one["date"] for one in found.exceptions], found.skipped) == (["2026-08-01"], 1)


@pytest.mark.parametrize(
    ("lines", "pointer", "rule"),
    [
        (["DTSTART;VALUE=DATE:20260801", "RRULE:FREQ=YEARLY"], "/VEVENT/0/RRULE", "recurrence"),
        (["DTSTART;TZID=W. Europe:20260801T0900", "DTEND:20260801T120000"], "/VEVENT/0/DTSTART", "date_format"),
        (["DTSTART;TZID=W. Europe:20260801T090000", "DURATION:PT1H"], "/VEVENT/0/DTSTART", "unknown-zone"),
        (["SUMMARY:nothing"], "/VEVENT/0/DTSTART", "required"),
        (["DTSTART:20260801T090000"], "/VEVENT/0/DTEND", "required"),
        (["DTSTART:20260801T090000", "DTEND:20260801T080000"], "/VEVENT/0/DTEND", "inverted"),
        (["DTSTART;VALUE=DATE:20260801", "DTEND;VALUE=DATE:20260801"], "/VEVENT/0/DTEND", "inverted"),
        (["DTSTART:20260801T090000", "DTEND:20260803T080000"], "/VEVENT/0/DTEND", "too-long"),
        (["DTSTART:20260801T090030", "DTEND:20260801T100000"], "/VEVENT/0/DTSTART", "minutes"),
        (["DTSTART:20260230T090000", "DTEND:20260301T100000"], "/VEVENT/0/DTSTART", "date_format"),
        (["DTSTART:20260801T090000", "DURATION:sometime"], "/VEVENT/0/DURATION", "duration_format"),
    ],
)
def test_an_event_that_cannot_be_taken_is_told_with_place_and_rule(lines, pointer, rule):
    with pytest.raises(InvalidDocument) as refusal:
        taken(*lines)

    assert [(error.pointer, error.rule) for error in refusal.value.errors] == [(pointer, rule)]


def test_two_exceptions_for_one_date_are_refused():
    events = [an_event("DTSTART;VALUE=DATE:20260801"), an_event("DTSTART:20260801T090000", "DURATION:PT1H")]

    with pytest.raises(InvalidDocument, match="overlapping-exceptions"):
        import_icalendar(a_file(*events), zone="UTC")


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT"])
def test_what_is_no_icalendar_file_is_refused(text):
    with pytest.raises(InvalidDocument) as refusal:
        import_icalendar(text, zone="UTC")

    assert refusal.value.errors[0].rule == "icalendar"


def test_texts_come_back_as_they_went():
    text = "a\\b; c, d\nn\\n \U0001f600" * 9

    (line,) = read_lines(written([("SUMMARY", escaped(text))]).decode())

    assert unescaped(line.value) == text
