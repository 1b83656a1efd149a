"""Kafka's clients are replaced when they are stuck, as they are known to be."""

import asyncio

import pytest

from shared.bus.kafka import KafkaBus
from shared.bus.observer import Unobserved
from shared.bus.port import BusUnavailable, Record, TopicSpec
from tests.support.bus import by_key, records, settle, take

pytestmark = pytest.mark.kafka
TOPIC = "test.supervision"


class Recreations(Unobserved):
    """Remembers what was made anew, and why."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def recreated(self, part: str, *, reason: str) -> None:
        self.seen.append((part, reason))


@pytest.fixture
def seen() -> Recreations:
    return Recreations()


@pytest.fixture
async def bus(kafka: str, seen: Recreations):
    bus = await KafkaBus.open(f"kafka://{kafka}?stall_seconds=1", client_id="supervised", observer=seen)
    await bus.ensure_topics([TopicSpec(TOPIC)])
    yield bus
    await bus.close()


async def test_a_producer_whose_numbering_is_out_of_order_is_replaced(bus: KafkaBus, seen: Recreations):
    await bus.publish([Record(TOPIC, b"numbering", b"0 ")])
    # What a broker that lost its producer state does to a producer: the numbers do not fit any more.
    numbers = bus._publisher._producer.current._txn_manager._sequence_numbers
    for place in numbers:
        numbers[place] += 1000

    with pytest.raises(BusUnavailable, match="OutOfOrderSequenceNumber"):
        await bus.publish([Record(TOPIC, b"numbering", b"1 ")])
    await bus.publish([Record(TOPIC, b"numbering", b"1 "), Record(TOPIC, b"numbering", b"2 ")])

    assert [part for part, _ in seen.seen] == ["producer"]
    assert by_key(await bus.read(TOPIC, limit=1000))[b"numbering"] == [0, 1, 2]


async def test_calls_behind_a_failed_one_fail_too_and_can_be_repeated_in_order(bus: KafkaBus):
    await bus.publish([Record(TOPIC, b"behind", b"0 ")])
    numbers = bus._publisher._producer.current._txn_manager._sequence_numbers
    for place in numbers:
        numbers[place] += 1000

    calls = [bus.publish([Record(TOPIC, b"behind", b"%d " % number)]) for number in (1, 2, 3)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 3
    for number in (1, 2, 3):
        await bus.publish([Record(TOPIC, b"behind", b"%d " % number)])
    assert by_key(await bus.read(TOPIC, limit=1000))[b"behind"] == [0, 1, 2, 3]


async def test_a_consumer_that_stands_still_although_there_are_records_is_replaced(bus: KafkaBus, seen: Recreations):
    topic = f"{TOPIC}.stuck"
    await bus.ensure_topics([TopicSpec(topic)])
    subscription = await bus.subscribe("stuck", [topic])
    await settle([subscription], partitions=12)
    consumer = subscription._consumer.current
    consumer.pause(*consumer.assignment())  # a fetcher that fetches no more, as after some broker restarts
    await bus.publish(records(topic, keys=5, each=1))

    received = await take(subscription, 5)

    assert by_key(received) == {b"key-%d" % number: [0] for number in range(5)}
    assert [part for part, _ in seen.seen] == ["consumer"]
    assert "no progress" in seen.seen[0][1]
    await subscription.close()


async def test_an_idle_consumer_and_one_without_partitions_are_left_alone(bus: KafkaBus, seen: Recreations):
    await bus.ensure_topics([TopicSpec(f"{TOPIC}.single", partitions=1)])
    members = [await bus.subscribe("idle", [f"{TOPIC}.single"]) for _ in range(2)]
    await settle(members, partitions=1)

    async def idle(seconds: float) -> None:
        for _ in range(int(seconds / 0.5)):
            await asyncio.gather(*(member.poll(max_records=10, wait=0.5) for member in members))

    await idle(8)

    assert sorted(len(member.owned()) for member in members) == [0, 1]
    assert seen.seen == []
    for member in members:
        await member.close()


async def test_a_client_that_was_given_up_is_disconnected_again_when_a_question_has_made_it_connect_anew(bus: KafkaBus):
    clients = bus._cluster.admin
    async with clients.lent(seconds=60) as client:
        clients.give_up(client, reason="another question failed")
        await asyncio.wait(clients._stopping)
        await client.describe_cluster()
        assert any(connection.connected() for connection in client._client._conns.values())

    assert all(not connection.connected() for connection in client._client._conns.values())


async def test_a_client_whose_stop_hangs_is_abandoned_in_time(bus: KafkaBus, monkeypatch: pytest.MonkeyPatch):
    subscription = await bus.subscribe("hanging", [TOPIC])
    await settle([subscription], partitions=12)
    consumer = subscription._consumer.current

    async def hangs() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(consumer._coordinator, "close", hangs)

    async with asyncio.timeout(30):
        await subscription.close()

    assert all(not connection.connected() for connection in consumer._client._conns.values())
