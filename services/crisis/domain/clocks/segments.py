"""Explaining a clock: every stretch of its life, whether it counted, and why not."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter

from services.crisis.domain.clocks.cycle import Cycle
from services.crisis.domain.clocks.instants import SECOND, from_micros
from services.crisis.domain.clocks.lines import Line
from services.crisis.domain.clocks.policy import Business
from services.crisis.domain.clocks.results import Segment, SegmentState

_MICROSECOND = timedelta(microseconds=1)
Piece = tuple[int, int, SegmentState, str]


def segments_of(cycle: Cycle, line: Line, end: int) -> tuple[Segment, ...]:
    """The stretches of `[start, end)` without gap or overlap, seen with the line that gives the due instant.

    For business time closed beats stopped beats paused; for the other kinds nothing is ever closed. Neighbours of one
    state and reason are one.
    """
    pieces: Iterator[Piece] = _halted_or_counted(cycle, end)
    if isinstance(line.target.duration, Business) and line.calendar is not None:
        pieces = _with_closed(pieces, list(line.calendar.closed_between(cycle.started_at, end)))
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1][2:] == piece[2:]:
            joined[-1] = (joined[-1][0], *piece[1:])
        else:
            joined.append(piece)
    return tuple(
        Segment(from_micros(begin), from_micros(until), state, reason, (until - begin) / SECOND)
        for begin, until, state, reason in joined
    )


def paused_by_reason(segments: Iterable[Segment]) -> dict[str, int]:
    """Microseconds for which each reason held the clock; where two held it, both count, so they may exceed the sum."""
    total: dict[str, int] = {}
    for segment in segments:
        if segment.state is SegmentState.PAUSED:
            for reason in segment.reason.split(", "):
                total[reason] = total.get(reason, 0) + (segment.end - segment.begin) // _MICROSECOND
    return total


def _halted_or_counted(cycle: Cycle, end: int) -> Iterator[Piece]:
    """The cycle's life cut where the set of pause reasons changes and at its stops; stopped beats paused."""
    begin = cycle.started_at
    history = cycle.pauses.history
    first, last = (bisect_right(history, at, key=itemgetter(0)) for at in (begin, end))
    reasons = dict(history[first:last])
    present = history[first - 1][1] if first else ()
    stops = [stop for stop in cycle.stops if stop[0] < stop[1]]
    edges = {begin, end, *reasons, *(edge for stop in stops for edge in stop)}
    cuts = sorted(edge for edge in edges if begin <= edge <= end)
    stop_index = 0
    for since, until in pairwise(cuts):
        present = reasons.get(since, present)
        while stop_index < len(stops) and stops[stop_index][1] <= since:
            stop_index += 1
        if stop_index < len(stops) and stops[stop_index][0] <= since:
            yield since, until, SegmentState.STOPPED, "stopped"
        elif present:
            yield since, until, SegmentState.PAUSED, ", ".join(present)
        else:
            yield since, until, SegmentState.COUNTED, "running"


def _with_closed(pieces: Iterator[Piece], closed: list[tuple[int, int, str]]) -> Iterator[Piece]:
    """Lay the closed stretches over the pieces; both are in order."""
    index = 0
    for begin, end, state, reason in pieces:
        at = begin
        while at < end:
            while index < len(closed) and closed[index][1] <= at:
                index += 1
            if index == len(closed) or closed[index][0] >= end:
                yield at, end, state, reason
                break
            since, until, why = closed[index]
            if since > at:
                yield at, since, state, reason
            yield max(at, since), min(until, end), SegmentState.CLOSED, why
            at = min(until, end)
