"""What the fold answers: one value per target and cycle, with the fields of the simulate answer. Instants are UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    `calendar` is the key of the calendar that gives the due instant, None for `elapsed`. `ahead` is in order of time.
    `segments` is empty unless asked for.
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
    ahead: tuple[Ahead, ...]
