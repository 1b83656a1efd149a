"""A live clock: one target of a case or matter, the events recorded for it, and what of its fold has been told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

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
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.domain.clocks.pauses import Pauses
from services.crisis.domain.clocks.started import fold_started
from services.crisis.domain.clocks.tightened import fold_tightened
from services.crisis.domain.sla.pins import Promises
from services.crisis.domain.sla.records import ALWAYS_TAKEN, MOST_RECORDS, FullClock, Record, pins_read, policies_at
from services.crisis.domain.sla.repins import Recorded, Repin

Health = Literal["on_track", "at_risk", "overdue", "met", "missed", "void", "cancelled"]
FactKind = Literal[
    "started", "paused", "resumed", "retargeted", "warned", "breached", "met", "cancelled", "corrected",
    "extended", "due_changed",
]  # fmt: skip


_LIVE: Final = frozenset({Stage.IN_PROGRESS, Stage.PAUSED})


class State(NamedTuple):
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
    department: str | None
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
            department=result.department,
            warnings=len(result.warnings),
            next_at=result.ahead[0].at if result.ahead else None,
        )


@dataclass(slots=True)
class Clock:
    """A clock of a case file. It changes in place while one transaction decides.

    `pin` is the promise it started with, `policy` the pin that was last put in force. `told` holds what listeners know:
    `<cycle>:<threshold>` and `<cycle>:breach`. `records` is None until they are loaded. `past` holds the cycles before
    the present one where they may have changed, else None. `round` counts them: one that was cancelled is done with.
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
    round: int = 1

    @property
    def is_live(self) -> bool:
        """In progress or paused: a stop, cancel or retarget would act on it."""
        return self.state is not None and self.state.stage in _LIVE

    @property
    def is_full(self) -> bool:
        """Whether it takes only what ends something."""
        return self.recorded >= MOST_RECORDS

    @property
    def statutory(self) -> bool:
        return self.state is not None and self.state.statutory

    @property
    def pins(self) -> set[str]:
        """Every pin that its list has named, and those that stand in their places."""
        return {record.pin for record in self.records or () if record.pin is not None} | self.pins_in_force

    @property
    def pins_in_force(self) -> set[str]:
        """The pins by which its list is read now."""
        return {self.pin, self.policy, *(pin for pin in pins_read(self.records or ()) if pin is not None)}

    @property
    def repins(self) -> list[Record]:
        """The records after which its list is read otherwise."""
        return [record for record in self.records or () if isinstance(record.event, Repin)]

    def record(
        self, event: Recorded, *, now: datetime, actor: str, cause: str | None = None, pin: str | None = None
    ) -> None:
        """Append an event; it takes effect with the next `fold_clock`. The records have to be loaded.

        Raises FullClock for one that ends nothing where there are so many already.
        """
        if self.is_full and not isinstance(event, ALWAYS_TAKEN):
            raise FullClock(
                f"the clock {self.target} has taken {self.recorded} events: nothing but its end is recorded"
            )
        self.recorded += 1
        record = Record(self.recorded, event, now, actor, cause, pin)
        assert self.records is not None
        self.records.append(record)
        self.unsaved.append(record)

    def repin(self, pins: Mapping[str, str], *, now: datetime, actor: str, cause: str) -> None:
        """Read what was recorded so far by other pins; it takes effect with the next `fold_clock`."""
        self.record(Repin(at=now, pins=pins), now=now, actor=actor, cause=cause)
        self.pin, self.policy = pins.get(self.pin, self.pin), pins.get(self.policy, self.policy)

    def policies_of(self, cycles: Sequence[ClockResult]) -> list[str]:
        """The pin that was in force when each of these ended; what came at its end belongs to the next."""
        return policies_at((cycle.stopped_at or cycle.started_at for cycle in cycles), self.records or (), self.pin)

    @property
    def can_wait(self) -> bool:
        """Whether pauses concern it: not by law, and not what was cancelled for good. One that was met may reopen."""
        return self.state is not None and self.state.stage is not Stage.CANCELLED and not self.state.statutory

    def pauses(self, until: datetime) -> Pauses:
        """For which reasons the target stood still up to `until`, as the fold keeps them."""
        pauses = Pauses()
        events = [record.event for record in self.records or ()]
        for event in sorted(events, key=lambda event: event.at):
            match event:
                case Pause(at=at, reason=reason) if at <= until:
                    pauses.add(reason, to_micros(at))
                case Resume(at=at, reason=maybe) if at <= until:
                    pauses.remove(maybe, to_micros(at))
        return pauses

    def reasons(self, until: datetime) -> list[str]:
        """The reasons for which the target stands still at `until`, in order of their names."""
        return sorted(self.pauses(until).reasons)


@dataclass(frozen=True, slots=True)
class ClockFact:
    """What is to be told of a clock. `at` is when it took effect; `detail` holds what only this kind has."""

    kind: FactKind
    clock: Clock
    result: ClockResult
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


def fold_clock(
    clock: Clock,
    promises: Promises,
    until: datetime,
    *,
    segments: bool = False,
    lines: bool = False,
    instead: Mapping[str, str] | None = None,
) -> tuple[ClockResult, ...]:
    """All cycles of a clock as seen at `until`: the one fold, with the versions that the clock is pinned to.

    Without segments and lines, `ahead` may hold its first instant only. `instead` asks what it would be with other pins
    in the place of some: a repin that is not recorded.
    """
    swap = instead or {}
    policy = promises.part(swap.get(clock.pin, clock.pin), (clock.target,))
    events = _events(clock, swap)
    if not (segments or lines) and policy.targets:
        found = fold_tightened(
            clock.target, policy, events, calendars=promises.calendars, until=until, policies=promises.policies
        )
        if found is not None:
            return (found,)
    return fold(
        policy,
        events,
        calendars=promises.calendars,
        until=until,
        policies=promises.policies,
        segments=segments,
        lines=lines,
    )


def _events(clock: Clock, swap: Mapping[str, str]) -> Sequence[ClockEvent]:
    """The events of the list with the pins in force, in the order in which they were recorded."""
    assert clock.records is not None
    if not swap and not clock.repins:
        return [record.event for record in clock.records if not isinstance(record.event, Repin)]
    return [
        _swapped(record.event, pin, swap)
        for record, pin in zip(clock.records, pins_read(clock.records), strict=True)
        if not isinstance(record.event, Repin)
    ]


def _swapped(event: ClockEvent, pin: str | None, swap: Mapping[str, str]) -> ClockEvent:
    if isinstance(event, Retarget) and pin is not None:
        return replace(event, policy=swap.get(pin, pin))
    return event


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
