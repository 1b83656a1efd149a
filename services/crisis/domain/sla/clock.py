"""A live clock: one target of a case or matter, the events recorded for it, and what of its fold has been told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.crisis.domain.clocks import (
    BreachCause,
    ClockEvent,
    ClockResult,
    Pause,
    Result,
    Resume,
    Retarget,
    Stage,
    Start,
    fold,
)
from services.crisis.domain.clocks.started import fold_started
from services.crisis.domain.sla.pins import Promises

Health = Literal["on_track", "at_risk", "overdue", "met", "missed", "void", "cancelled"]
FactKind = Literal[
    "started", "paused", "resumed", "retargeted", "warned", "breached", "met", "cancelled", "corrected",
    "extended", "due_changed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """One event of the append-only list. `pin` names the versions that a start or retarget brings."""

    seq: int
    event: ClockEvent
    recorded_at: datetime
    actor: str
    cause: str | None = None
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The current cycle as it was folded last; `next_at` is when time alone will change it."""

    cycle: int
    stage: Stage
    result: Result
    has_breached: bool
    breach_cause: BreachCause | None
    started_at: datetime
    due_at: datetime | None
    due_if_resumed_now: datetime
    provisional: bool
    breached_at: datetime | None
    stopped_at: datetime | None
    elapsed_seconds: float
    paused_seconds: float
    closed_seconds: float
    calendar: str | None
    statutory: bool
    warnings: int
    next_at: datetime | None

    @classmethod
    def of(cls, result: ClockResult) -> "State":
        return cls(
            cycle=result.cycle,
            stage=result.stage,
            result=result.result,
            has_breached=result.has_breached,
            breach_cause=result.breach_cause,
            started_at=result.started_at,
            due_at=result.due_at,
            due_if_resumed_now=result.due_if_resumed_now,
            provisional=result.provisional,
            breached_at=result.breached_at,
            stopped_at=result.stopped_at,
            elapsed_seconds=result.elapsed_seconds,
            paused_seconds=result.paused_seconds,
            closed_seconds=result.closed_seconds,
            calendar=result.calendar,
            statutory=result.statutory,
            warnings=len(result.warnings),
            next_at=result.ahead[0].at if result.ahead else None,
        )


@dataclass(slots=True)
class Clock:
    """A clock of a case file. It changes in place while one transaction decides.

    `pin` is the promise it started with, `policy` the pin that was last put in force. `told` holds what listeners know:
    `<cycle>:<threshold>` and `<cycle>:breach`. `records` is None until they are loaded. `past` holds the cycles before
    the present one where they may have changed, None where they have not.
    """

    id: str
    case_id: str
    matter_id: str | None
    customer_id: str
    target: str
    pin: str
    policy: str
    records: list[Record] | None = None
    recorded: int = 0
    state: State | None = None
    told: frozenset[str] = frozenset()
    past: tuple[ClockResult, ...] | None = None
    unsaved: list[Record] = field(default_factory=list)
    is_new: bool = False
    has_changed: bool = False

    @property
    def is_live(self) -> bool:
        """In progress or paused: a stop, cancel or retarget would act on it."""
        return self.state is not None and self.state.stage in {Stage.IN_PROGRESS, Stage.PAUSED}

    @property
    def statutory(self) -> bool:
        return self.state is not None and self.state.statutory

    def record(
        self, event: ClockEvent, *, now: datetime, actor: str, cause: str | None = None, pin: str | None = None
    ) -> None:
        """Append an event; it takes effect with the next `fold_clock`. The records have to be loaded."""
        self.recorded += 1
        record = Record(self.recorded, event, now, actor, cause, pin)
        assert self.records is not None
        self.records.append(record)
        self.unsaved.append(record)

    def policy_of(self, cycle: ClockResult) -> str:
        """The pin that was in force when a cycle ended; what came at its end belongs to the next."""
        end = cycle.stopped_at or cycle.started_at
        timed = sorted((r for r in self.records or () if r.pin is not None), key=lambda r: r.event.at)
        pins = [r.pin for r in timed if isinstance(r.event, Start) or r.event.at < end]
        return pins[-1] or self.pin if pins else self.pin

    def reasons(self, until: datetime) -> list[str]:
        """The reasons for which the target stands still at `until`, in order of their names."""
        held: set[str] = set()
        for record in sorted(self.records or (), key=lambda record: record.event.at):
            match record.event:
                case Pause(at=at, reason=reason) if at <= until:
                    held.add(reason)
                case Resume(at=at, reason=None) if at <= until:
                    held.clear()
                case Resume(at=at, reason=str(reason)) if at <= until:
                    held.discard(reason)
        return sorted(held)


@dataclass(frozen=True, slots=True)
class ClockFact:
    """What is to be told of a clock. `at` is when it took effect; `detail` holds what only this kind has."""

    kind: FactKind
    clock: Clock
    result: ClockResult
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


def fold_clock(
    clock: Clock, promises: Promises, until: datetime, *, segments: bool = False, lines: bool = False
) -> tuple[ClockResult, ...]:
    """All cycles of a clock as seen at `until`: the one fold, with the versions that the clock is pinned to."""
    policy = promises.part(clock.pin, (clock.target,))
    assert clock.records is not None
    return fold(
        policy,
        [record.event for record in clock.records],
        calendars=promises.calendars,
        until=until,
        policies=promises.policies,
        segments=segments,
        lines=lines,
    )


def start_together(
    clocks: Iterable[Clock], promises: Promises, *, at: datetime, now: datetime, actor: str
) -> list[tuple[Clock, tuple[ClockResult, ...]]]:
    """Start clocks of one pin at the same instant with a single fold; answers those that the pinned policy has."""
    wanted = {clock.target: clock for clock in clocks}
    pin = next(iter(wanted.values())).pin
    start = Start(at=at)
    results = fold_started(promises.part(pin, tuple(wanted)), at, calendars=promises.calendars, until=now)
    by_target: dict[str, tuple[ClockResult, ...]] = {result.target: (result,) for result in results}
    started: list[tuple[Clock, tuple[ClockResult, ...]]] = []
    for target, clock in wanted.items():
        if target in by_target:
            clock.records = []
            clock.record(start, now=now, actor=actor, pin=pin)
            clock.is_new = True
            started.append((clock, by_target[target]))
    return started


def health_of(result: ClockResult) -> Health:
    """A clock in one word, for people."""
    if result.result is not Result.OPEN:
        return result.result.value  # type: ignore[return-value] # the five other results are healths
    if result.has_breached:
        return "overdue"
    return "at_risk" if result.warnings else "on_track"


def last_retarget(clock: Clock) -> Record | None:
    """The last change of the promise that was recorded."""
    return next((r for r in reversed(clock.records or ()) if isinstance(r.event, Retarget)), None)
