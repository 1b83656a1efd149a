"""Giving partitions to another member in good order."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka import ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPlace

from shared.bus.observer import BusObserver

HANDOVER_SECONDS: Final = 5.0
"""How long a rebalance waits for the commit of what was delivered."""


class Progress:
    """What was delivered to the caller, and what of it the caller has committed."""

    def __init__(self) -> None:
        self.delivered: dict[KafkaPlace, int] = {}
        self._committed: dict[KafkaPlace, int] = {}
        self._changed = asyncio.Event()

    def commit(self, positions: Mapping[KafkaPlace, int]) -> None:
        """Note what became durable."""
        self._committed |= positions
        self._changed.set()

    def clear(self) -> None:
        """Forget everything: the partitions are not ours any more."""
        self.delivered.clear()
        self._committed.clear()
        self._changed.set()

    async def settled(self, places: Iterable[KafkaPlace], *, seconds: float) -> None:
        """Wait until all that was delivered from `places` is committed, or until `seconds` are over."""
        try:
            async with asyncio.timeout(seconds):
                while any(self._committed.get(place, -1) < self.delivered.get(place, -1) for place in places):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return


class Handover(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions go to others, lets what was delivered be committed: then it need not be done twice."""

    def __init__(self, group: str, progress: Progress, observer: BusObserver) -> None:
        self._group = group
        self._progress = progress
        self._observer = observer

    async def on_partitions_revoked(self, revoked: Sequence[KafkaPlace]) -> None:
        """Wait for commits, a limited time."""
        await self._progress.settled(revoked, seconds=HANDOVER_SECONDS)
        self._progress.clear()

    async def on_partitions_assigned(self, assigned: Sequence[KafkaPlace]) -> None:
        """Tell who measures."""
        self._observer.rebalanced(self._group, owned=len(assigned))
