"""Keeps concurrent publishing in the order of its calls, over failures too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.bus.port import BusUnavailable, RecordTooLarge, UnknownTopic


class CallOrder:
    """Turns are taken in the order of the calls; after a failure, whoever was already waiting fails as well.

    Else the second of two calls could succeed while the first is being tried again, and a key's records would swap.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._failures = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn and hold it; raises BusUnavailable when a call before this one failed meanwhile."""
        seen = self._failures
        async with self._lock:
            if seen != self._failures:
                raise BusUnavailable("An earlier publish failed: publish again, in order")
            try:
                yield
            except (RecordTooLarge, UnknownTopic):
                raise  # the caller's mistake, found before anything was sent
            except BaseException:
                self.failed()
                raise

    def failed(self) -> None:
        """Let those fail who wait now: something that had its turn before them turned out not to be durable."""
        self._failures += 1
