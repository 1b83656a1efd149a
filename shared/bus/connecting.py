"""A bus that may be away when the service starts: requests are answered, the outbox keeps what is to go out."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog

from shared.bus.observer import BusObserver
from shared.bus.open import open_bus
from shared.bus.port import Bus, BusUnavailable, Received, Record, Subscription, TopicSpec
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)


class ConnectingBus:
    """Any bus, opened in the background and with its topics made; raises BusUnavailable until then."""

    def __init__(
        self, url: str, *, client_id: str, topics: Sequence[TopicSpec], observer: BusObserver | None = None
    ) -> None:
        self._url = url
        self._client_id = client_id
        self._topics = topics
        self._observer = observer
        self._bus: Bus | None = None
        self._connected = asyncio.Event()
        self.heartbeat = Heartbeat("bus")

    async def run(self) -> None:
        """Open the bus, trying until it answers; then there is nothing left to do."""
        attempt = 0
        while self._bus is None:
            self.heartbeat.beat()
            try:
                bus = await open_bus(self._url, client_id=self._client_id, observer=self._observer)
                await self._make_topics(bus)
                self._bus = bus
            except BusUnavailable as error:
                attempt += 1
                log.warning("bus.away", detail=str(error)[:300], attempt=attempt)
                await asyncio.sleep(backoff(attempt))
        self._connected.set()
        while True:
            self.heartbeat.beat()
            await asyncio.sleep(30)

    async def connected(self, *, at_most: float) -> bool:
        """Wait for the bus; whether it is there after `at_most` seconds."""
        try:
            await asyncio.wait_for(self._connected.wait(), at_most)
        except TimeoutError:
            return False
        return True

    async def _make_topics(self, bus: Bus) -> None:
        try:
            await bus.ensure_topics(self._topics)
        except BaseException:
            await bus.close()
            raise

    def _there(self) -> Bus:
        if self._bus is None:
            raise BusUnavailable("the bus has not answered yet")
        return self._bus

    async def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        """See `Bus`."""
        await self._there().ensure_topics(topics)

    async def publish(self, records: Sequence[Record]) -> None:
        """See `Bus`."""
        await self._there().publish(records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """See `Bus`."""
        return await self._there().subscribe(group, topics)

    async def read(self, topic: str, *, start: int | datetime = 0, limit: int = 100) -> Sequence[Received]:
        """See `Bus`."""
        return await self._there().read(topic, start=start, limit=limit)

    async def reset(self, group: str, topics: Sequence[str], *, to: datetime) -> None:
        """See `Bus`."""
        await self._there().reset(group, topics, to=to)

    async def forget(self, group: str) -> None:
        """See `Bus`."""
        await self._there().forget(group)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """See `Bus`."""
        return await self._there().lag(group, topics)

    async def ping(self) -> None:
        """See `Bus`."""
        await self._there().ping()

    async def close(self) -> None:
        """See `Bus`."""
        if self._bus is not None:
            await self._bus.close()
