"""What crisis has said of a case, and whether a message about it is still true.

`Standing` is one line per case, matter, clock and escalation, kept from crisis's events: asked before every send, so
that no stale alarm leaves and no other service has to be called.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.notify.domain.happening import Happening
from services.notify.domain.routes import While

Kind = Literal["case", "matter", "clock", "escalation"]

ACKNOWLEDGED = "acknowledged"
CASE_CLOSED = "case_closed"
STEP_OVER = "step_over"
SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one thing stands. `step` counts an escalation's calls; `step_at` is the business time of the last one."""

    kind: Kind
    id: str
    case_id: str
    ended: bool = False
    acknowledged_at: datetime | None = None
    step: int = 0
    step_at: datetime | None = None
    sequence: int = 0
    unacknowledges: bool = False
    """Set on a reopening: an acknowledgement from before no longer counts."""
    written_at: datetime | None = None
    """When crisis wrote it down, where the event says so: what moved to another case goes on under other sequences."""
    into_case_id: str | None = None
    """The case that goes on for one that was merged; `into_number` is its number, for people."""
    into_number: str | None = None

    def as_goes_on(self, heir: "Standing | None") -> "Standing":
        """How a merged case stands: over only when the one that goes on is, which may itself have been merged."""
        if heir is None:
            return replace(self, ended=False)
        into = (heir.into_case_id, heir.into_number) if heir.into_case_id else (self.into_case_id, self.into_number)
        return replace(self, ended=heir.ended, into_case_id=into[0], into_number=into[1])

    def then(self, later: "Standing") -> "Standing":
        """Bring this up to date with what was told next, which is older where it lagged behind in another partition."""
        if later.is_older_than(self):
            return later.then(self)
        kept = None if later.unacknowledges else self.acknowledged_at
        return replace(
            later,
            acknowledged_at=later.acknowledged_at or kept,
            step=max(self.step, later.step),
            step_at=later.step_at or self.step_at,
            written_at=later.written_at or self.written_at,
            unacknowledges=later.unacknowledges or (self.unacknowledges and later.acknowledged_at is None),
            into_case_id=later.into_case_id or self.into_case_id,
            into_number=later.into_number or self.into_number,
        )

    def is_older_than(self, other: "Standing") -> bool:
        """Whether this was written down before the other, of another case. What does not say when is not older."""
        if self.case_id == other.case_id or self.written_at is None or other.written_at is None:
            return False
        return self.written_at < other.written_at


Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a message hangs on: the conditions of its route and the things they are about."""

    conditions: Collection[While]
    case_id: str | None
    matter_id: str | None
    clock_id: str | None
    escalation_id: str | None
    escalation_step: int | None
    since: datetime
    """Business time at which the message was made."""

    def hangs_on(self) -> list[Key]:
        """The standings that have to be looked up."""
        wanted: list[tuple[Kind, str | None]] = [
            ("case", self.case_id),
            ("matter", self.matter_id),
            ("clock", self.clock_id),
            ("escalation", self.escalation_id),
        ]
        return [(kind, id_) for kind, id_ in wanted if id_ is not None]


@dataclass(frozen=True, slots=True)
class Check:
    """One condition and how it came out; `obsolete` is the reason when it no longer holds."""

    condition: str
    finding: str
    obsolete: str | None = None


def still_true(basis: Basis, standings: Mapping[Key, Standing]) -> tuple[Check, ...]:
    """Check every condition in turn. What crisis never spoke of is taken to stand as it did."""
    checks: list[Check] = []
    for condition in sorted(basis.conditions):
        match condition:
            case While.CASE_OPEN:
                checks.append(_case_open(basis, standings))
            case While.NOT_ACKNOWLEDGED:
                checks.append(_not_acknowledged(basis, standings))
            case While.CLOCK_RUNNING:
                checks.append(_clock_running(basis, standings))
            case While.STEP_CURRENT:
                checks.append(_step_current(basis, standings))
    return tuple(checks)


def first_obsolete(checks: Collection[Check]) -> str | None:
    """The reason why a message is no longer true, or None."""
    return next((check.obsolete for check in checks if check.obsolete is not None), None)


def _case_open(basis: Basis, standings: Mapping[Key, Standing]) -> Check:
    case = _of("case", basis.case_id, standings)
    if case is not None and case.ended:
        return Check(While.CASE_OPEN, "the case is closed", CASE_CLOSED)
    return Check(While.CASE_OPEN, "the case is open")


def _not_acknowledged(basis: Basis, standings: Mapping[Key, Standing]) -> Check:
    about: Kind = "case" if basis.matter_id is None else "matter"
    subject = _of(about, basis.matter_id or basis.case_id, standings)
    if subject is not None and subject.acknowledged_at is not None:
        return Check(While.NOT_ACKNOWLEDGED, f"the {about} has been acknowledged", ACKNOWLEDGED)
    if subject is not None and about == "matter" and subject.ended:
        return Check(While.NOT_ACKNOWLEDGED, "the matter is resolved", STEP_OVER)
    return Check(While.NOT_ACKNOWLEDGED, f"nobody has acknowledged the {about}")


def _clock_running(basis: Basis, standings: Mapping[Key, Standing]) -> Check:
    clock = _of("clock", basis.clock_id, standings)
    if clock is not None and clock.ended:
        return Check(While.CLOCK_RUNNING, "the clock has stopped", STEP_OVER)
    return Check(While.CLOCK_RUNNING, "the clock has not stopped")


def _step_current(basis: Basis, standings: Mapping[Key, Standing]) -> Check:
    escalation = _of("escalation", basis.escalation_id, standings)
    # Calls raised at one and the same instant are all told: which of them is seen first must not depend on speed.
    if (
        escalation is not None
        and escalation.step > (basis.escalation_step or 0)
        and escalation.step_at is not None
        and escalation.step_at > basis.since
    ):
        return Check(While.STEP_CURRENT, f"the escalation has gone on to call {escalation.step}", STEP_OVER)
    return Check(While.STEP_CURRENT, "the escalation stands at this call")


def _of(kind: Kind, id_: str | None, standings: Mapping[Key, Standing]) -> Standing | None:
    return None if id_ is None else standings.get((kind, id_))


_ENDS_CASE = frozenset({"closed", "dismissed", "merged"})


def told_by(happening: Happening, *, matters: Collection[str], sequence: int, now: datetime) -> list[Standing]:
    """What an event of crisis says about case, matters, clock and escalation."""
    case_id = happening.case_id
    if case_id is None:
        return []
    kind = happening.type.removeprefix("crisis.").removesuffix(".v1")
    if kind.startswith("case."):
        return _told_of_case(kind, happening, case_id, matters, sequence)
    id_, ended = happening.matter_id, kind == "matter.resolved"
    if kind.startswith("matter.") and id_ is not None:
        return [Standing("matter", id_, case_id, ended=ended, sequence=sequence)]
    clock = happening.text("clock_id")
    if kind.startswith("clock.") and clock is not None:
        ended = kind in ("clock.met", "clock.cancelled")
        written_at = happening.written_at
        return [Standing("clock", clock, case_id, ended=ended, sequence=sequence, written_at=written_at)]
    escalation = happening.text("escalation_id")
    if kind == "escalation.raised" and escalation is not None:
        step = happening.whole("step") or happening.whole("level") or 1
        return [Standing("escalation", escalation, case_id, step=step, step_at=now, sequence=sequence)]
    return []


def _told_of_case(
    kind: str, happening: Happening, case_id: str, matters: Collection[str], sequence: int
) -> list[Standing]:
    acknowledged = happening.at if kind == "case.acknowledged" else None
    reopened = kind == "case.reopened"
    ended = happening.text("status") in _ENDS_CASE or kind in ("case.closed", "case.dismissed", "case.merged")
    told = [
        Standing(
            "case",
            case_id,
            case_id,
            ended=ended,
            acknowledged_at=acknowledged,
            sequence=sequence,
            unacknowledges=reopened,
            into_case_id=happening.text("into_case_id"),
            into_number=happening.text("into_number"),
        )
    ]
    if acknowledged is not None or reopened:
        told.extend(
            Standing("matter", id_, case_id, acknowledged_at=acknowledged, sequence=sequence, unacknowledges=reopened)
            for id_ in matters
        )
    return told
