"""One member of a consumer group on Kafka."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPlace
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.bus.kafka.address import KafkaAddress
from shared.bus.kafka.cluster import Cluster, received
from shared.bus.kafka.handover import Handover, Progress
from shared.bus.kafka.supervisor import Supervised, describe
from shared.bus.kafka.watchdog import Watchdog
from shared.bus.observer import BusObserver
from shared.bus.port import BusUnavailable, Received, TopicPartition

_GRACE_SECONDS: Final = 0.5
_JOIN_SECONDS: Final = 120.0
"""Longer than a member that was killed can keep others waiting (its session, then the rebalance): whoever gives up
joining before that leaves one more dead member behind, for whom the next attempt has to wait."""
_COMMIT_SECONDS: Final = 15.0
_PARTITION_FETCH_BYTES: Final = 1_048_576
_POLL_RECORDS: Final = 500


class KafkaSubscription:
    """A supervised consumer. Joining goes on between polls; positions that were not committed are read again."""

    def __init__(
        self,
        address: KafkaAddress,
        group: str,
        topics: Sequence[str],
        *,
        cluster: Cluster,
        observer: BusObserver,
        instance: str | None,
    ) -> None:
        self._address = address
        self._group = group
        self._topics = tuple(topics)
        self._cluster = cluster
        self._observer = observer
        self._instance = instance
        self._progress = Progress()
        self._consumer: Supervised[AIOKafkaConsumer] = Supervised(
            self._make, part="consumer", observer=observer, start_seconds=_JOIN_SECONDS
        )
        self._joining: asyncio.Task[AIOKafkaConsumer] | None = None
        self._watchdog = Watchdog(group, self._topics, cluster=cluster, patience=address.stall_seconds)

    async def poll(self, *, max_records: int, wait: float) -> Sequence[Received]:
        """See `Subscription.poll`."""
        deadline = time.monotonic() + wait
        consumer = await self._joined(wait=wait)
        if consumer is None:
            return ()
        wait = max(0.0, deadline - time.monotonic())
        try:
            async with asyncio.timeout(wait + _GRACE_SECONDS):
                fetched = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=max_records)
        except TimeoutError:
            fetched = {}  # a rebalance going on holds back records for as long as it takes
        except (KafkaError, IllegalStateError, OSError) as error:
            self._give_up(consumer, reason=describe(error))
            raise BusUnavailable(f"Consumer of {self._group} failed: {describe(error)}") from error
        if fetched:
            self._watchdog.progressed()
            return self._received(fetched)
        stuck = await self._watchdog.is_stuck(consumer.assignment(), self._progress.delivered)
        if stuck:
            self._give_up(consumer, reason=stuck)
        return ()

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `Subscription.commit`."""
        consumer = self._consumer.current
        if consumer is None:
            raise BusUnavailable(f"Not a member of {self._group} at the moment")
        owned = consumer.assignment()
        mine = {place: offset for given, offset in positions.items() if (place := _theirs(given)) in owned}
        skipped = len(positions) - len(mine)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                if mine:
                    await consumer.commit({place: OffsetAndMetadata(offset, "") for place, offset in mine.items()})
            self._progress.commit(mine)
        except (CommitFailedError, IllegalStateError):
            # The group was rebalanced meanwhile. To repeat this commit would be wrong: the partitions are others' now.
            skipped = len(positions)
        except (KafkaError, TimeoutError, OSError) as error:
            if not getattr(error, "retriable", True):
                self._give_up(consumer, reason=describe(error))
            raise BusUnavailable(f"Positions of {self._group} were not committed: {describe(error)}") from error
        if skipped:
            self._observer.commit_skipped(self._group, partitions=skipped)

    def owned(self) -> frozenset[TopicPartition]:
        """See `Subscription.owned`."""
        consumer = self._consumer.current
        return frozenset(map(_ours, consumer.assignment())) if consumer is not None else frozenset()

    def rewind(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `Subscription.rewind`."""
        consumer = self._consumer.current
        owned = consumer.assignment() if consumer is not None else ()
        for given, offset in positions.items():
            place = _theirs(given)
            if consumer is not None and place in owned:
                consumer.seek(place, offset)
                self._progress.delivered[place] = offset

    async def lag(self) -> int:
        """See `Subscription.lag`."""
        return await self._cluster.lag(self._group, self._topics)

    async def close(self) -> None:
        """See `Subscription.close`."""
        self._progress.clear()
        if self._joining is not None:
            self._joining.cancel()
            await asyncio.wait({self._joining}, timeout=1)
        await self._consumer.close()

    async def join(self, *, wait: float) -> bool:
        """Become a member; False when that takes longer than `wait` seconds and goes on. Raises BusUnavailable."""
        return await self._joined(wait=wait) is not None

    async def _joined(self, *, wait: float) -> AIOKafkaConsumer | None:
        """The running consumer, or None when it is still joining after `wait` seconds. Raises BusUnavailable."""
        if self._consumer.current is not None:
            return self._consumer.current
        if self._joining is None:
            self._joining = asyncio.create_task(self._consumer.get(), name=f"join {self._group}")
        await asyncio.wait({self._joining}, timeout=wait)
        if not self._joining.done():
            return None
        joining, self._joining = self._joining, None
        self._watchdog.progressed()
        return joining.result()

    def _give_up(self, consumer: AIOKafkaConsumer, *, reason: str) -> None:
        self._progress.clear()
        self._consumer.give_up(consumer, reason=reason)

    def _make(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            group_id=self._group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=_POLL_RECORDS,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
            fetch_max_wait_ms=100,
            session_timeout_ms=self._address.session_timeout_ms,
            heartbeat_interval_ms=min(3000, self._address.session_timeout_ms // 3),
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            **self._address.client(),
        )
        consumer.subscribe(self._topics, listener=Handover(self._group, self._progress, self._observer))
        return consumer

    def _received(self, fetched: Mapping[KafkaPlace, Sequence[Any]]) -> list[Received]:
        records: list[Received] = []
        for place, batch in fetched.items():
            records += map(received, batch)
            self._progress.delivered[place] = batch[-1].offset + 1
            self._observer.delivered(self._group, place.topic, records=len(batch))
        return records


def _theirs(place: TopicPartition) -> KafkaPlace:
    return KafkaPlace(place.topic, place.partition)


def _ours(place: KafkaPlace) -> TopicPartition:
    return TopicPartition(place.topic, place.partition)
