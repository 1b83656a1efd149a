"""Topics that are filled before the clock starts, and consumers that are timed while they empty them."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count, islice

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from shared.bus.consumer import Consumer
from shared.bus.kafka import KafkaBus
from shared.bus.port import Record, TopicSpec
from shared.contracts import CloudEvent, encode

PARTITIONS = 12
_CHUNK = 5000
_numbers = count(1)


@asynccontextmanager
async def a_bus(bootstrap: str) -> AsyncIterator[KafkaBus]:
    bus = await KafkaBus.open(f"kafka://{bootstrap}", client_id="bench")
    try:
        yield bus
    finally:
        await bus.close()


async def filled(bus: KafkaBus, events: Iterable[CloudEvent]) -> tuple[str, int]:
    """A new topic that holds these events, and how many they are."""
    topic = f"bench-{next(_numbers)}"
    await bus.ensure_topics([TopicSpec(topic, partitions=PARTITIONS)])
    return topic, await published(bus, topic, events)


async def published(bus: KafkaBus, topic: str, events: Iterable[CloudEvent]) -> int:
    """Put these events on a topic; answers how many they are."""
    waiting, total = iter(events), 0
    while chunk := list(islice(waiting, _CHUNK)):
        records = [Record(topic, key, value, headers) for key, value, headers in map(encode, chunk)]
        await bus.publish(records)
        total += len(records)
    return total


@contextmanager
def collector_as_served() -> Iterator[None]:
    """The garbage collector as `shared.serve` sets it in a service."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 25, 25)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


async def consumed(consumer: Consumer, total: int) -> float:
    """Records a second from the first batch's commit, when joining is over, to the commit of the last offset."""
    running = asyncio.create_task(consumer.run())
    try:
        with collector_as_served():
            await _until(running, lambda: consumer.handled > 0)
            started, already = time.perf_counter(), consumer.handled
            await _until(running, lambda: consumer.handled >= total)
            return (total - already) / (time.perf_counter() - started)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _until(running: asyncio.Task[None], reached: Callable[[], bool], *, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not reached():
        if running.done():
            running.result()
        assert time.monotonic() < until, "the consumer does not get on"
        await asyncio.sleep(0.002)


async def handled_one_by_one(
    bootstrap: str, topic: str, total: int, handle: Callable[[ConsumerRecord], Awaitable[None]]
) -> float:
    """Messages a second of the usual loop: one handler, one message after the other, offsets committed by the client.

    Timed from the second message on, when joining is over and the connection is warm.
    """
    group = f"bench-peer-{next(_numbers)}"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest")
    await consumer.start()
    try:
        done, started = 0, 0.0
        async for message in consumer:
            await handle(message)
            done += 1
            if done == 1:
                started = time.perf_counter()
            if done == total:
                break
        await consumer.commit()
        return (done - 1) / (time.perf_counter() - started)
    finally:
        await consumer.stop()


def a_group() -> str:
    return f"bench-{next(_numbers)}"
