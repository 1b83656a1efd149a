"""Topics are made once and verified ever after."""

import asyncio

import pytest

from shared.bus.open import open_bus
from shared.bus.port import Bus, Record, TopicMismatch, TopicSpec


async def test_topics_may_be_ensured_by_many_at_once_and_again(bus_url: str, name: str):
    buses = [await open_bus(bus_url, client_id=f"replica-{number}") for number in range(3)]
    specs = [TopicSpec(f"{name}.{number}", partitions=3) for number in range(4)]

    await asyncio.gather(*(bus.ensure_topics(specs) for bus in buses))
    await buses[0].ensure_topics(specs)
    await buses[1].publish([Record(spec.name, b"k", b"v") for spec in specs])

    assert [len(await buses[2].read(spec.name)) for spec in specs] == [1, 1, 1, 1]
    for bus in buses:
        await bus.close()


async def test_a_topic_with_other_partitions_is_refused_with_what_to_do(bus: Bus, topic: str):
    with pytest.raises(TopicMismatch, match=rf"{topic} has 12 partitions but 6 are needed: make a topic of another"):
        await bus.ensure_topics([TopicSpec(topic, partitions=6)])


async def test_a_topic_that_is_not_compacted_as_needed_is_refused_with_what_to_do(bus: Bus, topic: str):
    with pytest.raises(TopicMismatch, match=rf"Topic {topic} .*compact.*: (run|make)"):
        await bus.ensure_topics([TopicSpec(topic, compacted=True)])


async def test_a_compacted_topic_is_refused_where_one_with_retention_is_needed(bus: Bus, name: str):
    await bus.ensure_topics([TopicSpec(name, compacted=True)])
    await bus.ensure_topics([TopicSpec(name, compacted=True)])

    with pytest.raises(TopicMismatch, match=name):
        await bus.ensure_topics([TopicSpec(name)])


async def test_a_topic_may_be_kept_for_ever_and_have_one_partition(bus: Bus, name: str):
    await bus.ensure_topics([TopicSpec(name, partitions=1, retention_hours=None)])
    await bus.publish([Record(name, b"%d" % key, b"v") for key in range(20)])

    assert {record.partition for record in await bus.read(name)} == {0}
