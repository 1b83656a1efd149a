"""From instants to places on the picture."""

from dataclasses import dataclass
from datetime import datetime

from services.crisis.domain.clocks.instants import to_micros


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of time laid over `width` pixels from `left`. `begin` and `end` are microseconds."""

    begin: int
    end: int
    left: float
    width: float

    def x(self, micros: int) -> float:
        """Where an instant lies; never outside."""
        inside = min(max(micros, self.begin), self.end)
        return self.left + self.width * (inside - self.begin) / (self.end - self.begin)

    def at(self, instant: datetime) -> float:
        """Where an instant lies."""
        return self.x(to_micros(instant))
