"""An open topic takes what any client sends; no record of theirs may stop its partition."""

import struct

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from shared.bus.kafka import KafkaBus
from shared.bus.port import TopicSpec
from tests.support.bus import take

pytestmark = pytest.mark.kafka
_CRC_AT, _AFTER_CRC = 17, 21


@pytest.fixture
async def bus(kafka: str):
    bus = await KafkaBus.open(f"kafka://{kafka}", client_id="foreign")
    yield bus
    await bus.close()


@pytest.fixture
async def foreign(kafka: str):
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    yield producer
    await producer.stop()


async def send_with_header_name(producer: AIOKafkaProducer, topic: str, values: list[bytes], name: bytes) -> None:
    """One batch whose records have a header of this raw name, as clients of other languages may send it."""
    batch = producer.create_batch()
    for value in values:
        batch.append(timestamp=1000, key=b"k", value=value, headers=[("NAME", b"x")])
    raw = bytearray(batch._build())
    raw[:] = raw.replace(b"NAME", name)
    struct.pack_into(">I", raw, _CRC_AT, calc_crc32c(bytes(raw[_AFTER_CRC:])))
    batch._buffer = raw
    await (await producer.send_batch(batch, topic, partition=0))


async def test_a_header_name_that_is_not_utf8_arrives_with_its_key_and_value_unchanged(
    bus: KafkaBus, foreign, name: str
):
    await bus.ensure_topics([TopicSpec(name, partitions=1)])
    await foreign.send_and_wait(name, b"before", key=b"k")
    await foreign.send_and_wait(name, b"just before", key=b"k")
    await send_with_header_name(foreign, name, [b"first", b"\xff\x00second"], b"\xff\xfeAM")
    await foreign.send_and_wait(name, b"after", key=b"k")

    subscription = await bus.subscribe(name, [name])
    received = await take(subscription, 5)
    await subscription.close()

    assert [record.value for record in received] == [b"before", b"just before", b"first", b"\xff\x00second", b"after"]
    assert received[3].headers == (("\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}AM", b"x"),)
    assert [record.offset for record in received] == [0, 1, 2, 3, 4]


async def test_reading_can_begin_within_such_a_batch(bus: KafkaBus, foreign, name: str):
    await bus.ensure_topics([TopicSpec(name, partitions=1)])
    await send_with_header_name(foreign, name, [b"0", b"1", b"2"], b"\xc3\x28AM")

    assert [record.value for record in await bus.read(name, start=1)] == [b"1", b"2"]


async def test_a_header_without_a_value_arrives_empty(bus: KafkaBus, foreign, name: str):
    await bus.ensure_topics([TopicSpec(name, partitions=1)])
    await foreign.send_and_wait(name, b"v", key=b"k", headers=[("ce_id", None), ("other", b"o")])

    (record,) = await bus.read(name)

    assert record.headers == (("ce_id", b""), ("other", b"o"))


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
async def test_every_compression_of_kafka_is_read(bus: KafkaBus, kafka: str, name: str, compression: str):
    await bus.ensure_topics([TopicSpec(name, partitions=1)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka, compression_type=compression)
    await producer.start()
    await producer.send_and_wait(name, b"x" * 2000, key=b"k")
    await producer.stop()

    assert [record.value for record in await bus.read(name)] == [b"x" * 2000]
