"""The fold: a policy, compiled calendars and recorded events in; every clock as it stands at an instant out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from services.crisis.domain.clocks.calendar import OpenTime
from services.crisis.domain.clocks.day_rules import BeyondHorizonError
from services.crisis.domain.clocks.events import Cancel, ClockEvent, Start, Stop
from services.crisis.domain.clocks.instants import to_micros
from services.crisis.domain.clocks.machine import Machine
from services.crisis.domain.clocks.policy import Policy
from services.crisis.domain.clocks.readings import readings_of
from services.crisis.domain.clocks.results import Ahead, ClockResult


class UnreachableTarget(Exception):  # noqa: N818 - reads as a fact
    """The promise cannot be kept within twenty years: its calendar does not hold that much time."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(f"target {target!r} is not reached within twenty years")


def fold(
    policy: Policy,
    events: Iterable[ClockEvent],
    *,
    calendars: Mapping[str, OpenTime],
    until: datetime,
    policies: Mapping[str, Policy] | None = None,
    segments: bool = False,
    lines: bool = False,
) -> tuple[ClockResult, ...]:
    """Every clock at `until`: per target in the policy's order, and cycle; none before the target's start.

    `events` come as recorded and are ordered by effective time, a start first, then as recorded; what falls exactly on
    `until` has happened, later ones are ignored. `calendars` and `policies` are looked up by the keys that targets and
    events name (KeyError where one is missing); the policy itself is found by its own key. `until` is aware.

    Raises `UnreachableTarget` when twenty years do not hold a target that was started.
    """
    now = to_micros(until)
    ordered = _in_order(events, now)
    known = {policy.key: policy, **(policies or {})}
    results: list[ClockResult] = []
    for name in policy.targets:
        machine = Machine(name, policy, calendars=calendars, policies=known)
        mine = [(at, event) for at, event in ordered if event.target is None or event.target == name]
        try:
            _run(machine, mine, now)
            results += readings_of(machine, now, segments=segments, lines=lines)
        except BeyondHorizonError:
            raise UnreachableTarget(name) from None
    return tuple(results)


def next_instants(clocks: Iterable[ClockResult]) -> tuple[Ahead, ...]:
    """What will happen by time alone if no further event comes, over all clocks, in order of time."""
    return tuple(sorted((ahead for clock in clocks for ahead in clock.ahead), key=lambda ahead: ahead.at))


def _in_order(events: Iterable[ClockEvent], now: int) -> list[tuple[int, ClockEvent]]:
    timed = [(to_micros(event.at), event) for event in events]
    happened = [(at, not isinstance(event, Start), event) for at, event in timed if at <= now]
    happened.sort(key=itemgetter(0, 1))
    return [(at, event) for at, _, event in happened]


def _run(machine: Machine, events: Sequence[tuple[int, ClockEvent]], now: int) -> None:
    last_end = {at: index for index, (at, event) in enumerate(events) if isinstance(event, Stop | Cancel)}
    for index, (at, event) in enumerate(events):
        machine.advance(at, ends_here=last_end.get(at, -1) >= index)
        machine.apply(event, at, ends_here=last_end.get(at, -1) > index)
    machine.advance(now, ends_here=False)
