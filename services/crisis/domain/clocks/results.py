"""What the fold answers: one value per target and cycle, with the fields of the simulate answer. Instants are UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.crisis.domain.clocks.events import Reopen, Retarget, Start
from services.crisis.domain.clocks.policy import Target


class Stage(StrEnum):
    """Where a clock stands."""

    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Result(StrEnum):
    """What became of the promise; `open` until stop, cancel or the next cycle, breached or not."""

    OPEN = "open"
    MET = "met"
    MISSED = "missed"
    VOID = "void"
    CANCELLED = "cancelled"


class BreachCause(StrEnum):
    """What made the promise broken: its due instant passed, or a change put the due instant into the past."""

    DUE = "due"
    RETARGET = "retarget"
    REOPEN = "reopen"


class SegmentState(StrEnum):
    """Whether a stretch of a clock's life counts, and if not, why."""

    COUNTED = "counted"
    CLOSED = "closed"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Warned:
    """A threshold that fired, written as in the document (`50%`, `PT1H`)."""

    threshold: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch `[begin, end)` of a clock's life in one state for one reason."""

    begin: datetime
    end: datetime
    state: SegmentState
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line of a clock: a target measured from an origin. The earliest of the lines gives the clock's due instant.

    `brought_by` is the event that put it in force, `policy` the key of the policy that its target is of (None for a
    target sent along with a retarget). `whole` is the target's running time in microseconds and `budget` what of it was
    left at `measured_from` (less after a prorate); both are None for the kinds that count dates. `due_at` is None while
    a pause moves it. `due_without_halts` is where it would be due had the clock never stood still. `extensions` are
    `(approved at, due instant from then on)`.
    """

    target: Target
    policy: str | None
    brought_by: Start | Retarget | Reopen
    measured_from: datetime
    whole: int | None
    budget: int | None
    due_at: datetime | None
    due_if_resumed_now: datetime
    due_without_halts: datetime
    extensions: tuple[tuple[datetime, datetime], ...]
    governs: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """What time alone will do to the clock if no event comes: a warning, or the breach (`threshold` is None)."""

    target: str
    cycle: int
    at: datetime
    threshold: str | None = None


@dataclass(frozen=True, slots=True)
class ClockResult:
    """One clock: one target in one cycle, as seen at `until`.

    `due_at` is None while paused if the pause moves the earliest line; `due_if_resumed_now` always has a value.
    `calendar` is the key of the calendar that gives the due instant, None for `elapsed`. `department` is the one of the
    target that was put in force last. `ahead` is in order of time.
    `segments` and `lines` are empty unless asked for.
    """

    target: str
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
    warnings: tuple[Warned, ...]
    elapsed_seconds: float
    paused_seconds: float
    closed_seconds: float
    segments: tuple[Segment, ...]
    calendar: str | None
    statutory: bool
    department: str | None
    ahead: tuple[Ahead, ...]
    lines: tuple[LineResult, ...] = ()
