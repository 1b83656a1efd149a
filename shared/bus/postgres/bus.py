"""The embedded adapter of the bus."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg
import structlog

from shared.bus.observer import BusObserver, Unobserved
from shared.bus.port import BusUnavailable, GroupBusy, Received, Record, TopicSpec
from shared.bus.postgres import membership
from shared.bus.postgres.connect import Address, Pool
from shared.bus.postgres.fetching import fetch_from, group_lag, move_group
from shared.bus.postgres.publisher import Publisher
from shared.bus.postgres.schema import ensure_schema, ensure_topic
from shared.bus.postgres.subscription import PostgresSubscription
from shared.bus.postgres.topics import Topics
from shared.bus.postgres.upkeep import ensure_days, tidy

log = structlog.get_logger(__name__)

_TIDY_SECONDS: Final = 60.0
_CLOSE_SECONDS: Final = 5.0


class PostgresBus:
    """See `Bus`. Make it with `open`; its database has to exist and needs nothing in it."""

    def __init__(self, address: Address, *, observer: BusObserver) -> None:
        self._address = address
        self._observer = observer
        self._pool = Pool(address)
        self._topics = Topics()
        self._publisher = Publisher(self._pool, self._topics, observer)
        self._upkeep: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, *, client_id: str, observer: BusObserver | None = None) -> "PostgresBus":
        """Connect and create the schema where it is missing. Raises BusUnavailable and ForeignSchema."""
        bus = cls(Address.parse(url, client_id=client_id), observer=observer or Unobserved())
        await bus._pool.open()
        try:
            async with bus._pool.connection() as connection:
                await ensure_schema(connection)
        except BaseException:
            await bus.close()
            raise
        bus._upkeep = asyncio.create_task(bus._keep_tidy(), name="bus upkeep")
        return bus

    async def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        """See `Bus.ensure_topics`."""
        async with self._pool.connection() as connection:
            for spec in topics:
                await ensure_topic(connection, spec)
                found = await self._topics.find(connection, [spec.name])
                await ensure_days(connection, found, at_ms=time.time_ns() // 1_000_000)

    async def publish(self, records: Sequence[Record]) -> None:
        """See `Bus.publish`."""
        await self._publisher.publish(records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> PostgresSubscription:
        """See `Bus.subscribe`."""
        async with self._pool.connection() as connection:
            found = await self._topics.find(connection, topics)
        subscription = PostgresSubscription(self._address, group, found, self._observer)
        await subscription.poll(max_records=0, wait=0)
        return subscription

    async def read(self, topic: str, *, start: int | datetime = 0, limit: int = 100) -> Sequence[Received]:
        """See `Bus.read`; the oldest first."""
        offset, since_ms = (start, 0) if isinstance(start, int) else (0, int(start.timestamp() * 1000))
        async with self._pool.connection() as connection:
            (found,) = await self._topics.find(connection, [topic])
            starts = dict.fromkeys(range(found.partitions), offset)
            records = await fetch_from(connection, found, starts, each=limit, since_ms=since_ms)
        return sorted(records, key=lambda record: (record.timestamp_ms, record.partition, record.offset))[:limit]

    async def reset(self, group: str, topics: Sequence[str], *, to: datetime) -> None:
        """See `Bus.reset`."""
        async with self._pool.connection() as connection:
            found = await self._topics.find(connection, topics)
            await _refuse_members(connection, group)
            await move_group(connection, group, found, to=to)

    async def forget(self, group: str) -> None:
        """See `Bus.forget`."""
        async with self._pool.connection() as connection:
            await _refuse_members(connection, group)
            await membership.forget_group(connection, group)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """See `Bus.lag`."""
        async with self._pool.connection() as connection:
            return await group_lag(connection, group, await self._topics.find(connection, topics))

    async def ping(self) -> None:
        """See `Bus.ping`."""
        async with self._pool.connection() as connection:
            await connection.fetchval("select 1")

    async def tidy(self, *, now: datetime) -> None:
        """Drop the days that are over at `now`, and compact; done every minute without being asked, too."""
        async with self._pool.connection() as connection:
            await tidy(connection, now=now, keep_hours=self._address.keep_hours)

    async def close(self) -> None:
        """See `Bus.close`."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._upkeep
        await self._pool.close(seconds=_CLOSE_SECONDS)

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            try:
                await self.tidy(now=datetime.now(UTC))
            except BusUnavailable as error:
                log.warning("bus.upkeep_waits", reason=str(error))
            except Exception:
                # Upkeep is no reason to stop serving; what is wrong stands in the log.
                log.exception("bus.upkeep_failed")


async def _refuse_members(connection: asyncpg.Connection, group: str) -> None:
    members = await membership.alive(connection, group)
    if members:
        raise GroupBusy(f"Group {group} has {len(members)} member(s): stop its consumers first")
