"""An explanation as a picture: a time strip for each clock, with an axis of wall times and a legend.

Self-contained SVG 1.1: no script, no style sheet, no font or image from elsewhere, so that the strictest
Content-Security-Policy lets it be shown. Strips are at most `STRIPS`, bands at most one for each three pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from services.crisis.domain.clocks import SegmentState
from services.crisis.domain.clocks.instants import DAY, to_micros
from services.crisis.explain import svg
from services.crisis.explain.axis import clock_changes, midnights, ticks
from services.crisis.explain.bands import LEAST, Band, bands, columns
from services.crisis.explain.explained import Explained, Explanation
from services.crisis.explain.headings import HEADINGS
from services.crisis.explain.marks import Placed, marks_of, placed, span_of
from services.crisis.explain.scale import Scale
from services.crisis.explain.spans import span_in
from services.crisis.explain.words import Language, civil, reason_in, target_in, term
from shared.worktime.zones import instant_of
from shared.worktime.zones import zone as zone_named

WIDTH: Final = 1120
STRIPS: Final = 60
"""More clocks than these are not drawn, but counted."""
_MARGIN: Final = 24
_LANE: Final = 14
_STRIP: Final = 30
_TOP: Final = 70
_THIN_DAY: Final = 12.0
"""Pixels: where a day is thinner, its stretches are drawn as one column."""
_FONT: Final = "system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_PAST: Final = {
    SegmentState.COUNTED: "#2f9e6e",
    SegmentState.CLOSED: "#cbd2d9",
    SegmentState.PAUSED: "#f0b429",
    SegmentState.STOPPED: "#829ab1",
}
_AHEAD: Final = {**_PAST, SegmentState.COUNTED: "#bfe6d3", SegmentState.CLOSED: "#eceff2"}
_OVERDUE: Final = "#e12d39"
_DAY_OFF: Final = "#334e68"
_MAKE_UP: Final = "#7c3aed"
_HEALTH: Final = {
    "on_track": "#2f9e6e",
    "at_risk": "#b7791f",
    "overdue": "#c81e1e",
    "met": "#2f9e6e",
    "missed": "#c81e1e",
    "void": "#7b8794",
    "cancelled": "#7b8794",
}


def as_svg(explanation: Explanation, language: Language) -> str:
    """The picture as an SVG document."""
    said = HEADINGS[language]
    title = said["title"].format(number=explanation.number)
    shown = said["zone"].format(zone=explanation.zone.key, at=civil(explanation.at, explanation.zone, language))
    panels: list[str] = []
    top = float(_TOP)
    for clock in explanation.clocks[:STRIPS]:
        strip = _Strip.of(clock, explanation, language, top)
        panels.extend(_panel(strip))
        top = strip.bottom
    if not panels:
        panels.append(svg.label(_MARGIN, top + 30, said["no_clocks"]))
        top += 50
    left = len(explanation.clocks) - STRIPS
    if left > 0:
        panels.append(svg.label(_MARGIN, top + 54, said["more"].format(count=left), fill="#52606d"))
    height = top + 62
    return svg.element(
        "svg",
        svg.element("title", svg.words(f"{title} · {shown}")),
        svg.rect(0, 0, WIDTH, height, fill="#ffffff"),
        svg.label(_MARGIN, 30, title, size=17, font_weight=600),
        svg.label(_MARGIN, 50, shown, fill="#52606d", size=12),
        *panels,
        *_legend(language, top + 24),
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=height,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        lang=language,
        font_family=_FONT,
    )


@dataclass(frozen=True, slots=True)
class _Strip:
    """One clock's place on the picture. `top` is the panel's, `strip` the upper edge of the strip itself."""

    clock: Explained
    explanation: Explanation
    language: Language
    scale: Scale
    marks: list[Placed]
    top: float
    strip: float

    @classmethod
    def of(cls, clock: Explained, explanation: Explanation, language: Language, top: float) -> "_Strip":
        begin, end = (to_micros(instant) for instant in span_of(clock, explanation.at))
        scale = Scale(begin, end, _MARGIN, WIDTH - 2 * _MARGIN)
        marks = placed(marks_of(clock, explanation, language), scale)
        lanes = 1 + max((mark.lane for mark in marks if mark.lane is not None), default=0)
        return cls(clock, explanation, language, scale, marks, top, top + 36 + lanes * _LANE)

    @property
    def bottom(self) -> float:
        return self.strip + _STRIP + 54

    @property
    def days_a_column(self) -> int | None:
        """How many days each column stands for; None where the stretches themselves can be seen."""
        day = self.scale.width * DAY / (self.scale.end - self.scale.begin)
        return None if day >= _THIN_DAY else ceil(LEAST / day)


def _panel(strip: _Strip) -> Iterator[str]:
    """One clock: its name and sums, the strip, the axis, the marks with their labels."""
    yield svg.rect(0, strip.top, WIDTH, 1, fill="#e4e7eb")
    yield from _heading(strip)
    yield from _draw(strip)
    yield from _axis(strip)
    for mark in strip.marks:
        base = strip.strip - 8 - (mark.lane or 0) * _LANE
        top = strip.strip - 4 if mark.lane is None else base - 8
        dash = {} if mark.mark.dash is None else {"stroke_dasharray": mark.mark.dash}
        upright = svg.line(mark.x, top, strip.strip + _STRIP + 5, stroke=mark.mark.colour, stroke_width=1.6, **dash)
        yield svg.element("g", svg.element("title", svg.words(mark.mark.title)), upright)
    for mark in strip.marks:  # after all lines, with a white rim: a line that crosses a label does not spoil it
        if mark.lane is not None:
            x, anchor = (mark.x - 4, "end") if mark.ends else (mark.x + 4, "start")
            rim = {"text_anchor": anchor, "paint_order": "stroke", "stroke": "#ffffff", "stroke_width": 3}
            base = strip.strip - 8 - mark.lane * _LANE
            yield svg.label(x, base, mark.mark.label, fill=mark.mark.colour, size=10.5, **rim)


def _heading(strip: _Strip) -> Iterator[str]:
    clock, language, top = strip.clock, strip.language, strip.top
    said, result, sums = HEADINGS[language], clock.result, clock.sums
    states = dict.fromkeys((term(result.stage.value, language), term(clock.health, language)))
    name = said["clock"].format(
        target=target_in(result.target, language), cycle=result.cycle, states=" · ".join(states)
    )
    yield svg.rect(_MARGIN, top + 13, 10, 10, fill=_HEALTH[clock.health], rx=2)
    yield svg.label(_MARGIN + 17, top + 22, svg.fitting(name, 560, 13), size=13, font_weight=600)
    amounts = said["elapsed"].format(
        counted=span_in(sums.counted, language),
        closed=span_in(sums.closed, language),
        paused=span_in(sums.paused + sums.stopped, language),
    )
    days = strip.days_a_column
    columns_are = "" if days is None else said["columns"].format(days=days)
    yield svg.label(WIDTH - _MARGIN, top + 22, columns_are + amounts, fill="#52606d", text_anchor="end")


def _draw(strip: _Strip) -> Iterator[str]:
    """What was, what lies ahead, and below it the time overdue."""
    clock, scale, days, top = strip.clock, strip.scale, strip.days_a_column, strip.strip
    zone = strip.explanation.zone
    edges = () if days is None else midnights(scale.begin, scale.end, zone, every=days)
    for segments, colours in ((clock.result.segments, _PAST), (clock.ahead, _AHEAD)):
        for band in bands(segments, scale) if days is None else columns(segments, scale, edges):
            yield from _band(band, colours, strip)
    yield from _days(strip)
    end = clock.result.stopped_at or strip.explanation.at
    if clock.result.breached_at is not None and clock.result.breached_at < end:
        x, words = scale.at(clock.result.breached_at), HEADINGS[strip.language]["legend_overdue"]
        yield svg.rect(x, top + _STRIP, scale.at(end) - x, 5, fill=_OVERDUE, title=words)
    yield svg.rect(scale.left, top, scale.width, _STRIP, fill="none", stroke="#9aa5b1", stroke_width=0.6)


def _days(strip: _Strip) -> Iterator[str]:
    """Days off below a strip whose due instant is a date, make-up workdays above every strip."""
    clock, scale, language, top = strip.clock, strip.scale, strip.language, strip.strip
    zone = strip.explanation.zone
    if clock.counts_dates:
        for off in clock.days_off:
            x, words = scale.at(off.begin), f"{reason_in(off.reason, language)} · {civil(off.begin, zone, language)}"
            yield svg.rect(x, top + _STRIP - 7, scale.at(off.end) - x, 7, fill=_DAY_OFF, title=words)
    calendar = clock.about.zones.get(clock.result.calendar or "")
    for day in clock.worked if calendar is not None else ():
        place = zone_named(calendar)
        begin, end = (scale.x(instant_of(place, day.toordinal(), wall)) for wall in (0, DAY))
        words = f"{day.isoformat()} · {HEADINGS[language]['make_up']}"
        yield svg.rect(begin, top, end - begin, 4, fill=_MAKE_UP, title=words)


def _band(band: Band, colours: dict[SegmentState, str], strip: _Strip) -> Iterator[str]:
    """A stretch with its words; several thin ones as columns of their shares."""
    segment, language, zone, top = band.segment, strip.language, strip.explanation.zone, strip.strip
    if segment is None:
        bottom = top + _STRIP
        for part, share in band.shares:
            bottom -= share * _STRIP
            yield svg.rect(band.x, bottom, band.width, share * _STRIP, fill=colours[part])
        return
    state = term(segment.state.value, language)
    reason = (
        "" if segment.reason in {"running", "stopped"} else reason_in(segment.reason, language, strip.clock.about.names)
    )
    length = span_in(to_micros(segment.end) - to_micros(segment.begin), language)
    begin, end = (civil(instant, zone, language) for instant in (segment.begin, segment.end))
    title = " · ".join(word for word in (state, reason, length, f"{begin} – {end}") if word)
    yield svg.rect(band.x, top, band.width, _STRIP, fill=colours[segment.state], title=title)
    words = svg.fitting(reason or length, band.width - 8, 10)
    if len(words) > 2:
        dark = segment.state is SegmentState.COUNTED and colours is _PAST
        ink = "#ffffff" if dark else "#3e4c59"
        yield svg.label(band.x + 4, top + 19, words, fill=ink, size=10, pointer_events="none")


def _axis(strip: _Strip) -> Iterator[str]:
    scale, zone, top = strip.scale, strip.explanation.zone, strip.strip + _STRIP
    shown_to = -1000.0
    marked = [(scale.x(tick.at), tick) for tick in ticks(scale.begin, scale.end, zone, strip.language, most=12)]
    yield svg.lines((x for x, _ in marked), top, 9, stroke="#9aa5b1")
    for x, tick in marked:
        half = svg.text_width(tick.above, 10) / 2
        if x - half > max(shown_to, 4) and x + half < WIDTH - 4:
            yield svg.label(x, top + 20, tick.above, fill="#52606d", size=10, text_anchor="middle")
            shown_to = x + half + 6
        if tick.below is not None:
            place = min(max(x - 14, 6), WIDTH - 6 - svg.text_width(tick.below, 9.5))
            yield svg.label(place, top + 33, tick.below, fill="#7b8794", size=9.5)
    for at, change in clock_changes(scale.begin, scale.end, zone):
        x, words = scale.x(at), f"UTC{change.replace(' → ', ' → UTC')}"
        place = min(x + 4, WIDTH - 6 - svg.text_width(words, 9.5))
        yield svg.line(x, top - _STRIP, top + 36, stroke="#d64545", stroke_dasharray="1 3")
        yield svg.label(place, top + 45, words, fill="#d64545", size=9.5)


def _legend(language: Language, top: float) -> Iterator[str]:
    said = HEADINGS[language]
    entries = [
        *((said[f"legend_{state.value}"], _PAST[state]) for state in SegmentState),
        (said["legend_open_ahead"], _AHEAD[SegmentState.COUNTED]),
        (said["legend_closed_ahead"], _AHEAD[SegmentState.CLOSED]),
        (said["legend_day_off"], _DAY_OFF),
        (said["legend_make_up"], _MAKE_UP),
        (said["legend_overdue"], _OVERDUE),
    ]
    x = float(_MARGIN)
    for name, colour in entries:
        yield svg.rect(x, top, 12, 12, fill=colour, stroke="#9aa5b1", stroke_width=0.5)
        yield svg.label(x + 17, top + 10, name, fill="#3e4c59")
        x += 17 + svg.text_width(name) + 22
