"""Groups: each record goes to one member, what is not committed comes again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.port import Bus, GroupBusy, Record, TopicPartition, TopicSpec
from tests.support.bus import by_key, next_positions, number_of, records, settle, take


async def test_a_new_group_begins_with_the_oldest_record(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=5, each=2))

    subscription = await bus.subscribe("new", [topic])

    assert len(await take(subscription, 10)) == 10
    await subscription.close()


async def test_every_group_gets_every_record(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=5, each=4))

    for group in ("scoring", "crisis"):
        subscription = await bus.subscribe(group, [topic])
        assert len(await take(subscription, 20)) == 20
        await subscription.close()


async def test_a_poll_waits_for_the_first_record_and_no_longer(bus: Bus, topic: str):
    subscription = await bus.subscribe("waiting", [topic])
    polling = asyncio.create_task(subscription.poll(max_records=10, wait=30))
    await asyncio.sleep(0.3)
    assert not polling.done()

    await bus.publish([Record(topic, b"k", b"v")])

    async with asyncio.timeout(20):
        assert [record.value for record in await polling] == [b"v"]
    assert await subscription.poll(max_records=10, wait=0.1) in ([], ())
    await subscription.close()


async def test_a_poll_gives_no_more_than_asked_for(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=30, each=10))
    subscription = await bus.subscribe("few", [topic])

    batches = [await subscription.poll(max_records=7, wait=30) for _ in range(20)]

    assert all(1 <= len(batch) <= 7 for batch in batches)
    await subscription.close()


async def test_one_member_reads_several_topics(bus: Bus, topic: str, name: str):
    other = f"{name}.other"
    await bus.ensure_topics([TopicSpec(other, partitions=1)])
    await bus.publish([*records(topic, keys=3, each=1), *records(other, keys=3, each=1)])

    subscription = await bus.subscribe("both", [topic, other])

    received = await take(subscription, 6)
    assert sorted(record.topic for record in received) == sorted([topic] * 3 + [other] * 3)
    assert len(subscription.owned()) == 13
    await subscription.close()


async def test_members_share_partitions_fairly_and_no_record_twice(bus: Bus, topic: str):
    first = await bus.subscribe("shared", [topic])
    second = await bus.subscribe("shared", [topic])
    await settle([first, second], partitions=12)
    assert not first.owned() & second.owned()

    await bus.publish(records(topic, keys=60, each=30))
    counts: dict[int, list] = {0: [], 1: []}

    async def read(index: int, subscription) -> None:
        while len(counts[0]) + len(counts[1]) < 1800:
            batch = await subscription.poll(max_records=100, wait=0.1)
            counts[index] += batch
            await subscription.commit(next_positions(batch))

    async with asyncio.timeout(60):
        await asyncio.gather(read(0, first), read(1, second))

    assert not {record.key for record in counts[0]} & {record.key for record in counts[1]}
    assert by_key([*counts[0], *counts[1]]) == {f"key-{key}".encode(): list(range(30)) for key in range(60)}
    await first.close()
    await second.close()


async def test_members_come_and_go_while_records_flow_and_order_per_key_is_kept(bus: Bus, topic: str):
    published = records(topic, keys=50, each=60)
    received: list = []
    members = []

    async def member(until: asyncio.Event) -> None:
        subscription = await bus.subscribe("moving", [topic])
        while not until.is_set():
            batch = await subscription.poll(max_records=50, wait=0.1)
            received.extend(batch)
            if batch:
                await subscription.commit(next_positions(batch))
        await subscription.close()

    def join() -> asyncio.Event:
        until = asyncio.Event()
        members.append(asyncio.create_task(member(until)))
        return until

    ends = [join()]
    for step in range(6):
        await bus.publish(published[step * 500 : (step + 1) * 500])
        if step in {1, 2}:
            ends.append(join())
        if step == 4:
            ends[0].set()
        await asyncio.sleep(0.4)
    async with asyncio.timeout(60):
        while {key: numbers[-1] for key, numbers in by_key(received).items()} != {
            f"key-{key}".encode(): 59 for key in range(50)
        }:
            await asyncio.sleep(0.1)
        while await bus.lag("moving", [topic]):  # a commit during a handover is made again by the next owner
            await asyncio.sleep(0.1)
    for end in ends:
        end.set()
    await asyncio.gather(*members)

    for numbers in by_key(received).values():
        # At least once: a record may come again after a handover, but never after a gap.
        seen = -1
        for number in numbers:
            assert number <= seen + 1
            seen = max(seen, number)
        assert seen == 59
    assert await bus.lag("moving", [topic]) == 0


async def test_what_was_not_committed_before_closing_comes_again(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=1, each=10))
    first = await bus.subscribe("again", [topic])
    received = await take(first, 10, commit=False)
    await first.commit(next_positions(received[:4]))
    await first.close()

    second = await bus.subscribe("again", [topic])

    assert [number_of(record) for record in await take(second, 6)] == [4, 5, 6, 7, 8, 9]
    await second.close()


async def test_a_rewound_batch_comes_again_in_order(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=1, each=10))
    subscription = await bus.subscribe("rewound", [topic])
    received = await take(subscription, 10, commit=False)

    subscription.rewind({received[3].place: received[3].offset})

    again = await take(subscription, 7)
    assert [number_of(record) for record in again] == [3, 4, 5, 6, 7, 8, 9]
    await subscription.close()


async def test_positions_of_partitions_that_others_own_are_not_committed(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=30, each=2))
    first = await bus.subscribe("skip", [topic])
    await take(first, 60)
    second = await bus.subscribe("skip", [topic])
    await settle([first, second], partitions=12)
    assert await bus.lag("skip", [topic]) == 0

    await first.commit(dict.fromkeys(second.owned(), 0))
    assert await bus.lag("skip", [topic]) == 0
    await second.commit(dict.fromkeys(second.owned(), 0))
    assert await bus.lag("skip", [topic]) > 0
    await first.close()
    await second.close()


async def test_lag_counts_what_was_published_and_not_committed(bus: Bus, topic: str):
    assert await bus.lag("lagging", [topic]) == 0
    await bus.publish(records(topic, keys=4, each=5))
    assert await bus.lag("lagging", [topic]) == 20

    subscription = await bus.subscribe("lagging", [topic])
    received = await take(subscription, 20, commit=False)
    assert await subscription.lag() == 20
    await subscription.commit(next_positions(received))

    assert (await subscription.lag(), await bus.lag("lagging", [topic])) == (0, 0)
    await subscription.close()


async def test_a_group_is_replayed_from_an_instant(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=5, each=2))
    await asyncio.sleep(0.05)
    instant = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await bus.publish([Record(topic, f"key-{key}".encode(), b"2 ") for key in range(5)])
    subscription = await bus.subscribe("replayed", [topic])
    await take(subscription, 15)
    await subscription.close()

    await bus.reset("replayed", [topic], to=instant)

    assert await bus.lag("replayed", [topic]) == 5
    subscription = await bus.subscribe("replayed", [topic])
    assert by_key(await take(subscription, 5)) == {f"key-{key}".encode(): [2] for key in range(5)}
    await subscription.close()
    await bus.reset("replayed", [topic], to=instant + timedelta(hours=1))
    assert await bus.lag("replayed", [topic]) == 0


async def test_a_group_with_members_is_not_reset(bus: Bus, topic: str):
    subscription = await bus.subscribe("busy", [topic])

    with pytest.raises(GroupBusy, match="busy"):
        await bus.reset("busy", [topic], to=datetime.now(UTC))

    await subscription.close()


async def test_a_commit_of_what_nobody_owns_is_skipped(bus: Bus, topic: str):
    subscription = await bus.subscribe("stranger", [topic])

    await subscription.commit({TopicPartition("elsewhere", 3): 7})

    await subscription.close()


async def test_a_group_that_was_forgotten_begins_anew(bus: Bus, topic: str):
    await bus.publish(records(topic, keys=5, each=2))
    subscription = await bus.subscribe("passing", [topic])
    assert len(await take(subscription, 10)) == 10
    await subscription.close()

    await bus.forget("passing")

    again = await bus.subscribe("passing", [topic])
    assert len(await take(again, 10)) == 10
    await again.close()


async def test_forgetting_a_group_that_never_was_changes_nothing(bus: Bus, name: str):
    await bus.forget(f"{name}.nobody")


async def test_a_group_with_members_is_not_forgotten(bus: Bus, topic: str):
    subscription = await bus.subscribe("staying", [topic])
    await bus.publish(records(topic, keys=1, each=1))
    await take(subscription, 1)

    with pytest.raises(GroupBusy):
        await bus.forget("staying")
    await subscription.close()
