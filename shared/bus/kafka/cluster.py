"""What can be asked of a Kafka cluster without joining a group: topics, offsets, records."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPlace
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupIdNotFound,
    GroupLoadInProgressError,
    LeaderNotAvailableError,
    NonEmptyGroup,
    NotCoordinatorForGroupError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.structs import OffsetAndMetadata

from shared.bus.kafka.address import KafkaAddress
from shared.bus.kafka.supervisor import Supervised
from shared.bus.observer import BusObserver
from shared.bus.port import GroupBusy, Received, UnknownTopic

_ASK_SECONDS: Final = 15.0
_NEVER: Final = -1
_SOON: Final = (
    GroupCoordinatorNotAvailableError,  # the topic of positions is being made
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    LeaderNotAvailableError,
)

T = TypeVar("T")


class Admin(AIOKafkaAdminClient):  # type: ignore[misc]
    """The admin client under the same two names as the others."""

    async def stop(self) -> None:
        """Close it."""
        await self.close()

    async def delete_group(self, group: str) -> None:
        """Delete a group; one that is not there is no error. Raises GroupBusy."""
        coordinator = await self.find_coordinator(group)
        answer = await self._send_request(DeleteGroupsRequest([group]), coordinator)
        for _, code in answer.results:
            error = for_code(code)
            if error is NonEmptyGroup:
                raise GroupBusy(f"Group {group} has members: stop its consumers first")
            if code and error is not GroupIdNotFound:
                raise error(group)


class Cluster:
    """Answers questions through two clients that are made on first use and replaced when they fail."""

    def __init__(self, address: KafkaAddress, observer: BusObserver) -> None:
        self._address = address
        self._observer = observer
        self._partitions: dict[str, int] = {}
        self._coordinators: dict[str, int] = {}
        self.admin: Supervised[Admin] = Supervised(
            lambda: Admin(request_timeout_ms=10_000, **address.client()), part="admin", observer=observer
        )
        self._reader: Supervised[AIOKafkaConsumer] = Supervised(self._make_reader, part="reader", observer=observer)

    async def close(self) -> None:
        """Stop both clients."""
        await asyncio.gather(self.admin.close(), self._reader.close())

    async def ask(self, question: Callable[[Admin], Awaitable[T]]) -> T:
        """The answer to a question for the admin client, asked again while the cluster is just setting itself up."""
        async with self.admin.lent(seconds=_ASK_SECONDS) as admin:
            while True:
                try:
                    return await question(admin)
                except _SOON:
                    await asyncio.sleep(0.1)

    async def ping(self) -> None:
        """Return when a broker answers; raises BusUnavailable."""
        await self.ask(lambda admin: admin.describe_cluster())

    async def places(self, topics: Sequence[str]) -> list[KafkaPlace]:
        """All partitions of `topics`. Raises UnknownTopic."""
        unknown = sorted(set(topics) - self._partitions.keys())
        if unknown:
            # Asked once: the number of partitions of a topic never changes.
            self._partitions |= await self.ask(lambda admin: partitions_of(admin, unknown))
        missing = sorted(set(unknown) - self._partitions.keys())
        if missing:
            raise UnknownTopic(f"Topic {missing[0]} does not exist: create it with ensure_topics")
        return [KafkaPlace(topic, partition) for topic in topics for partition in range(self._partitions[topic])]

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Records published and not committed by `group`."""
        reach = await self.reach(group, set(await self.places(topics)))
        return sum(end - start for start, end in reach.values())

    async def reach(self, group: str, places: AbstractSet[KafkaPlace]) -> dict[KafkaPlace, tuple[int, int]]:
        """For each partition where `group` would go on after a restart, and where the log ends."""
        if not places:
            return {}
        # Before the ends are read: what is committed meanwhile must not make a lag below zero.
        committed = await self._committed(group, places)
        async with self._reader.lent(seconds=_ASK_SECONDS) as reader:
            ends = await reader.end_offsets([*places])
            behind = [place for place in places if committed[place] < ends[place]]
            # What was committed may have grown too old and be gone.
            starts = await reader.beginning_offsets(behind) if behind else {}
        return {
            place: (min(max(committed[place], starts.get(place, _NEVER)), ends[place]), ends[place]) for place in places
        }

    async def read(self, topic: str, *, start: int | datetime, limit: int) -> list[Received]:
        """See `Bus.read`."""
        places = await self.places([topic])
        async with self._reader.lent(seconds=_ASK_SECONDS) as reader:
            firsts, ends = await asyncio.gather(reader.beginning_offsets(places), reader.end_offsets(places))
            starts = await _starts(reader, places, start=start, ends=ends)
        ahead = {place: max(starts[place], firsts[place]) for place in places}
        ahead = {place: offset for place, offset in ahead.items() if offset < ends[place]}
        # A client of its own: the shared one must not be assigned here and there by two callers at once.
        one_off: Supervised[AIOKafkaConsumer] = Supervised(self._make_reader, part="reader", observer=self._observer)
        try:
            async with one_off.lent(seconds=_ASK_SECONDS * 2) as reader:
                found = await _read(reader, ahead, ends=ends, limit=limit)
        finally:
            await one_off.close()
        return sorted(found, key=lambda record: (record.timestamp_ms, record.partition, record.offset))[:limit]

    async def reset(self, group: str, topics: Sequence[str], *, to: datetime) -> None:
        """See `Bus.reset`."""
        places = await self.places(topics)
        await self._refuse_members(group)
        async with self._reader.lent(seconds=_ASK_SECONDS) as reader:
            starts = await _starts(reader, places, start=to, ends=await reader.end_offsets(places))
        mover = Supervised(
            lambda: AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **self._address.client()),
            part="mover",
            observer=self._observer,
        )
        try:
            async with mover.lent(seconds=_ASK_SECONDS) as consumer:
                consumer.assign(places)
                await consumer.commit({place: OffsetAndMetadata(offset, "") for place, offset in starts.items()})
        finally:
            await mover.close()

    async def forget(self, group: str) -> None:
        """See `Bus.forget`."""
        await self.ask(lambda admin: admin.delete_group(group))

    async def _committed(self, group: str, places: AbstractSet[KafkaPlace]) -> dict[KafkaPlace, int]:
        """What `group` has committed; -1 where it has not."""

        async def question(admin: Admin) -> Any:
            coordinator = self._coordinators.get(group)
            if coordinator is None:
                coordinator = self._coordinators[group] = await admin.find_coordinator(group)
            try:
                return await admin.list_consumer_group_offsets(group, coordinator, [*places])
            except Exception:
                self._coordinators.pop(group, None)  # it may be another broker now
                raise

        found = await self.ask(question)
        return {place: found[place].offset if place in found else _NEVER for place in places}

    async def _refuse_members(self, group: str) -> None:
        (response,) = await self.ask(lambda admin: admin.describe_consumer_groups([group]))
        for _error, _name, _state, _type, _protocol, members, *_ in response.groups:
            if members:
                raise GroupBusy(f"Group {group} has {len(members)} member(s): stop its consumers first")

    def _make_reader(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            **self._address.client(),
        )


async def partitions_of(admin: Admin, topics: Sequence[str]) -> dict[str, int]:
    """How many partitions each of `topics` has; those that do not exist are left out."""
    found = {}
    for topic in await admin.describe_topics(list(topics)):
        error = for_code(topic["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if topic["error_code"]:
            raise error(topic["topic"])
        found[topic["topic"]] = len(topic["partitions"])
    return found


async def _starts(
    reader: AIOKafkaConsumer, places: Sequence[KafkaPlace], *, start: int | datetime, ends: dict[KafkaPlace, int]
) -> dict[KafkaPlace, int]:
    if isinstance(start, int):
        return dict.fromkeys(places, start)
    at_ms = max(0, int(start.timestamp() * 1000))
    found = await reader.offsets_for_times(dict.fromkeys(places, at_ms))
    return {place: at.offset if (at := found[place]) is not None else ends[place] for place in places}


async def _read(
    reader: AIOKafkaConsumer, ahead: dict[KafkaPlace, int], *, ends: dict[KafkaPlace, int], limit: int
) -> list[Received]:
    """The first `limit` records of each partition in `ahead`."""
    found: list[Received] = []
    room = dict.fromkeys(ahead, limit)
    if ahead:
        reader.assign([*ahead])
        for place, offset in ahead.items():
            reader.seek(place, offset)
    while room:
        for place, batch in (await reader.getmany(*room, timeout_ms=500, max_records=limit * len(ahead))).items():
            found += [received(record) for record in batch[: room[place]]]
            room[place] -= len(batch)
        room = {place: left for place, left in room.items() if left > 0 and await reader.position(place) < ends[place]}
    return found


def received(record: Any) -> Received:
    """A record as the port has it. Kafka knows headers without a value; here they are empty."""
    headers = record.headers
    if any(value is None for _, value in headers):
        headers = tuple((name, value or b"") for name, value in headers)
    return Received(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)
