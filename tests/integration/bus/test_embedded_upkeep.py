"""The embedded bus stays small and its schema safe."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.bus.open import open_bus
from shared.bus.port import Record, TopicSpec
from shared.bus.postgres import PostgresBus
from shared.bus.postgres.schema import ForeignSchema
from tests.support.bus import records, take

TOPIC = "test.upkeep"
NOW = datetime.now(UTC)


@pytest.fixture
async def bus(database_url: str):
    bus = await PostgresBus.open(f"{database_url}?keep_hours=24", client_id="upkeep")
    yield bus
    await bus.close()


@pytest.fixture
async def database(database_url: str):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def days(database: asyncpg.Connection) -> int:
    return await database.fetchval("select count(*) from pg_inherits where inhparent::regclass::text like 'bus.log%_1'")


async def test_a_day_that_every_group_has_read_is_dropped_when_it_was_kept_long_enough(bus, database):
    await bus.ensure_topics([TopicSpec(TOPIC)])
    await bus.publish(records(TOPIC, keys=10, each=10))
    for group in ("scoring", "crisis"):
        subscription = await bus.subscribe(group, [TOPIC])
        await take(subscription, 100)
        await subscription.close()

    await bus.tidy(now=NOW + timedelta(hours=23))
    assert len(await bus.read(TOPIC, limit=1000)) == 100
    await bus.tidy(now=NOW + timedelta(hours=49))

    assert await bus.read(TOPIC, limit=1000) == []
    assert await bus.lag("crisis", [TOPIC]) == 0
    assert await bus.lag("a new group", [TOPIC]) == 0


async def test_a_day_that_some_group_has_not_read_is_kept_until_its_maximum_age(bus):
    await bus.ensure_topics([TopicSpec(TOPIC, retention_hours=72)])
    await bus.publish(records(TOPIC, keys=10, each=10))
    quick = await bus.subscribe("quick", [TOPIC])
    await take(quick, 100)
    slow = await bus.subscribe("slow", [TOPIC])
    await take(slow, 100, commit=False)

    await bus.tidy(now=NOW + timedelta(hours=71))
    assert len(await bus.read(TOPIC, limit=1000)) == 100
    await bus.tidy(now=NOW + timedelta(hours=72 + 25))

    assert await bus.read(TOPIC, limit=1000) == []
    assert await bus.lag("slow", [TOPIC]) == 0
    await quick.close()
    await slow.close()


async def test_a_topic_nobody_reads_is_kept_until_its_maximum_age(bus):
    await bus.ensure_topics([TopicSpec(TOPIC, retention_hours=None)])
    await bus.publish(records(TOPIC, keys=1, each=1))

    await bus.tidy(now=NOW + timedelta(days=400))

    assert len(await bus.read(TOPIC)) == 1


async def test_readers_and_publishers_go_on_when_a_day_is_dropped_and_a_new_one_begins(bus):
    await bus.ensure_topics([TopicSpec(TOPIC)])
    await bus.publish(records(TOPIC, keys=3, each=5))
    subscription = await bus.subscribe("over midnight", [TOPIC])
    await take(subscription, 15)

    await bus.tidy(now=NOW + timedelta(days=3))
    await bus.publish(records(TOPIC, keys=3, each=5))  # the day's table went with the day

    received = await take(subscription, 15)
    assert min(record.offset for record in received) >= 5
    await subscription.close()


async def test_a_compacted_topic_keeps_the_latest_record_of_each_key_and_readers_reach_the_end(bus, database):
    await bus.ensure_topics([TopicSpec(TOPIC, compacted=True)])
    for start in range(0, 3000, 500):
        await bus.publish(
            [Record(TOPIC, b"key-%d" % (number % 50), b"%d " % number) for number in range(start, start + 500)]
        )
    await bus.publish([Record(TOPIC, None, b"without a key"), Record(TOPIC, b"key-0", None)])

    await bus.tidy(now=NOW)

    kept = await bus.read(TOPIC, limit=10_000)
    assert len(kept) == 51
    assert {record.value for record in kept if record.key == b"key-7"} == {b"2957 "}
    assert {record.value for record in kept if record.key == b"key-0"} == {None}
    late = await bus.subscribe("late", [TOPIC])
    assert len(await take(late, 51)) == 51
    assert await late.lag() == 0
    await late.close()


async def test_little_is_not_worth_compacting(bus):
    await bus.ensure_topics([TopicSpec(TOPIC, compacted=True)])
    await bus.publish([Record(TOPIC, b"k", b"1"), Record(TOPIC, b"k", b"2")])

    await bus.tidy(now=NOW)

    assert len(await bus.read(TOPIC)) == 2


async def test_three_processes_may_make_the_schema_at_once(database_url: str):
    buses = await asyncio.gather(*(open_bus(database_url, client_id=f"replica-{number}") for number in range(3)))

    await asyncio.gather(*(bus.ensure_topics([TopicSpec(TOPIC)]) for bus in buses))

    for bus in buses:
        await bus.close()


async def test_a_database_of_another_version_is_refused_with_what_to_do(bus, database, database_url: str):
    await database.execute("update bus.version set version = 99")

    with pytest.raises(ForeignSchema, match=r"schema version 99, this program needs 1: .*MOAT_BUS_URL"):
        await open_bus(database_url, client_id="old")


async def test_a_publisher_tells_readers_once_per_call(bus, database):
    await bus.ensure_topics([TopicSpec(TOPIC)])
    told: list[str] = []
    await database.add_listener("bus_1", lambda _connection, _pid, _channel, news: told.append(news))

    await bus.publish(records(TOPIC, keys=1, each=10))
    await bus.publish(records(TOPIC, keys=1, each=400))
    await database.execute("select 1")

    partition = (await bus.read(TOPIC, limit=1))[0].partition
    assert told == [f"{partition}=10", f"{partition}=410"]


async def test_two_publishers_to_the_same_partitions_never_wait_for_each_other_in_a_circle(database_url: str):
    buses = [await open_bus(database_url, client_id=f"publisher-{number}") for number in range(3)]
    await buses[0].ensure_topics([TopicSpec(f"{TOPIC}.{number}") for number in range(3)])

    async def publish(bus, size: int) -> None:
        for turn in range(20):
            topics = [f"{TOPIC}.{(turn + step) % 3}" for step in range(3)]
            await bus.publish([record for topic in topics for record in records(topic, keys=20, each=size)])

    async with asyncio.timeout(60):
        await asyncio.gather(*(publish(bus, size) for bus, size in zip(buses, (1, 4, 8), strict=True)))

    total = 0
    for number in range(3):
        total += await buses[0].lag("nobody", [f"{TOPIC}.{number}"])
        offsets: dict[int, list[int]] = {}
        for record in await buses[0].read(f"{TOPIC}.{number}", limit=100_000):
            offsets.setdefault(record.partition, []).append(record.offset)
        assert all(sorted(found) == list(range(len(found))) for found in offsets.values())
    assert total == 20 * 3 * 20 * (1 + 4 + 8)
    for bus in buses:
        await bus.close()
