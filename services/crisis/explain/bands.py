"""The strip of a clock: its stretches as bands; where days are too thin to be seen, each as a column of shares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.crisis.domain.clocks import Segment, SegmentState
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.explain.scale import Scale

LEAST: Final = 3.0
"""Pixels: thinner stretches are drawn together with their neighbours, each state as high as its share."""


@dataclass(frozen=True, slots=True)
class Band:
    """A piece of the strip. `shares` add up to 1; `segment` is the stretch where it is a single one."""

    x: float
    width: float
    shares: tuple[tuple[SegmentState, float], ...]
    segment: Segment | None


def bands(segments: Iterable[Segment], scale: Scale) -> Iterator[Band]:
    """The stretches in order of time; a strip of `w` pixels has at most `w` bands, however many stretches there are."""
    thin: list[Segment] = []
    for segment in segments:
        if scale.at(segment.end) - scale.at(segment.begin) >= LEAST:
            if thin:
                yield _together(thin, scale)
                thin = []
            yield _together([segment], scale)
        else:
            thin.append(segment)
            if scale.at(segment.end) - scale.at(thin[0].begin) >= LEAST:
                yield _together(thin, scale)
                thin = []
    if thin:
        yield _together(thin, scale)


def columns(segments: Iterable[Segment], scale: Scale, edges: Sequence[int]) -> Iterator[Band]:
    """The stretches as columns cut at `edges` (microseconds, in order): each state as high as its share of the column.

    Neighbours that look the same are one.
    """
    last: Band | None = None
    for begin, end, amounts in _amounts(segments, edges):
        whole = sum(amounts.values())
        shares = tuple((state, amounts[state] / whole) for state in SegmentState if state in amounts)
        x, right = scale.x(begin), scale.x(end)
        if last is not None and last.shares == shares:
            last = Band(last.x, right - last.x, shares, None)
            continue
        if last is not None:
            yield last
        last = Band(x, right - x, shares, None)
    if last is not None:
        yield last


def _amounts(segments: Iterable[Segment], edges: Sequence[int]) -> Iterator[tuple[int, int, dict[SegmentState, int]]]:
    """The microseconds of each state between one edge and the next."""
    begin: int | None = None
    at, index, amounts = 0, 0, dict[SegmentState, int]()
    for segment in segments:
        at, end = to_micros(segment.begin), to_micros(segment.end)
        begin = at if begin is None else begin
        while at < end:
            while index < len(edges) and edges[index] <= at:
                index += 1
            until = min(end, edges[index]) if index < len(edges) else end
            amounts[segment.state] = amounts.get(segment.state, 0) + until - at
            at = until
            if index < len(edges) and at == edges[index]:
                yield begin, at, amounts
                begin, amounts = at, {}
    if begin is not None and amounts:
        yield begin, at, amounts


def _together(segments: list[Segment], scale: Scale) -> Band:
    x, end = scale.at(segments[0].begin), scale.at(segments[-1].end)
    amounts: dict[SegmentState, int] = {}
    for segment in segments:
        length = to_micros(segment.end) - to_micros(segment.begin)
        amounts[segment.state] = amounts.get(segment.state, 0) + length
    whole = sum(amounts.values()) or 1
    shares = tuple((state, amounts[state] / whole) for state in SegmentState if state in amounts)
    return Band(x, end - x, shares, segments[0] if len(segments) == 1 else None)
