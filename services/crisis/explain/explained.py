"""What is explained: every cycle of a case's clocks as the fold tells them, and what lies ahead of the open ones."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.crisis.domain.clocks import (
    Business,
    BusinessDays,
    CalendarPeriod,
    ClockResult,
    LineResult,
    OpenTime,
    Segment,
    SegmentState,
)
from services.crisis.domain.clocks.instants import SECOND, from_micros, to_micros
from services.crisis.domain.clocks.segments import paused_by_reason
from services.crisis.domain.sla.clock import Health, health_of
from services.crisis.domain.sla.records import Record
from services.crisis.explain.words import Names

_MICROSECOND = timedelta(microseconds=1)
OUTSIDE_HOURS = "outside hours"
"""What calendars call the closed hours of a day that has open ones."""


@dataclass(frozen=True, slots=True)
class About:
    """Whose clock it is. `policy` is the pin (or key) that was last put in force.

    Of a limit by law, `regime` and `source` name the law and its text. By the name of a calendar, `zones` is its zone
    and `worked` are its make-up workdays (调休上班日), in order. `names` is what the reasons for waiting are called.
    """

    clock_id: str
    case_id: str
    matter_id: str | None
    policy: str
    zones: Mapping[str, str]
    records: tuple[Record, ...] = ()
    worked: Mapping[str, Sequence[date]] = field(default_factory=dict)
    regime: str | None = None
    source: str | None = None
    names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sums:
    """Microseconds of a cycle's life by state. `agree`: they add up to the real time, and are the fold's own sums.

    `paused_by_reason` counts a stretch that two reasons held for both.
    """

    counted: int
    closed: int
    paused: int
    stopped: int
    real: int
    agree: bool
    paused_by_reason: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explained:
    """One cycle of one clock. `ahead` are the open and closed stretches from now to the due instant.

    `days_off` are the days from the start to the due instant on which its calendar is closed, `worked` those of a
    weekend that it works instead. `records` are the events of this cycle: each belongs to the cycle in progress at its
    effective time, those before the start to the first.
    """

    about: About
    result: ClockResult
    health: Health
    sums: Sums
    ahead: tuple[Segment, ...]
    days_off: tuple[Segment, ...] = ()
    worked: tuple[date, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def counts_dates(self) -> bool:
        """Whether the due instant is a date counted on the calendar, so that no hour of it is ever closed."""
        return any(
            line.governs and isinstance(line.target.duration, BusinessDays | CalendarPeriod) for line in self.lines
        )

    @property
    def lines(self) -> tuple[LineResult, ...]:
        """The lines of the clock."""
        return self.result.lines


@dataclass(frozen=True, slots=True)
class Explanation:
    """The clocks of a case as seen at `at`; `zone` is the one in which people read the times."""

    case_id: str
    number: str
    at: datetime
    zone: ZoneInfo
    clocks: tuple[Explained, ...]


def explain_clock(
    results: Sequence[ClockResult], *, at: datetime, calendars: Mapping[str, OpenTime], about: About
) -> list[Explained]:
    """Each cycle of one clock. `results` are a fold's to `at`, with segments and lines."""
    records = _by_cycle(results, about.records)
    return [
        Explained(
            about=about,
            result=result,
            health=health_of(result),
            sums=sums_of(result, at),
            ahead=tuple(_ahead(result, at, calendars)),
            days_off=tuple(_days_off(result, calendars)),
            worked=tuple(_worked(result, calendars, about)),
            records=tuple(records[index]),
        )
        for index, result in enumerate(results)
    ]


def _by_cycle(results: Sequence[ClockResult], records: Sequence[Record]) -> list[list[Record]]:
    """The events of each cycle, as they were recorded; what began a cycle belongs to it."""
    starts = [result.started_at for result in results]
    found: list[list[Record]] = [[] for _ in results]
    for record in records if results else ():
        found[max(0, bisect_right(starts, record.event.at) - 1)].append(record)
    return found


def sums_of(result: ClockResult, at: datetime) -> Sums:
    """The stretches added up, and held against the real time and the fold's own sums, to the microsecond."""
    total = dict.fromkeys(SegmentState, 0)
    for segment in result.segments:
        total[segment.state] += (segment.end - segment.begin) // _MICROSECOND
    real = ((result.stopped_at or at) - result.started_at) // _MICROSECOND
    halted = total[SegmentState.PAUSED] + total[SegmentState.STOPPED]
    fold = tuple(round(s * SECOND) for s in (result.elapsed_seconds, result.closed_seconds, result.paused_seconds))
    return Sums(
        counted=total[SegmentState.COUNTED],
        closed=total[SegmentState.CLOSED],
        paused=total[SegmentState.PAUSED],
        stopped=total[SegmentState.STOPPED],
        real=real,
        agree=sum(total.values()) == real and fold == (total[SegmentState.COUNTED], total[SegmentState.CLOSED], halted),
        paused_by_reason=paused_by_reason(result.segments),
    )


def _ahead(result: ClockResult, at: datetime, calendars: Mapping[str, OpenTime]) -> Iterator[Segment]:
    """Open and closed stretches between now and the due instant of a clock that goes on."""
    begin, due = to_micros(at), to_micros(result.due_if_resumed_now)
    if result.stopped_at is not None or due <= begin:
        return
    line = next((line for line in result.lines if line.governs), None)
    closed: Sequence[tuple[int, int, str]] = ()
    if line is not None and isinstance(line.target.duration, Business) and line.target.calendar is not None:
        closed = calendars[line.target.calendar].closed_between(begin, due)
    for since, until, reason in closed:
        if since > begin:
            yield _segment(begin, since, SegmentState.COUNTED, "running")
        yield _segment(since, until, SegmentState.CLOSED, reason)
        begin = until
    if begin < due:
        yield _segment(begin, due, SegmentState.COUNTED, "running")


def _days_off(result: ClockResult, calendars: Mapping[str, OpenTime]) -> Iterator[Segment]:
    """Whole days on which the calendar of the due instant is closed, and why."""
    if result.calendar is not None:
        begin, end = to_micros(result.started_at), to_micros(result.due_if_resumed_now)
        for since, until, reason in calendars[result.calendar].closed_between(begin, end):
            if reason != OUTSIDE_HOURS:
                yield _segment(since, until, SegmentState.CLOSED, reason)


def _worked(result: ClockResult, calendars: Mapping[str, OpenTime], about: About) -> Iterator[date]:
    """The make-up workdays between the start and the due instant."""
    if result.calendar is not None:
        calendar = calendars[result.calendar]
        first, last = (calendar.local(to_micros(at))[0] for at in (result.started_at, result.due_if_resumed_now))
        yield from (day for day in about.worked.get(result.calendar, ()) if first <= day <= last)


def _segment(begin: int, end: int, state: SegmentState, reason: str) -> Segment:
    return Segment(from_micros(begin), from_micros(end), state, reason, (end - begin) / SECOND)
