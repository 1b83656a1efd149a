"""Notices a consumer that has stopped for ever without saying so."""

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from aiokafka import TopicPartition as KafkaPlace

from shared.bus.kafka.cluster import Cluster

_LOOK_SECONDS: Final = 5.0
_MOST_PATIENCE: Final = 600.0


class Watchdog:
    """Asks the brokers, now and then while nothing arrives, whether something should have.

    A member without partitions is right to be idle when the group has more members than partitions: it is stuck only
    when the whole group stands still although there is lag. Each time that turns out to be no cure, it waits longer.
    """

    def __init__(self, group: str, topics: Sequence[str], *, cluster: Cluster, patience: float) -> None:
        self._group = group
        self._topics = topics
        self._cluster = cluster
        self._least_patience = patience
        self._patience = patience
        self._since = self._look_at = time.monotonic()
        self._group_lag: int | None = None

    def progressed(self) -> None:
        """Something arrived, or a new consumer has just begun."""
        self._since = time.monotonic()
        self._look_at = self._since + _LOOK_SECONDS
        self._group_lag = None

    async def is_stuck(self, owned: AbstractSet[KafkaPlace], delivered: Mapping[KafkaPlace, int]) -> str:
        """Why the consumer has to be made anew, or an empty string. Raises BusUnavailable when no broker answers."""
        now = time.monotonic()
        if now < self._look_at:
            return ""
        self._look_at = now + min(_LOOK_SECONDS, self._patience)
        if owned:
            behind = await self._behind(owned, delivered)
        else:
            behind = await self._group_stands_still()
        if not behind:
            self._since = now
            self._patience = self._least_patience
            return ""
        if now - self._since < self._patience:
            return ""
        self._since = now
        self._patience = min(self._patience * 2, _MOST_PATIENCE)
        return f"no progress for {self._patience / 2:.0f} s although there are records"

    async def _behind(self, owned: AbstractSet[KafkaPlace], delivered: Mapping[KafkaPlace, int]) -> bool:
        reach = await self._cluster.reach(self._group, owned)
        return any(end > delivered.get(place, start) for place, (start, end) in reach.items())

    async def _group_stands_still(self) -> bool:
        before, self._group_lag = self._group_lag, await self._cluster.lag(self._group, self._topics)
        return self._group_lag > 0 and before is not None and self._group_lag >= before
