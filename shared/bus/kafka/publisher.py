"""Publishing to Kafka: whole batches per partition instead of one call per record.

aiokafka keeps one batch per partition in flight and numbers batches (idempotence), so retries inside a producer keep
the order. When a producer has to be given up, `CallOrder` makes everything fail that was called before its failure was
known, and the caller publishes it again in order.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.bus.callorder import CallOrder
from shared.bus.kafka.address import KafkaAddress
from shared.bus.kafka.cluster import Cluster
from shared.bus.kafka.supervisor import Supervised, describe
from shared.bus.observer import BusObserver
from shared.bus.partitioner import partition_of
from shared.bus.port import MAX_RECORD_BYTES, BusUnavailable, Record, RecordTooLarge

_BATCH_BYTES: Final = 131_072
_REQUEST_BYTES: Final = 1_048_576
_REQUEST_MS: Final = 30_000
_OVERHEAD_BYTES: Final = 2_000
"""More than the framing of one record: what is bigger by this has surely too much content."""

_topic_of: Final = attrgetter("topic")
_Place = tuple[str, int]
_Batches = dict[_Place, list[Any]]


class Publisher:
    """Publishes through one idempotent producer, replaced whenever it fails for good."""

    def __init__(self, address: KafkaAddress, cluster: Cluster, observer: BusObserver) -> None:
        self._address = address
        self._cluster = cluster
        self._observer = observer
        self._producer: Supervised[AIOKafkaProducer] = Supervised(self._make, part="producer", observer=observer)
        self._order = CallOrder()

    async def publish(self, records: Sequence[Record]) -> None:
        """See `Bus.publish`."""
        if not records:
            return
        started = time.perf_counter()
        producer = None
        try:
            async with asyncio.timeout(self._address.publish_seconds):
                async with self._order.turn():
                    producer = await self._producer.get()
                    partitions = await self._partitions(producer, set(map(_topic_of, records)))
                    sent = await _hand_over(producer, _build(producer, records, partitions))
                await _all_acknowledged(sent)
        except (KafkaError, TimeoutError, OSError) as error:
            self._order.failed()
            if producer is not None:
                self._producer.give_up(producer, reason=describe(error))
            raise BusUnavailable(f"Kafka did not take {len(records)} record(s): {describe(error)}") from error
        self._count(records, seconds=time.perf_counter() - started)

    async def close(self) -> None:
        """Flush and stop within some seconds."""
        await self._producer.close()

    def _make(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # batches come filled, and a single record should leave at once
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
            request_timeout_ms=_REQUEST_MS,
            compression_type=self._address.compression_type,
            **self._address.client(),
        )

    async def _partitions(self, producer: AIOKafkaProducer, topics: set[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for topic in topics:
            if producer.client.cluster.partitions_for_topic(topic) is None:
                await self._cluster.places([topic])  # says at once when there is no such topic
            found[topic] = len(await producer.partitions_for(topic))
        return found

    def _count(self, records: Sequence[Record], *, seconds: float) -> None:
        for topic, number in Counter(map(_topic_of, records)).items():
            self._observer.published(topic, records=number, seconds=seconds)


def _build(producer: AIOKafkaProducer, records: Sequence[Record], partitions: dict[str, int]) -> _Batches:
    batches: _Batches = defaultdict(list)
    fill: dict[_Place, Callable[..., Any]] = {}  # how to append to the last batch of each place
    now_ms = time.time_ns() // 1_000_000
    for record in records:
        topic, key = record.topic, record.key
        place = (topic, partition_of(key, partitions[topic]))
        headers = record.headers if type(record.headers) is list else [*record.headers]
        append = fill.get(place)
        if append is not None and append(timestamp=now_ms, key=key, value=record.value, headers=headers):
            continue
        batch = producer.create_batch()
        written = batch.append(timestamp=now_ms, key=key, value=record.value, headers=headers)
        if written is None or written.size > MAX_RECORD_BYTES + _OVERHEAD_BYTES:
            raise RecordTooLarge(f"A record for {topic} has more than {MAX_RECORD_BYTES} bytes")
        batches[place].append(batch)
        fill[place] = batch.append
    return batches


async def _hand_over(producer: AIOKafkaProducer, batches: _Batches) -> list[asyncio.Future[Any]]:
    """Queue all batches, the first of every partition before the second of any: one request carries many partitions."""
    return [
        await producer.send_batch(batch, topic, partition=partition) for topic, partition, batch in _in_rounds(batches)
    ]


def _in_rounds(batches: _Batches) -> Iterator[tuple[str, int, Any]]:
    for turn in range(max(map(len, batches.values()))):
        for (topic, partition), queue in batches.items():
            if turn < len(queue):
                yield topic, partition, queue[turn]


async def _all_acknowledged(sent: Sequence[asyncio.Future[Any]]) -> None:
    # Not gather: the first failure decides, and the others' must be fetched or they are logged as forgotten.
    try:
        await asyncio.wait(sent, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for future in sent:
            future.add_done_callback(_forget)
    for future in sent:
        if future.done():
            future.result()


def _forget(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
