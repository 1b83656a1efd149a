"""What a policy would have meant for past cases: the one fold over what was recorded, with the policy's targets."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from services.crisis.domain.clocks import ClockResult, UnreachableTarget
from services.crisis.domain.sla.clock import Clock, fold_clock
from services.crisis.domain.sla.pins import Pin, Promises

Verdict = Literal["met", "breached", "running", "not_counted"]
"""Ended unbroken; broken, ended or not; neither so far; cancelled or void."""
Left = Literal["statutory", "not_in_policy", "unreachable"]
"""Why a clock says nothing of the policy."""
_UNCOUNTED: Final = frozenset({"cancelled", "void"})


@dataclass(frozen=True, slots=True)
class Compared:
    """A cycle as it was, and as it would have been; None where there would be, or was, no such cycle."""

    clock: Clock
    cycle: int
    before: ClockResult | None
    after: ClockResult | None

    @property
    def verdicts(self) -> tuple[Verdict | None, Verdict | None]:
        """Before and after."""
        return verdict(self.before), verdict(self.after)

    @property
    def due_moved(self) -> int:
        """-1 where it would have been due earlier, 1 for later, else 0."""
        if self.before is None or self.after is None:
            return 0
        was, would_be = self.before.due_if_resumed_now, self.after.due_if_resumed_now
        return (would_be > was) - (would_be < was)


@dataclass(slots=True)
class Tally:
    """The cycles of one target. `better` were broken and would not have been, `worse` the other way round."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    better: int = 0
    worse: int = 0
    due_earlier: int = 0
    due_later: int = 0

    def add(self, one: Compared) -> None:
        was, would_be = one.verdicts
        self.before.update([was] if was else ())
        self.after.update([would_be] if would_be else ())
        self.better += was == "breached" and would_be in {"met", "running"}
        self.worse += would_be == "breached" and was in {"met", "running"}
        self.due_earlier += one.due_moved < 0
        self.due_later += one.due_moved > 0


@dataclass(slots=True)
class Backtest:
    """What came of all clocks: a tally by target, and the cycles that differ, those with another verdict first."""

    clocks: int = 0
    targets: dict[str, Tally] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    different: list[Compared] = field(default_factory=list)


def backtest(clocks: Iterable[Clock], pin: str, promises: Promises, now: datetime) -> Backtest:
    """Fold every clock as it is and with the policy `pin` of `promises`; nothing is changed.

    The policy stands in the place of each version of its key that a clock's list names; where there is none, of the
    promise that the clock started with. Limits by law are left out.
    """
    found = Backtest()
    for clock in clocks:
        found.clocks += 1
        left = _left(clock, pin, promises)
        try:
            compared = [] if left else list(_compared(clock, pin, promises, now))
        except UnreachableTarget:
            left, compared = "unreachable", []
        if left:
            found.left[left] += 1
        for one in compared:
            found.targets.setdefault(clock.target, Tally()).add(one)
        found.different += [one for one in compared if one.due_moved or len(set(one.verdicts)) > 1]
    found.different.sort(key=lambda one: (len(set(one.verdicts)) == 1, one.clock.id, one.cycle))
    return found


def verdict(result: ClockResult | None) -> Verdict | None:
    """A cycle in one word."""
    if result is None:
        return None
    if result.result.value in _UNCOUNTED:
        return "not_counted"
    if result.has_breached:
        return "breached"
    return "met" if result.result.value == "met" else "running"


def _left(clock: Clock, pin: str, promises: Promises) -> Left | None:
    if clock.statutory:
        return "statutory"
    return None if clock.target in promises.policies[pin].targets else "not_in_policy"


def _compared(clock: Clock, pin: str, promises: Promises, now: datetime) -> Iterator[Compared]:
    before = _by_cycle(fold_clock(clock, promises, now))
    after = _by_cycle(fold_clock(clock, promises, now, instead=_instead(clock, pin)))
    for cycle in sorted(before.keys() | after.keys()):
        yield Compared(clock, cycle, before.get(cycle), after.get(cycle))


def _instead(clock: Clock, pin: str) -> Mapping[str, str]:
    key = Pin.parse(pin).policy
    own = {known: pin for known in clock.pins_in_force if Pin.parse(known).policy == key}
    return own or {clock.pin: pin}


def _by_cycle(results: Sequence[ClockResult]) -> dict[int, ClockResult]:
    return {result.cycle: result for result in results}
