"""The time strip: well-formed, self-contained, bounded, and nothing of it outside the picture."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from services.crisis.domain.clocks.instants import to_micros
from services.crisis.explain import as_json, as_svg
from services.crisis.explain.as_svg import WIDTH
from services.crisis.explain.axis import clock_changes, midnights, ticks
from services.crisis.explain.bands import bands, columns
from services.crisis.explain.marks import marks_of, placed, span_of
from services.crisis.explain.scale import Scale
from services.crisis.explain.svg import text_width
from shared.worktime.zones import zone
from tests.unit.explain.explained_story import (
    breached,
    clock_change,
    explain,
    half_a_year,
    nested_pauses,
    request,
    spring_festival,
    two_lines,
)

SVG = "{http://www.w3.org/2000/svg}"
STORIES = [spring_festival, clock_change, nested_pauses, two_lines, breached, half_a_year]
HARMLESS = {"svg", "title", "rect", "line", "path", "text", "g"}


def drawn(explanation, language="en"):
    return ET.fromstring(as_svg(explanation, language))


def words(picture):
    return [one.text for one in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_picture_is_well_formed_and_asks_for_nothing_from_outside(story, language):
    picture = drawn(story(), language)

    assert {one.tag.removeprefix(SVG) for one in picture.iter()} <= HARMLESS
    names = {name for one in picture.iter() for name in one.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name or name in {"style", "class"}}


@pytest.mark.parametrize("story", STORIES)
def test_everything_lies_inside_of_the_picture(story):
    picture = drawn(story())
    height = float(picture.get("height"))

    for one in picture.iter(f"{SVG}rect"):
        assert float(one.get("x")) >= 0
        assert float(one.get("x")) + float(one.get("width")) <= WIDTH + 0.2
        assert float(one.get("y")) + float(one.get("height")) <= height + 0.2
    for one in picture.iter(f"{SVG}text"):
        assert 0 <= float(one.get("x")) <= WIDTH
        assert 0 < float(one.get("y")) <= height


def test_what_people_wrote_is_escaped_and_what_xml_cannot_hold_is_replaced():
    nasty = '<script>alert("1")</script> & \x01\u0007 ]]>'
    explanation = explain(
        request(
            {"t": {"elapsed": "PT4H"}},
            ("2026-03-02T02:00:00Z", "start"),
            ("2026-03-02T03:00:00Z", "pause", {"reason": nasty}),
            until="2026-03-02T05:00:00Z",
        )
    )
    picture = drawn(explanation)

    assert "<script" not in as_svg(explanation, "en")
    titles = [one.text for one in picture.iter(f"{SVG}title")]
    assert any('<script>alert("1")</script> & \ufffd\ufffd ]]>' in title for title in titles)


def test_warnings_due_breach_and_now_are_marked():
    found = words(drawn(breached()))

    assert "⚠ 50% 18:00" in found
    assert "Breached 20:00" in found
    assert "Due 20:00" in found
    assert "missed 22:00" in found
    assert "UTC-04:00 → UTC-05:00" in found


def test_both_lines_of_a_tightened_promise_are_marked():
    found = words(drawn(two_lines()))

    assert "Due 10:00" in found
    assert "line 1 due 02:00" in found


def test_half_a_year_is_a_few_hundred_bands_and_its_shares_are_kept():
    clock = half_a_year().clocks[0]
    begin, end = clock.result.segments[0].begin, clock.result.segments[-1].end
    scale = Scale(to_micros(begin), to_micros(end), 24, 400)
    strip = list(bands(clock.result.segments, scale))

    assert len(clock.result.segments) > 350
    assert len(strip) <= 250
    assert sum(band.width for band in strip) == pytest.approx(400)
    counted = sum(band.width * dict(band.shares).get("counted", 0) for band in strip)
    assert counted / 400 == pytest.approx(clock.sums.counted / clock.sums.real, rel=1e-6)
    assert len(list(drawn(half_a_year()).iter())) < 1500


def test_columns_of_days_are_as_high_as_their_shares_and_like_neighbours_are_one():
    clock = half_a_year().clocks[0]
    segments = clock.result.segments
    begin, end = to_micros(segments[0].begin), to_micros(segments[-1].end)
    scale = Scale(begin, end, 24, 400)
    strip = list(columns(segments, scale, midnights(begin, end, zone("Asia/Shanghai"), every=1)))

    assert len(strip) < 90
    assert all(sum(share for _, share in band.shares) == pytest.approx(1) for band in strip)
    for state, amount in (
        ("counted", clock.sums.counted),
        ("closed", clock.sums.closed),
        ("paused", clock.sums.paused),
    ):
        area = sum(band.width * dict(band.shares).get(state, 0) for band in strip)
        assert area / 400 == pytest.approx(amount / clock.sums.real, rel=1e-9)


def test_more_clocks_than_a_page_holds_are_counted():
    many = {f"t{number}": {"elapsed": "PT4H"} for number in range(70)}
    explanation = explain(request(many, ("2026-03-02T02:00:00Z", "start"), until="2026-03-02T03:00:00Z"))

    assert "10 more clocks are not drawn; ask for one target or clock." in words(drawn(explanation))


@pytest.mark.parametrize(
    ("length", "first"),
    [
        (timedelta(minutes=10), "08:00"),
        (timedelta(hours=10), "08:00"),
        (timedelta(days=3), "12:00"),
        (timedelta(days=10), "03-03 Tue"),
        (timedelta(days=60), "03-09 Mon"),
        (timedelta(days=300), "2026-04"),
        (timedelta(days=7000), "2028"),
    ],
)
def test_an_axis_of_any_length_has_a_few_round_ticks(length, first):
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    found = ticks(to_micros(begin), to_micros(begin + length), zone("Asia/Shanghai"), "en", most=12)

    assert found[0].above == first
    assert 3 <= len(found) <= 13


def test_a_wall_time_that_a_clock_change_skips_has_no_tick():
    begin, end = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC)
    london = zone("Europe/London")
    found = ticks(to_micros(begin), to_micros(end), london, "en", most=6)

    assert [tick.above for tick in found] == ["00:00", "02:00", "03:00", "04:00", "05:00"]
    assert clock_changes(to_micros(begin), to_micros(end), london) == [
        (to_micros(datetime(2026, 3, 29, 1, tzinfo=UTC)), "+00:00 → +01:00")
    ]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_mark_of_an_ordinary_clock_has_its_label_and_no_two_lie_on_another(story, language):
    explanation = story()
    for clock in explanation.clocks:
        begin, end = span_of(clock, explanation.at)
        scale = Scale(to_micros(begin), to_micros(end), 24, WIDTH - 48)
        boxes = []
        for mark in placed(marks_of(clock, explanation, language), scale):
            assert mark.lane is not None, mark.mark.label
            width = text_width(mark.mark.label, 10.5)
            boxes.append((mark.lane, mark.x - width if mark.ends else mark.x, mark.x if mark.ends else mark.x + width))
        for (lane, _, right), (next_lane, left, _) in pairwise(sorted(boxes)):
            assert lane != next_lane or right <= left


def test_days_off_and_the_make_up_saturday_are_drawn_where_they_lie():
    picture = drawn(spring_festival())
    shown = {one.text: rect for rect in picture.iter(f"{SVG}rect") for one in rect.iter(f"{SVG}title")}
    saturday = [rect for title, rect in shown.items() if title.startswith("2026-02-14 · make-up workday")]
    eve = [rect for title, rect in shown.items() if title.startswith("holiday: Chinese New Year's Eve")]

    assert len(saturday) == len(eve) == 1
    assert float(saturday[0].get("x")) + float(saturday[0].get("width")) < float(eve[0].get("x"))


def test_thousands_of_changes_on_one_clock_are_drawn_as_few_marks_and_told_once_each():
    flips = [(f"2026-03-02T{2 + n // 60:02d}:{n % 60:02d}:30Z", "reopen" if n % 2 else "stop") for n in range(600)]
    explanation = explain(
        request({"t": {"elapsed": "PT4H"}}, ("2026-03-02T02:00:00Z", "start"), *flips, until="2026-03-03T02:00:00Z")
    )
    told = [event["seq"] for clock in as_json(explanation)["clocks"] for event in clock["events"]]

    assert sorted(told) == list(range(1, 602))
    assert len(list(drawn(explanation).iter())) < 4000
    body = request(
        {"t": {"elapsed": "PT400H"}}, ("2026-03-02T02:00:00Z", "start"), *flips, until="2026-03-03T02:00:00Z"
    )
    one = explain({**body, "policy": {**body["policy"], "reopen": "resume"}})
    assert len(marks_of(one.clocks[0], one, "en")) <= 24
