"""The list of a clock: its records, how many it takes, and the pins by which they are read."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from services.crisis.domain.clocks import Cancel, Resume, Start, Stop, detail_of
from services.crisis.domain.sla.repins import Recorded, Repin

MOST_RECORDS: Final = 10_000
"""Events that a clock takes; what ends something it takes beyond that. Each action folds all of them."""
ALWAYS_TAKEN: Final = Stop | Cancel | Resume | Repin


class FullClock(Exception):  # noqa: N818 - a named fact
    """The clock has taken as many events as it may."""


class Record(NamedTuple):
    """One event of the append-only list. `pin` names the versions that a start or retarget brings."""

    seq: int
    event: Recorded
    recorded_at: datetime
    actor: str
    cause: str | None = None
    pin: str | None = None

    @property
    def detail(self) -> dict[str, Any]:
        """What it says beside its instant and its pin, as it is stored and explained."""
        return {"pins": dict(self.event.pins)} if isinstance(self.event, Repin) else detail_of(self.event)


def pins_read(records: Sequence[Record]) -> list[str | None]:
    """The pin by which each record is read now: its own, unless a later repin put another in its place."""
    stands: dict[str, str] = {}
    read: list[str | None] = []
    for record in reversed(records):
        if isinstance(record.event, Repin):
            stands |= {pin: stands.get(other, other) for pin, other in record.event.pins.items()}
        read.append(stands.get(record.pin, record.pin) if record.pin is not None else None)
    return read[::-1]


def policies_at(instants: Iterable[datetime], records: Sequence[Record], pin: str) -> list[str]:
    """The pin in force up to each of these instants: of the last start or change before it, else `pin`."""
    named = [(record, read) for record, read in zip(records, pins_read(records), strict=True) if read is not None]
    timed = sorted(((record.event.at, read) for record, read in named), key=itemgetter(0))
    starts = sorted(((r.event.at, read) for r, read in named if isinstance(r.event, Start)), key=itemgetter(0))
    found = []
    for instant in instants:
        before = bisect_left(timed, instant, key=itemgetter(0))
        last = starts[-1:] if starts and starts[-1][0] >= instant else timed[max(0, before - 1) : before]
        found.append(last[-1][1] if last else pin)
    return found
