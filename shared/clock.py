"""Time as an argument: the clock is read once at the edge and passed down as an aware UTC instant."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where business time comes from. Instants are aware and in UTC."""

    def now(self) -> datetime:
        """The present instant."""

    async def wait(self, until: datetime | None, *, at_most: float) -> None:
        """Return when `until` is reached, the clock was moved, or `at_most` seconds of real time have passed."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, until: datetime | None, *, at_most: float) -> None:
        seconds = at_most if until is None else min(at_most, (until - self.now()).total_seconds())
        await asyncio.sleep(max(0.0, seconds))


class SteppedClock:
    """Stands still until it is moved forward: the discrete-event clock of demos, drills and journeys.

    A service keeps its instant in its own database (`shared.web.admin`), so that a restart goes on from there.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def move(self, to: datetime) -> None:
        """Move forward to `to`; raises ValueError for an instant in the past, for time never runs back."""
        target = to.astimezone(UTC)
        if target < self._now:
            raise ValueError(f"the clock stands at {self._now.isoformat()}; it cannot go back to {target.isoformat()}")
        self._now = target
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait(self, until: datetime | None, *, at_most: float) -> None:
        if until is not None and until <= self._now:
            return
        try:
            await asyncio.wait_for(self._moved.wait(), at_most)
        except TimeoutError:
            return
