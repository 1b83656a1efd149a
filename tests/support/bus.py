"""Working with a bus in tests."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.bus.port import BusUnavailable, Received, Record, Subscription, TopicPartition


def records(topic: str, *, keys: int, each: int, value: bytes = b"") -> list[Record]:
    """`each` records of `keys` keys, in turns; the value begins with the record's number within its key."""
    return [
        Record(topic, f"key-{key}".encode(), f"{number} ".encode() + value)
        for number in range(each)
        for key in range(keys)
    ]


def number_of(record: Received) -> int:
    """The number within its key of a record made by `records`."""
    assert record.value is not None
    return int(record.value.split(b" ", 1)[0])


def by_key(received: Iterable[Received]) -> dict[bytes | None, list[int]]:
    """The numbers received for each key, in the order in which they came."""
    found: dict[bytes | None, list[int]] = {}
    for record in received:
        found.setdefault(record.key, []).append(number_of(record))
    return found


def next_positions(received: Iterable[Received]) -> dict[TopicPartition, int]:
    """What to commit after `received`."""
    found: dict[TopicPartition, int] = {}
    for record in received:
        found[record.place] = max(found.get(record.place, 0), record.offset + 1)
    return found


async def take(
    subscription: Subscription, number: int, *, seconds: float = 60, commit: bool = True, max_records: int = 1000
) -> list[Received]:
    """Poll until `number` records have come, or fail; polling goes on while the bus is away."""
    found: list[Received] = []
    until = time.monotonic() + seconds
    while len(found) < number:
        assert time.monotonic() < until, f"{len(found)} of {number} records after {seconds} s"
        try:
            batch = await subscription.poll(max_records=max_records, wait=0.2)
            found += batch  # before the commit: one that fails may have been made all the same
            if batch and commit:
                await subscription.commit(next_positions(batch))
        except BusUnavailable:
            await asyncio.sleep(0.1)
    return found


async def poll_all_until(
    subscriptions: Sequence[Subscription], done: Callable[[], bool], *, seconds: float = 60
) -> list[list[Received]]:
    """Poll and commit with every subscription at the same time until `done`; what each one received."""
    found: list[list[Received]] = [[] for _ in subscriptions]
    until = time.monotonic() + seconds

    async def run(subscription: Subscription, into: list[Received]) -> None:
        while not done():
            assert time.monotonic() < until, f"not done after {seconds} s"
            batch = await subscription.poll(max_records=500, wait=0.1)
            into += batch
            if batch:
                await subscription.commit(next_positions(batch))

    await asyncio.gather(*(run(one, into) for one, into in zip(subscriptions, found, strict=True)))
    return found


async def settle(subscriptions: Sequence[Subscription], *, partitions: int, seconds: float = 60) -> None:
    """Poll until all `partitions` are owned, by each member within one of its equal share."""
    least = partitions // len(subscriptions)

    def shared() -> bool:
        owned = [len(one.owned()) for one in subscriptions]
        return sum(owned) == partitions and all(least <= number <= least + 1 for number in owned)

    await poll_all_until(subscriptions, shared, seconds=seconds)


def end_of(positions: Mapping[TopicPartition, int]) -> int:
    """How many records lie before `positions`, in partitions that begin at 0."""
    return sum(positions.values())
