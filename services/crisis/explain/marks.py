"""The instants that are marked on a strip: start, changes, warnings, due, breach, stop and now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.crisis.domain.clocks import Extend, Reopen, Retarget
from services.crisis.explain.explained import Explained, Explanation
from services.crisis.explain.headings import HEADINGS
from services.crisis.explain.scale import Scale
from services.crisis.explain.svg import text_width
from services.crisis.explain.words import Language, civil, term

LANES = 5
MOST = 20
"""Marks of a kind: more changes, warnings or lines than these could not be told from one another."""
_SIZE = 10.5


@dataclass(frozen=True, slots=True)
class Mark:
    """An upright line with a label; `dash` makes it a broken one."""

    at: datetime
    label: str
    title: str
    colour: str
    dash: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark with the place of its label; `lane` is None where there was no room for it."""

    mark: Mark
    x: float
    lane: int | None
    ends: bool
    """Whether the label ends at the mark, because it would leave the picture on the right."""


def marks_of(clock: Explained, explanation: Explanation, language: Language) -> list[Mark]:
    """In order of time."""
    return sorted(_marks(clock, explanation, language), key=lambda mark: mark.at)


def placed(marks: list[Mark], scale: Scale) -> list[Placed]:
    """Each mark with the place for its label at which the fewest lines cross it, and it none; lowest first.

    Labels at the right edge end at their marks, from left to right; the others begin there, from right to left: so each
    climbs over those that it covers, like stairs. Where no lane has room left, only the line is drawn.
    """
    sized = [(mark, scale.at(mark.at), text_width(mark.label, _SIZE) + 8) for mark in marks]
    right = scale.left + scale.width + 12
    at_edge = [one for one in sized if one[1] + one[2] > right]
    done: list[tuple[Placed, _Box]] = []
    for mark, x, width in [*at_edge, *(one for one in reversed(sized) if one not in at_edge)]:
        best: tuple[Placed, _Box] = (Placed(mark, x, None, ends=False), _Box(LANES, x, x))
        fewest: int | None = None
        for choice in _choices(mark, x, width):
            box = choice[1]
            if box.begin < scale.left - 4 or box.end > right or any(box.overlaps(other) for _, other in done):
                continue
            crossings = _crossings(choice, done)
            if fewest is None or crossings < fewest:
                best, fewest = choice, crossings
                if crossings == 0:
                    break
        done.append(best)
    return [one for one, _ in done]


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a label is."""

    lane: int
    begin: float
    end: float

    def is_crossed_by(self, mark: Placed) -> bool:
        """Whether the line of a mark, which reaches up to its label, goes through."""
        return mark.lane is not None and mark.lane >= self.lane and self.begin < mark.x < self.end

    def overlaps(self, other: "_Box") -> bool:
        return self.lane == other.lane and self.begin < other.end and other.begin < self.end


def _choices(mark: Mark, x: float, width: float) -> Iterator[tuple[Placed, _Box]]:
    for ends in (False, True):
        begin, end = (x - width, x) if ends else (x, x + width)
        for lane in range(LANES):
            yield Placed(mark, x, lane, ends), _Box(lane, begin, end)


def _crossings(one: tuple[Placed, _Box], done: Sequence[tuple[Placed, _Box]]) -> int:
    mark, box = one
    return sum(box.is_crossed_by(other) + beside.is_crossed_by(mark) for other, beside in done)


def _marks(clock: Explained, explanation: Explanation, language: Language) -> Iterator[Mark]:
    said, result, zone = HEADINGS[language], clock.result, explanation.zone
    short = _Short(zone, wide=_life(clock, explanation) > timedelta(days=1))

    def mark(at: datetime, name: str, colour: str, dash: str | None = None) -> Mark:
        return Mark(at, f"{name} {short(at)}", f"{name}: {civil(at, zone, language)}", colour, dash)

    yield mark(result.started_at, said["started"], "#52606d")
    for warning in result.warnings[-MOST:]:
        yield mark(warning.at, f"⚠ {warning.threshold}", "#b7791f")
    for ahead in result.ahead[:MOST]:
        if ahead.threshold is not None:
            yield mark(ahead.at, f"⚠ {ahead.threshold}", "#b7791f", "3 3")
    if result.breached_at is not None:
        yield mark(result.breached_at, said["breached"], "#c81e1e")
    for number, line in list(enumerate(result.lines, 1))[-MOST:]:
        if line.governs:
            yield mark(line.due_if_resumed_now, said["due"], "#1d4ed8", None if line.due_at else "6 3")
        else:
            yield mark(line.due_if_resumed_now, said["line_due"].format(number=number), "#6b8de3", "6 3")
    if result.stopped_at is not None:
        yield mark(result.stopped_at, term(result.result.value, language), "#111827")
    else:
        yield mark(explanation.at, said["now"], "#7b8794", "2 2")
    changes = [record.event for record in clock.records if isinstance(record.event, Retarget | Reopen | Extend)]
    for event in changes[-MOST:]:
        if result.started_at <= event.at <= (result.stopped_at or explanation.at):
            yield mark(event.at, term(type(event).__name__.lower(), language), "#7c3aed", "1 2")


def _life(clock: Explained, explanation: Explanation) -> timedelta:
    begin, end = span_of(clock, explanation.at)
    return end - begin


def span_of(clock: Explained, at: datetime) -> tuple[datetime, datetime]:
    """From the start to the last thing that is drawn."""
    result = clock.result
    lines = (line.due_if_resumed_now for line in result.lines)
    end = max(result.stopped_at or at, result.due_if_resumed_now, *lines)
    return result.started_at, max(end, result.started_at + timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class _Short:
    """A wall time in few characters: the date only where the strip is longer than a day."""

    zone: ZoneInfo
    wide: bool

    def __call__(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        return f"{local:%m-%d} {clock}" if self.wide else clock
