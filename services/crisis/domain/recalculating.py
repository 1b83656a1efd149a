"""Recalculation: what the clocks of a case would say by other versions, and making it so where that was approved.

Nothing is rewritten: a clock's list gets one more record, and what was told before is corrected by events. The law's
limits are recalculated by nobody; only those that are provisional follow a calendar, as when it is published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import ClockResult, Stage, UnreachableTarget
from services.crisis.domain.rederiving import concerns
from services.crisis.domain.sla.clock import Clock, ClockFact, fold_clock
from services.crisis.domain.sla.pins import Pin, Promises
from services.crisis.domain.sla.telling import settle
from services.crisis.domain.timeline import instant_text

CAUSE: Final = "recalculated"
Left = Literal["statutory", "not_promised", "unreachable", "kept", "full"]
"""Why a clock is left alone: given by law, not a target of the other version, not due within twenty years by it, its
policy keeps what runs, or it takes no more events."""
Outcome = Literal["applied", "moved_on", "no_change"]
"""Of an approved difference: made so, another one by now and left alone, or nothing left to change."""
_SAID_BY: Final = {"open": "started", "met": "met", "missed": "met", "void": "met", "cancelled": "cancelled"}
"""Result of a cycle → the event that told of it."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions by which promises are to be read; none at all: the same ones, folded anew.

    `named` are the calendars of each policy version; one that a clock's own version does not name is taken as
    `standing` says.
    """

    policies: Mapping[str, int] = field(default_factory=dict)
    calendars: Mapping[str, int] = field(default_factory=dict)
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    standing: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.policies or self.calendars)

    def of(self, name: str) -> str:
        """The pin that stands in the place of this one."""
        pin = Pin.parse(name)
        known = {**self.standing, **dict(pin.calendars), **self.calendars}
        named = self.named[pin.policy] if pin.policy in self.policies else [key for key, _ in pin.calendars]
        version = self.policies.get(pin.policy, pin.version)
        return Pin(pin.policy, version, tuple((key, known[key]) for key in sorted(named))).name

    def swap(self, pins: Iterable[str]) -> dict[str, str]:
        """Those of the pins that are read otherwise, each with the one in its place."""
        others = {pin: self.of(pin) for pin in pins}
        return {pin: other for pin, other in others.items() if other != pin}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cycle says of its promise. While a pause moves it (`is_held`), `due_at` is as if it were resumed now."""

    policy: str
    due_at: datetime
    is_held: bool
    breached_at: datetime | None
    result: str

    @classmethod
    def of(cls, cycle: ClockResult, policy: str) -> "Reading":
        held = cycle.due_at is None
        return cls(policy, cycle.due_at or cycle.due_if_resumed_now, held, cycle.breached_at, cycle.result.value)

    @property
    def said(self) -> tuple[object, ...]:
        """What time alone does not move."""
        return None if self.is_held else self.due_at, self.breached_at, self.result

    def agrees(self, other: "Reading") -> bool:
        """Whether due instant, breach and result are the same."""
        return self.said == other.said and self.due_at == other.due_at


@dataclass(frozen=True, slots=True)
class Difference:
    """A cycle that says something else by the other versions. `recorded` counts the records that it was folded from."""

    clock_id: str
    cycle: int
    recorded: int
    before: Reading | None
    after: Reading | None

    def is_still(self, other: "Difference") -> bool:
        """Whether it is the same difference, seen at another time."""
        mine, theirs = ((one.before, one.after) for one in (self, other))
        same = [_said(one) == _said(another) for one, another in zip(mine, theirs, strict=True)]
        return self.recorded == other.recorded and all(same)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the other versions make of a clock. Empty where it does not stand on any of them."""

    swap: Mapping[str, str] = field(default_factory=dict)
    differences: Sequence[Difference] = ()
    left: Left | None = None
    results: Mapping[int, ClockResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved recalculation: `differences` are those that were approved, by clock."""

    id: str
    by: str
    reason: str
    versions: Versions
    differences: Mapping[str, Sequence[Difference]]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a clock; `outcome` is None where nothing was approved and nothing is different."""

    clock: Clock
    judged: Judged
    outcome: Outcome | None
    is_repinned: bool = False


Past = Mapping[int, Reading]
"""The stored results of the cycles before a clock's present one."""


def judge(clock: Clock, past: Past, versions: Versions, promises: Promises, now: datetime) -> Judged:
    """Hold what is stored of a clock against its fold by the other versions. Their pins have to be known."""
    swap = versions.swap(clock.pins_in_force)
    if versions and not swap:
        return Judged()
    if clock.statutory and not any(concerns(clock, calendar) for calendar in versions.calendars):
        return Judged(left="statutory")
    if clock.target not in promises.policies[swap.get(clock.pin, clock.pin)].targets:
        return Judged(left="not_promised")
    assert clock.state is not None
    try:
        results = {result.cycle: result for result in fold_clock(clock, promises, now, instead=swap)}
        before = {**past, clock.state.cycle: standing(clock, promises, now)}
    except UnreachableTarget:
        return Judged(left="unreachable")
    after = {number: Reading.of(result, _policy(clock, past, swap, number)) for number, result in results.items()}
    differences = [
        Difference(clock.id, number, clock.recorded, before.get(number), after.get(number))
        for number in sorted(before.keys() | after.keys())
        # Results of cycles that ended before they were kept are not known: there is nothing to hold them against.
        if (number in before or number > clock.state.cycle) and _differs(before.get(number), after.get(number))
    ]
    return Judged(swap, differences, None, results)


def recalculate(file: CaseFile, past: Mapping[str, Past], approved: Approved, books: Books, tools: Tools) -> list[Done]:
    """Read the case's promises by the approved versions, and tell what no longer holds.

    A clock whose difference is not the approved one is left as it is. Live clocks that do not differ go over to the
    versions, too: from now on they hold for them.
    """
    done: list[Done] = []
    told: list[ClockFact] = []
    for clock in file.clocks:
        judged = judge(clock, past.get(clock.id, {}), approved.versions, tools.promises, tools.now)
        wanted = approved.differences.get(clock.id, ())
        outcome = _outcome(judged.differences, wanted)
        is_repinned = outcome == "applied" or (outcome is None and clock.is_live and bool(judged.swap))
        if is_repinned:
            told += _repin(file, clock, judged, approved, tools)
        done.append(Done(clock, judged, outcome, is_repinned))
    swap = approved.versions.swap([file.case.policy])
    if file.case.is_open and swap:
        # What starts later starts with the versions that the running clocks have now.
        file.next_version()
        file.change(policy=swap[file.case.policy])
    if any(one.is_repinned for one in done):
        _note(file, done, approved, tools)
    follow_up(file, told, books, tools)
    return done


def standing(clock: Clock, promises: Promises, now: datetime) -> Reading:
    """What was told of the present cycle; a breach whose timer is on its way has been told as good as."""
    state = clock.state
    assert state is not None
    if state.stage is Stage.PAUSED:
        return Reading.of(fold_clock(clock, promises, now)[-1], clock.policy)
    due, breached_at = state.due_at or state.due_if_resumed_now, state.breached_at
    if breached_at is None and clock.is_live and due <= now:
        breached_at = due
    return Reading(clock.policy, due, is_held=False, breached_at=breached_at, result=state.result.value)


def _policy(clock: Clock, past: Past, swap: Mapping[str, str], cycle: int) -> str:
    policy = past[cycle].policy if cycle in past else clock.policy
    return swap.get(policy, policy)


def _said(reading: Reading | None) -> tuple[object, ...] | None:
    return None if reading is None else reading.said


def _differs(before: Reading | None, after: Reading | None) -> bool:
    return before is None or after is None or not before.agrees(after)


def _outcome(found: Sequence[Difference], wanted: Sequence[Difference]) -> Outcome | None:
    if not found:
        return "no_change" if wanted else None
    same = len(found) == len(wanted) and all(one.is_still(other) for one, other in zip(found, wanted, strict=True))
    return "applied" if same else "moved_on"


def _repin(file: CaseFile, clock: Clock, judged: Judged, approved: Approved, tools: Tools) -> list[ClockFact]:
    assert clock.state is not None
    said: dict[str, Any] = {"by": approved.by, "cause": CAUSE, "reason": approved.reason}
    said["tells_moves"] = not clock.statutory
    if clock.statutory:
        said["derived_from"] = clock.state.due_if_resumed_now
    clock.repin(judged.swap, now=tools.now, actor=approved.by, cause=CAUSE)
    told = settle(clock, tuple(judged.results.values()), now=tools.now, said=said)
    corrected = [
        _corrected(clock, judged.results[one.cycle], one.before, approved, tools.now)
        for one in judged.differences
        if one.before is not None and one.cycle in judged.results and not clock.statutory
    ]
    file.facts.extend(told + corrected)
    return told + corrected


def _corrected(clock: Clock, result: ClockResult, before: Reading, approved: Approved, now: datetime) -> ClockFact:
    detail = {
        "corrects": _SAID_BY[before.result],
        "had_breached": before.breached_at is not None,
        "breached_at": result.breached_at,
        "previous_due_at": None if before.is_held else before.due_at,
        "reason": f"{CAUSE}: {approved.reason}",
    }
    return ClockFact("corrected", clock, result, now, detail)


def _note(file: CaseFile, done: Sequence[Done], approved: Approved, tools: Tools) -> None:
    repinned = [one for one in done if one.is_repinned]
    differences = [difference for one in repinned for difference in one.judged.differences]
    targets = {one.clock.id: one.clock.target for one in repinned}
    file.note(
        tools,
        "sla.recalculated",
        f"Recalculated: {len({one.clock_id for one in differences})} of {len(repinned)} clocks changed",
        actor=approved.by,
        data={
            "recalculation": approved.id,
            "reason": approved.reason,
            "policies": dict(approved.versions.policies),
            "calendars": dict(approved.versions.calendars),
            "repinned": sorted(targets),
            "superseded": [
                {"clock_id": one.clock_id, "target": targets[one.clock_id], "cycle": one.cycle}
                | {"was": _written(one.before), "is": _written(one.after)}
                for one in differences
            ],
        },
    )


def _written(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "policy": reading.policy,
        "due_at": None if reading.is_held else instant_text(reading.due_at),
        "breached_at": None if reading.breached_at is None else instant_text(reading.breached_at),
        "result": reading.result,
    }


__all__ = [
    "Approved",
    "Difference",
    "Done",
    "Judged",
    "Past",
    "Reading",
    "Versions",
    "judge",
    "recalculate",
    "standing",
]
