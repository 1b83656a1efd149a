"""A case file: everything of one case that a transaction may change, and what came of it.

Decisions change the file in place and leave behind facts to publish and entries for the timeline; the store writes them
all at once. The file never does I/O, and time, ids and salts are handed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from services.crisis.domain import escalation, timeline
from services.crisis.domain.case import SYSTEM, Case, Matter
from services.crisis.domain.clocks import Cancel, ClockEvent, Stop
from services.crisis.domain.customer import Customer
from services.crisis.domain.escalation import Call, Run
from services.crisis.domain.rules import Trigger
from services.crisis.domain.sla.clock import Clock, ClockFact, fold_clock, start_together
from services.crisis.domain.sla.pins import Promises
from services.crisis.domain.sla.telling import settle
from services.crisis.domain.waiting import Wait

CaseFactKind = Literal[
    "opened", "updated", "severity_changed", "stage_changed", "acknowledged", "resolved", "closed", "reopened",
    "dismissed", "merged",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseFact:
    """Something that happened to the case, and the case as it stood then. `detail` holds what only this kind has."""

    kind: CaseFactKind
    case: Case
    at: datetime
    by: str | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatterFact:
    kind: Literal["opened", "resolved"]
    case: Case
    matter: Matter
    at: datetime
    by: str | None = None
    reason: str | None = None
    trigger: Trigger | None = None
    opened_case: bool = False


@dataclass(frozen=True, slots=True)
class EscalationFact:
    case: Case
    call: Call


Fact = CaseFact | MatterFact | ClockFact | EscalationFact


@dataclass(frozen=True, slots=True)
class Tools:
    """What decisions need from outside: the instant, new ids and salts, and the pinned promises."""

    now: datetime
    promises: Promises
    new_id: Callable[[], str]
    new_salt: Callable[[], str]


@dataclass(slots=True)
class CaseFile:
    """One case with its matters, clocks and escalation.

    `clocks` is what was loaded; `next_clock_at` covers all of them.
    """

    case: Case
    customer: Customer
    matters: dict[str, Matter]
    clocks: list[Clock] = field(default_factory=list)
    clocks_loaded: bool = False
    run: Run | None = None
    tail: timeline.Tail = timeline.START
    next_clock_at: datetime | None = None
    recorded_at: datetime | None = None
    """When something was written into the timeline last; None for a new case."""
    facts: list[Fact] = field(default_factory=list)
    entries: list[timeline.Entry] = field(default_factory=list)
    is_new: bool = False
    has_changed: bool = False
    changed_matters: dict[str, bool] = field(default_factory=dict)
    """Id → whether it is new."""
    waits: dict[str, Wait] = field(default_factory=dict)
    """Those that were open when the file was loaded, and those that began or ended since."""
    changed_waits: dict[str, bool] = field(default_factory=dict)
    """Id → whether it is new."""
    run_changed: bool = False
    run_is_new: bool = False

    # ---- the case and its matters

    def change(self, **fields: Any) -> Case:
        """Change fields of the case."""
        self.case = replace(self.case, **fields)
        self.has_changed = True
        return self.case

    def next_version(self, **fields: Any) -> None:
        """Say that people will see the case changed, in these fields besides; called once per action."""
        if not self.is_new or self.entries:
            fields["version"] = self.case.version + 1
        if fields:
            self.change(**fields)

    def hand_over(self, matter: Matter, to: "CaseFile") -> list[Clock]:
        """Let another case have a matter and its clocks; answers those."""
        del self.matters[matter.id]
        self.changed_matters.pop(matter.id, None)
        to.matters[matter.id] = replace(matter, case_id=to.case.id, customer_id=to.case.customer_id)
        to.changed_matters[matter.id] = False
        clocks = self.clocks_of([matter.id])
        self.clocks = [clock for clock in self.clocks if clock.matter_id != matter.id]
        for clock in clocks:
            clock.case_id, clock.customer_id, clock.has_changed = to.case.id, to.case.customer_id, True
        to.clocks.extend(clocks)
        return clocks

    def put(self, matter: Matter) -> Matter:
        """Add a matter or replace it."""
        self.changed_matters[matter.id] = self.changed_matters.get(matter.id, matter.id not in self.matters)
        self.matters[matter.id] = matter
        return matter

    def open_matters(self) -> list[Matter]:
        return [matter for matter in self.matters.values() if matter.is_open]

    def matter_about(self, dedup: str) -> Matter | None:
        """The matter that is about the same thing, the open one first."""
        same = [matter for matter in self.matters.values() if matter.dedup == dedup]
        return next((matter for matter in same if matter.is_open), same[-1] if same else None)

    # ---- waiting

    def put_wait(self, wait: Wait) -> None:
        """Add a wait or replace it."""
        self.changed_waits[wait.id] = self.changed_waits.get(wait.id, wait.id not in self.waits)
        self.waits[wait.id] = wait

    def open_waits(self) -> list[Wait]:
        return [wait for wait in self.waits.values() if wait.is_open]

    def open_wait(self, matter_id: str | None, reason: str) -> Wait | None:
        """The wait for this reason, of a matter or (None) of the case; there is at most one."""
        return next((w for w in self.open_waits() if (w.matter_id, w.reason) == (matter_id, reason)), None)

    # ---- what is told

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    def tell_case(
        self, kind: CaseFactKind, tools: Tools, *, by: str | None = None, reason: str | None = None, **detail: Any
    ) -> None:
        """Tell of the case as it stands now."""
        self.facts.append(CaseFact(kind, self.case, detail.pop("at", tools.now), by, reason, detail))

    def note(
        self,
        tools: Tools,
        kind: str,
        summary: str,
        *,
        actor: str = SYSTEM,
        at: datetime | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Append to the timeline."""
        entry = timeline.append(
            self.tail,
            at=at or tools.now,
            recorded_at=tools.now,
            kind=kind,
            actor=actor,
            summary=summary,
            data=data or {},
            salt=tools.new_salt(),
        )
        self.tail = timeline.Tail(entry.seq, entry.hash)
        self.entries.append(entry)

    # ---- clocks

    def clocks_of(self, matter_ids: Iterable[str | None], targets: Sequence[str] | None = None) -> list[Clock]:
        """Clocks of these matters (None: the case's own), of these targets only where some are named."""
        owners = set(matter_ids)
        return [
            clock for clock in self.clocks if clock.matter_id in owners and (targets is None or clock.target in targets)
        ]

    def start(self, clocks: Sequence[Clock], at: datetime, tools: Tools) -> list[ClockFact]:
        """Start new clocks of one pin at the same instant and tell what came of it."""
        if not clocks:
            return []
        told: list[ClockFact] = []
        for clock, results in start_together(clocks, tools.promises, at=at, now=tools.now, actor=SYSTEM):
            told += settle(clock, results, now=tools.now)
            self.clocks.append(clock)
        self.facts.extend(told)
        return told

    def put_to(
        self,
        clocks: Iterable[Clock],
        events: Sequence[ClockEvent],
        tools: Tools,
        *,
        actor: str,
        said: Mapping[str, Any] | None = None,
        pin: str | None = None,
    ) -> list[ClockFact]:
        """Record events on clocks, fold them, and tell what came of it."""
        told: list[ClockFact] = []
        words = {"by": None if actor == SYSTEM else actor, **(said or {})}
        for clock in clocks:
            for given in events:
                # One that begins again at once is sorted in, in whichever cycle it lies.
                is_end = isinstance(given, Stop | Cancel) and len(events) == 1
                event = _not_before_start(clock, given) if is_end else given
                clock.record(event, now=tools.now, actor=actor, cause=words.get("cause"), pin=pin)
            told += settle(clock, fold_clock(clock, tools.promises, tools.now), now=tools.now, said=words)
        self.facts.extend(told)
        return told

    def refold(self, clocks: Iterable[Clock], tools: Tools) -> list[ClockFact]:
        """Tell what time alone has brought."""
        return self.put_to(clocks, (), tools, actor=SYSTEM)

    def plan_clocks(self) -> datetime | None:
        """The next instant at which time alone changes a clock; remembered on the case."""
        known = [clock.state.next_at for clock in self.clocks if clock.state and clock.state.next_at]
        if not self.clocks_loaded and self.next_clock_at is not None:
            known.append(self.next_clock_at)
        return min(known, default=None)

    # ---- escalation

    def set_run(self, run: Run) -> None:
        if run != self.run:
            self.run_is_new = self.run_is_new or self.run is None
            self.run, self.run_changed = run, True

    def end_run(self) -> None:
        if self.run is not None:
            self.set_run(escalation.end(self.run))


def _not_before_start(clock: Clock, end: ClockEvent) -> ClockEvent:
    """An end that is said to lie before the clock's start ends it at the start: it would be ignored otherwise."""
    if clock.state is not None and end.at < clock.state.started_at:
        return replace(end, at=clock.state.started_at)
    return end
