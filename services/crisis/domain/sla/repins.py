"""Reading a clock's recorded promises by other versions than those that they were recorded with.

The list of a clock is append-only: what a recalculation decides is one more record. The fold never sees it; before it
is asked, each earlier record is read by the pin that was put in the place of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.crisis.domain.clocks import ClockEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Repin:
    """From now on, whatever was recorded before is read by other pins: `pins` has each with the one in its place.

    Empty where the versions stay, and the clock was folded anew because the rules of a time zone changed.
    """

    at: datetime
    pins: Mapping[str, str]


Recorded = ClockEvent | Repin
"""What a clock's list may hold."""
