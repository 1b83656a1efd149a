"""Any calendar, any instants: the compiled arrays say what a plain list of windows says."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.worktime.calendars import DAY, EPOCH, EVERY_DAY, calendar, us

ZONES = ("UTC", "Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo")
BEGIN = us("2015-09-01T00:00:00Z")

minutes = st.integers(0, 1439)
windows = st.tuples(minutes, minutes | st.just(1440)).map(
    lambda pair: f"{pair[0] // 60:02}:{pair[0] % 60:02}-{pair[1] // 60:02}:{pair[1] % 60:02}"
)
weeks = st.dictionaries(st.sampled_from(EVERY_DAY), st.lists(windows, max_size=3), min_size=1).filter(
    lambda week: any(week.values())
)
exceptions = st.dictionaries(st.integers(0, 60), st.lists(windows, max_size=2), max_size=5).map(
    lambda days: [
        {"date": (date(2015, 10, 1) + timedelta(day)).isoformat(), "windows": listed} for day, listed in days.items()
    ]
)
documents = st.fixed_dictionaries({"zone": st.sampled_from(ZONES), "weekly": weeks, "exceptions": exceptions})
instants = st.integers(BEGIN, BEGIN + 120 * DAY)


def naive_windows(document, day):
    """The windows of a date by the words of the definition, as instants in microseconds."""
    listed = document["weekly"].get(EVERY_DAY[day.weekday()], [])
    for one in document["exceptions"]:
        if one["date"] == day.isoformat():
            listed = one["windows"]
    zone = ZoneInfo(document["zone"])
    for window in listed:
        begin, end = window.split("-")
        last = day if end > begin else day + timedelta(1)
        yield wall(day, begin, zone), wall(last, end, zone)


def wall(day, clock, zone):
    if clock == "24:00":
        day, clock = day + timedelta(1), "00:00"
    there = datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)
    return (there - EPOCH) // timedelta(microseconds=1)


def naive_union(document):
    """The open stretches of the test's months, merged by hand."""
    days = (date(2015, 8, 1) + timedelta(number) for number in range(200))
    found = sorted(pair for day in days for pair in naive_windows(document, day) if pair[0] < pair[1])
    merged = []
    for begin, end in found:
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([begin, end])
    return merged


def naive_open(union, begin, end):
    return sum(max(0, min(end, closes) - max(begin, opens)) for opens, closes in union)


@given(documents, instants, instants)
@settings(max_examples=150, deadline=None)
def test_open_time_is_the_measure_of_the_union_of_windows(document, one, other):
    begin, end = sorted((one, other))

    assert calendar(**document).open_time_between(begin, end) == naive_open(naive_union(document), begin, end)


@given(documents, st.lists(instants, min_size=3, max_size=3))
@settings(max_examples=150, deadline=None)
def test_open_time_is_additive(document, three):
    a, b, c = sorted(three)
    which = calendar(**document)

    assert which.open_time_between(a, c) == which.open_time_between(a, b) + which.open_time_between(b, c)


@given(documents, instants, st.integers(1, 200 * 3_600_000_000))
@settings(max_examples=150, deadline=None)
def test_adding_open_time_gives_the_first_instant_that_has_it(document, origin, micros):
    which = calendar(**document)
    reached = which.add_open_time(origin, micros)

    if reached is None:
        assert which.open_time_between(origin, origin + 7305 * DAY) < micros
    else:
        assert which.open_time_between(origin, reached) == micros
        assert which.open_time_between(origin, reached - 1) == micros - 1


@given(documents, instants, instants)
@settings(max_examples=150, deadline=None)
def test_adding_the_time_that_passed_leads_back_to_it_or_before(document, one, other):
    """With equality inside open hours, and at a closing."""
    begin, end = sorted((one, other))
    which = calendar(**document)
    back = which.add_open_time(begin, which.open_time_between(begin, end))

    assert back <= end
    if which.open_time_between(end - 1, end) == 1 and end > begin:
        assert back == end


@given(documents, instants, instants)
@settings(max_examples=100, deadline=None)
def test_closed_stretches_and_open_time_fill_the_whole(document, one, other):
    begin, end = sorted((one, other))
    which = calendar(**document)
    closed = which.closed_between(begin, end)

    assert sum(until - since for since, until, _ in closed) + which.open_time_between(begin, end) == end - begin
    assert all(which.open_time_between(since, until) == 0 for since, until, _ in closed)


@given(documents, st.lists(st.integers(BEGIN - 3000 * DAY, BEGIN + 3000 * DAY), min_size=2, max_size=6))
@settings(max_examples=50, deadline=None)
def test_answers_do_not_depend_on_what_was_asked_before(document, asked):
    warm = calendar(**document)
    for instant in asked:
        fresh = calendar(**document)
        hours = 50 * 3_600_000_000
        assert warm.add_open_time(instant, hours) == fresh.add_open_time(instant, hours)
        day, _ = warm.local(instant)
        assert warm.window_date(day, after=3) == fresh.window_date(day, after=3)
        assert warm.nearest_window_date(day, forward=False) == fresh.nearest_window_date(day, forward=False)
        assert list(warm.closed_between(instant, instant + 9 * DAY)) == list(
            fresh.closed_between(instant, instant + 9 * DAY)
        )


SEAM_QUESTIONS = {
    "measure": lambda which, at: which.open_time_between(at, at + DAY // 4),
    "add": lambda which, at: which.add_open_time(at, 3 * DAY),
    "closed": lambda which, at: list(which.closed_between(at, at + DAY // 4)),
}


@pytest.mark.parametrize("ask", SEAM_QUESTIONS.values(), ids=SEAM_QUESTIONS)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_open_time_has_no_seams_where_compiled_stretches_meet(zone, ask):
    """Grown step by step in both directions, or compiled at once: the same every six hours for two years and more."""
    nights = {day: ["22:00-21:00"] for day in EVERY_DAY}
    begin, quarter = us("2024-01-01T00:00:00Z"), DAY // 4
    whole = calendar(zone, weekly=nights)
    whole.open_time_between(begin - 900 * DAY, begin + 900 * DAY)
    for number in range(8):
        grown, first = calendar(zone, weekly=nights), number * 365
        for step in range(first, first + 400):
            for at in (begin + step * quarter, begin + (2 * first - step) * quarter):
                assert ask(grown, at) == ask(whole, at)
