"""The Kafka adapter of the bus."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.bus.kafka.address import KafkaAddress
from shared.bus.kafka.cluster import Cluster
from shared.bus.kafka.lenient import read_any_header_name
from shared.bus.kafka.publisher import Publisher
from shared.bus.kafka.quiet import quieten
from shared.bus.kafka.subscription import KafkaSubscription
from shared.bus.kafka.supervisor import START_SECONDS
from shared.bus.kafka.topics import ensure_topics
from shared.bus.observer import BusObserver, Unobserved
from shared.bus.port import Received, Record, TopicSpec


class KafkaBus:
    """See `Bus`. Make it with `open`."""

    def __init__(self, address: KafkaAddress, *, observer: BusObserver) -> None:
        self._address = address
        self._observer = observer
        self._cluster = Cluster(address, observer)
        self._publisher = Publisher(address, self._cluster, observer)
        self._members = 0

    @classmethod
    async def open(cls, url: str, *, client_id: str, observer: BusObserver | None = None) -> "KafkaBus":
        """Connect. Raises BusUnavailable, and ValueError for a url that cannot be understood."""
        read_any_header_name()
        quieten()
        bus = cls(KafkaAddress.parse(url, client_id=client_id), observer=observer or Unobserved())
        try:
            await bus.ping()
        except BaseException:
            await bus.close()
            raise
        return bus

    async def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        """See `Bus.ensure_topics`."""
        await ensure_topics(self._cluster, list(topics), replication_factor=self._address.replication_factor)

    async def publish(self, records: Sequence[Record]) -> None:
        """See `Bus.publish`."""
        await self._publisher.publish(records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        """See `Bus.subscribe`. Joining may take long, for others have to let go first: then polling goes on with it."""
        await self._cluster.places(topics)
        subscription = KafkaSubscription(
            self._address, group, topics, cluster=self._cluster, observer=self._observer, instance=self._instance()
        )
        try:
            await subscription.join(wait=START_SECONDS)
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def read(self, topic: str, *, start: int | datetime = 0, limit: int = 100) -> Sequence[Received]:
        """See `Bus.read`."""
        return await self._cluster.read(topic, start=start, limit=limit)

    async def reset(self, group: str, topics: Sequence[str], *, to: datetime) -> None:
        """See `Bus.reset`."""
        await self._cluster.reset(group, topics, to=to)

    async def forget(self, group: str) -> None:
        """See `Bus.forget`."""
        await self._cluster.forget(group)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """See `Bus.lag`."""
        return await self._cluster.lag(group, topics)

    async def ping(self) -> None:
        """See `Bus.ping`."""
        await self._cluster.ping()

    async def close(self) -> None:
        """See `Bus.close`."""
        await asyncio.gather(self._publisher.close(), self._cluster.close())

    def _instance(self) -> str | None:
        """A name that is the same after a restart: the configured one and the place in the order of subscribing."""
        self._members += 1
        static = self._address.group_instance_id
        return None if static is None else f"{static}-{self._members}"
