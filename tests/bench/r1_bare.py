"""What the relay is held against: aiokafka by itself, with the producer settings of the Kafka bus."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from shared.bus.partitioner import partition_of
from shared.bus.port import Record

PARTITIONS = 12


@asynccontextmanager
async def a_producer(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """Started, and with the topic's partitions known."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=131_072,
        max_request_size=1_048_576,
        compression_type="zstd",
    )
    await producer.start()
    try:
        await producer.partitions_for(topic)
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, records: Sequence[Record]) -> None:
    """The plain loop: `send` for each record, acknowledgements awaited together."""
    sent = [
        await producer.send(record.topic, record.value, key=record.key, headers=record.headers) for record in records
    ]
    await asyncio.gather(*sent)


async def send_batch(producer: AIOKafkaProducer, records: Sequence[Record]) -> None:
    """The fastest that aiokafka offers: batches filled by hand, each sent when it is full."""
    now_ms = int(time.time() * 1000)
    filling = {}
    sent = []
    for record in records:
        partition = partition_of(record.key, PARTITIONS)
        batch = filling.get(partition)
        given = {"timestamp": now_ms, "key": record.key, "value": record.value, "headers": record.headers}
        if batch is not None and batch.append(**given):
            continue
        if batch is not None:
            sent.append(await producer.send_batch(batch, record.topic, partition=partition))
        filling[partition] = producer.create_batch()
        filling[partition].append(**given)
    for partition, batch in filling.items():
        sent.append(await producer.send_batch(batch, records[0].topic, partition=partition))
    await asyncio.gather(*sent)
