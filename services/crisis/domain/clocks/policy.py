"""What was promised: targets with one duration of exactly one kind each, and their warning thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from services.crisis.domain.clocks.durations import Period


class ReopenMode(StrEnum):
    """What a reopened clock does with the time since it was stopped."""

    RESUME = "resume"
    RESUME_INCLUDING_CLOSED = "resume_including_closed"
    NEW_CYCLE = "new_cycle"
    INVALIDATE_PREVIOUS = "invalidate_previous"


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Real time while running; calendars do not matter."""

    micros: int


@dataclass(frozen=True, slots=True)
class Business:
    """Open time of the calendar while running."""

    micros: int


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """The n-th date with a window after day zero, at its last window's end or the wall time `at` (microseconds)."""

    count: int
    day_zero: Literal["date", "next_open"] = "date"
    at: int | None = None
    shift: bool = False


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """A calendar period after the date of the start, rolled to a date with a window where the regime says so."""

    period: Period
    roll: Literal["none", "forward", "backward"] = "none"
    until: Literal["end_of_day", "same_time"] = "end_of_day"
    shift: bool = False


Duration = Elapsed | Business | BusinessDays | CalendarPeriod


@dataclass(frozen=True, slots=True)
class PercentUsed:
    """Warn when the clock has used this share: `parts / whole`, exactly. `label` is how the document writes it."""

    parts: int
    whole: int
    label: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Warn this much real time before the due instant. `label` is how the document writes it."""

    micros: int
    label: str = field(compare=False)


Threshold = PercentUsed | LeadTime


@dataclass(frozen=True, slots=True)
class Target:
    """One target document. `calendar` is the key under which the fold finds the calendar; None for `elapsed` alone.

    `department` owes it: it names who, and changes no instant.
    """

    duration: Duration
    calendar: str | None = None
    thresholds: tuple[Threshold, ...] = ()
    statutory: bool = False
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The targets promised together, in the order of the document, and the mode of a reopen that names none."""

    key: str
    targets: Mapping[str, Target]
    reopen: ReopenMode = ReopenMode.NEW_CYCLE
