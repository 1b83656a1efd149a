"""Records arrive as they were published, in order, and can be looked at."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.partitioner import partition_of
from shared.bus.port import MAX_RECORD_BYTES, Bus, Record, RecordTooLarge, UnknownTopic
from tests.support.bus import by_key, records, take

NOT_UTF8 = b"\xff\xfe\x00\xc3\x28"


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"k", NOT_UTF8), (NOT_UTF8, b"v"), (b"k", b""), (b"k", None), (b"", b"v"), (None, b"v"), (None, None)],
)
async def test_bytes_arrive_unchanged_and_empty_is_not_missing(bus: Bus, topic: str, key, value):
    headers = (("ce_id", b"1"), ("raw", NOT_UTF8), ("ce_id", b"again"), ("名字", b""))
    await bus.publish([Record(topic, key, value, headers)])

    (received,) = await bus.read(topic)

    assert (received.key, received.value, received.headers) == (key, value, headers)


async def test_records_of_one_key_arrive_in_the_order_of_publishing(bus: Bus, topic: str):
    published = records(topic, keys=40, each=50)
    for start in range(0, len(published), 173):
        await bus.publish(published[start : start + 173])

    subscription = await bus.subscribe("order", [topic])
    received = await take(subscription, 2000)
    await subscription.close()

    assert by_key(received) == {f"key-{key}".encode(): list(range(50)) for key in range(40)}


async def test_concurrent_calls_keep_the_order_in_which_they_were_made(bus: Bus, topic: str):
    calls = [
        asyncio.create_task(bus.publish([Record(topic, b"key", b"%d " % number)] * size))
        for number, size in enumerate([1, 300, 1, 2, 500, 1, 40, 1])
    ]
    await asyncio.gather(*calls)

    received = await bus.read(topic, limit=1000)

    assert len(received) == 846
    assert by_key(received)[b"key"] == sorted(by_key(received)[b"key"])


async def test_keys_go_to_the_partitions_of_kafkas_own_partitioner(bus: Bus, topic: str):
    # Reference values of org.apache.kafka.common.utils.Utils.murmur2 (its own test), brought into 12 partitions.
    references = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    }
    await bus.publish([Record(topic, key, b"v") for key in references])

    places = {record.key: record.partition for record in await bus.read(topic)}

    assert places == {key: (value & 0x7FFFFFFF) % 12 for key, value in references.items()}
    assert partition_of(None, 12) == 0


async def test_a_large_batch_arrives_whole_and_in_order(bus: Bus, topic: str):
    published = records(topic, keys=500, each=110, value=b"x" * 300)
    assert len(published) == 55_000

    await bus.publish(published)
    subscription = await bus.subscribe("large", [topic])
    received = await take(subscription, len(published), seconds=60, max_records=5000)

    assert all(numbers == list(range(110)) for numbers in by_key(received).values())
    assert await subscription.lag() == 0
    await subscription.close()


async def test_a_record_up_to_the_limit_is_taken_and_a_larger_one_refused_with_all_its_company(bus: Bus, topic: str):
    await bus.publish([Record(topic, b"k", b"x" * (MAX_RECORD_BYTES - 1))])
    with pytest.raises(RecordTooLarge, match=topic):
        await bus.publish([Record(topic, b"k", b"fits"), Record(topic, b"k", b"x" * (MAX_RECORD_BYTES + 10_000))])

    assert [len(record.value or b"") for record in await bus.read(topic)] == [MAX_RECORD_BYTES - 1]


async def test_publishing_to_and_reading_a_topic_that_was_never_made_says_so(bus: Bus, name: str):
    with pytest.raises(UnknownTopic, match=name):
        await bus.publish([Record(name, b"k", b"v")])
    with pytest.raises(UnknownTopic, match=name):
        await bus.subscribe("g", [name])
    with pytest.raises(UnknownTopic, match=name):
        await bus.read(name)


async def test_publishing_nothing_does_nothing(bus: Bus, topic: str):
    await bus.publish([])

    assert await bus.read(topic) == []


async def test_reading_begins_at_an_offset_of_every_partition(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=1, each=10))

    received = await bus.read(topic, start=7)

    assert by_key(received) == {b"key-0": [7, 8, 9]}


async def test_reading_is_limited_to_the_oldest(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=20, each=5))

    assert len(await bus.read(topic, limit=30)) == 30
    assert [record.offset for record in await bus.read(topic, limit=1)] == [0]


async def test_reading_begins_at_an_instant(bus: Bus, topic: str):
    before = datetime.now(UTC)
    await bus.publish(records(topic, keys=3, each=2))
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await bus.publish([Record(topic, b"late", b"0 ")])

    assert len(await bus.read(topic, start=before)) == 7
    assert [record.key for record in await bus.read(topic, start=between)] == [b"late"]
    assert await bus.read(topic, start=between + timedelta(hours=1)) == []


async def test_records_carry_the_time_of_publishing(bus: Bus, topic: str):
    before = time.time_ns() // 1_000_000
    await bus.publish(records(topic, keys=2, each=200))
    after = time.time_ns() // 1_000_000

    assert all(before <= record.timestamp_ms <= after for record in await bus.read(topic, limit=1000))


async def test_the_bus_answers_a_ping(bus: Bus):
    await bus.ping()
