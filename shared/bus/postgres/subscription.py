"""One member of a consumer group on the embedded bus."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.bus.observer import BusObserver
from shared.bus.port import BusUnavailable, Received, TopicPartition
from shared.bus.postgres import membership
from shared.bus.postgres.connect import Address, away_is_unavailable
from shared.bus.postgres.fetching import Log, group_lag
from shared.bus.postgres.topics import Topic

LOOK_SECONDS: Final = 1.0
"""How often members and ends are looked at when nothing is heard: the safety net under NOTIFY."""
HANDOVER_SECONDS: Final = 5.0
"""How long a partition that is to go to another member waits for the commit of what was delivered from it."""
_CLOSE_SECONDS: Final = 5.0


class PostgresSubscription:
    """Reads through a session of its own, which is also its membership; see `membership`."""

    def __init__(self, address: Address, group: str, topics: Sequence[Topic], observer: BusObserver) -> None:
        self._address = address
        self._group = group
        self._topics = {topic.name: topic for topic in topics}
        self._observer = observer
        self._connection: asyncpg.Connection | None = None
        self._member = 0
        self._log = Log()
        self._leaving: dict[TopicPartition, float] = {}
        self._busy = asyncio.Lock()
        self._awake = asyncio.Event()
        self._look_at = 0.0
        self._closed = False

    async def poll(self, *, max_records: int, wait: float) -> Sequence[Received]:
        """See `Subscription.poll`."""
        deadline = time.monotonic() + wait
        while True:
            self._awake.clear()
            async with self._session() as connection:
                if time.monotonic() >= self._look_at:
                    await self._look(connection)
                records = await self._log.fetch(connection, self._topics, limit=max_records, skip=self._leaving.keys())
            if records:
                self._count(records)
                return records
            now = time.monotonic()
            if now >= deadline:
                return ()
            try:
                async with asyncio.timeout(max(0.0, min(deadline, self._look_at) - now)):
                    await self._awake.wait()
            except TimeoutError:
                continue  # time to look, or time is up and what arrived in this moment is fetched

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `Subscription.commit`."""
        async with self._session() as connection:
            # This very session holds the partitions' locks: what it stores cannot overtake another owner.
            mine = {place: offset for place, offset in positions.items() if self._log.owns(place)}
            if mine:
                await membership.store(connection, self._log.by_row(mine))
                self._log.committed(mine)
            if self._leaving:
                await self._hand_over(connection)
        if len(mine) < len(positions):
            self._observer.commit_skipped(self._group, partitions=len(positions) - len(mine))

    def owned(self) -> frozenset[TopicPartition]:
        """See `Subscription.owned`."""
        return self._log.places()

    def rewind(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `Subscription.rewind`."""
        self._log.rewind(positions)
        self._awake.set()

    async def lag(self) -> int:
        """See `Subscription.lag`."""
        async with self._session() as connection:
            return await group_lag(connection, self._group, self._topics.values())

    async def close(self) -> None:
        """See `Subscription.close`."""
        self._closed = True
        connection, self._connection = self._connection, None
        self._lose()
        self._awake.set()
        if connection is None or connection.is_closed():
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS), self._busy:
                await membership.leave(connection, self._group, [*self._topics.values()], member=self._member)
                await connection.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection]:
        """The session, alone; joined anew when it was lost. Raises BusUnavailable, and then the session is given up."""
        async with self._busy:
            if self._closed:
                raise BusUnavailable("The subscription is closed")
            try:
                with away_is_unavailable():
                    if self._connection is None or self._connection.is_closed():
                        await self._join()
                    yield self._connection
            except BusUnavailable as error:
                self._give_up(str(error))
                raise
            except asyncio.CancelledError:
                # A statement that was cut off may have taken locks that we do not know of.
                self._give_up("cancelled")
                raise

    async def _join(self) -> None:
        rejoining = self._connection is not None
        self._lose()
        self._connection = await asyncpg.connect(**self._address.options(enable_seqscan="off", enable_bitmapscan="off"))
        self._connection.add_termination_listener(self._when_ended)
        for topic in self._topics.values():
            await self._connection.add_listener(topic.channel, self._when_told)
        self._member = await membership.join(self._connection, self._group, [*self._topics.values()])
        self._look_at = 0.0
        if rejoining:
            self._observer.recreated("session", reason="connection lost")
        await self._look(self._connection)

    def _lose(self) -> None:
        self._log.clear()
        self._leaving.clear()

    def _give_up(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        self._lose()
        if connection is not None:
            connection.terminate()
            self._observer.recreated("session", reason=reason)

    def _when_ended(self, _connection: object) -> None:
        self._awake.set()

    def _when_told(self, _connection: object, _pid: int, channel: str, news: str) -> None:
        if news.startswith("g"):
            if news[1:] != self._group:
                return
            self._look_at = 0.0
        elif not news:
            self._look_at = 0.0
        else:
            topic = next(topic for topic in self._topics.values() if topic.channel == channel)
            if not self._log.heard(topic, news):
                return
        self._awake.set()

    async def _look(self, connection: asyncpg.Connection) -> None:
        """See who is there and how far the logs reach, and take or give up partitions accordingly."""
        self._look_at = time.monotonic() + LOOK_SECONDS
        before = self._log.places()
        members = await membership.alive(connection, self._group)
        await membership.forget_dead(connection, self._group, members)
        for topic in self._topics.values():
            readers = [member.id for member in members if topic.id in member.topic_ids]
            share = membership.fair_share(self._member, readers, partitions=topic.partitions, topic_id=topic.id)
            self._mark_leaving(topic, share)
            missing = share - sum(place.topic == topic.name for place in self._log.places())
            if missing > 0:
                self._log.add(
                    await membership.claim(connection, self._group, topic, wanted=missing, owned=self._log.places())
                )
        await self._hand_over(connection)
        await self._log.look(connection, self._topics.values())
        if self._log.places() != before:
            self._observer.rebalanced(self._group, owned=len(self._log.places()))

    def _mark_leaving(self, topic: Topic, share: int) -> None:
        mine = sorted(place.partition for place in self._log.places() if place.topic == topic.name)
        surplus = {topic.place(partition) for partition in mine[share:]}
        for place in [place for place in self._leaving if place.topic == topic.name and place not in surplus]:
            del self._leaving[place]
        for place in surplus:
            self._leaving.setdefault(place, time.monotonic() + HANDOVER_SECONDS)

    async def _hand_over(self, connection: asyncpg.Connection) -> None:
        now = time.monotonic()
        going = [place for place, until in self._leaving.items() if now >= until or self._log.is_committed(place)]
        if not going:
            return
        await membership.release(connection, self._log.remove(going))
        for place in going:
            del self._leaving[place]
        await membership.tell(
            connection, self._group, [self._topics[name] for name in {place.topic for place in going}]
        )

    def _count(self, records: Sequence[Received]) -> None:
        counts: dict[str, int] = {}
        for record in records:
            counts[record.topic] = counts.get(record.topic, 0) + 1
        for topic, number in counts.items():
            self._observer.delivered(self._group, topic, records=number)
