"""Carrying outbox rows to the bus: read, publish, delete what is durable, with two batches on their way at a time."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final

import asyncpg

from shared.bus.port import MAX_RECORD_BYTES, Bus, Record, RecordTooLarge, UnknownTopic
from shared.bus.refused import Refused
from shared.db.packing import pack, unpacked

_ROUND: Final = 32
"""Batches in one pass. A row with a lower number may be committed later, so each pass begins at the lowest again."""
_IN_FLIGHT: Final = 2
_SECONDS: Final = 30.0
_SURELY_FITS: Final = MAX_RECORD_BYTES // 2

# Names come as the array's bytes: the same few over and over, so that they are looked up, not decoded.
_READ = """
select seq, aggregatetype, aggregateid, payload, array_send(header_names), header_values
from outbox where shard = any($1::smallint[]) and seq > $2 {but} order by seq limit $3
"""
_READ_ALL = _READ.format(but="")
_READ_BUT = _READ.format(but="and seq <> all($4::bigint[]) and aggregatetype <> all($5::text[])")
_DELETE = f"delete from outbox where seq = any({unpacked('$1', 'bigint')})"  # noqa: S608 - a constant of ours
# The table is nearly empty most of the time, and its statistics say so even when it is full.
_PLAN = """
select set_config(name, 'off', false)
from unnest('{enable_seqscan,enable_bitmapscan,enable_sort}'::text[]) as settings (name)
"""

_topic_of: Final = attrgetter("topic")
_value_of: Final = attrgetter("value")

Sent = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Batch:
    seqs: list[int]
    publishing: "asyncio.Task[None]"


class Carrier:
    """Carries the rows of owned shards over one session; `sent` is told how many have become durable."""

    def __init__(
        self, session: "asyncpg.Connection[asyncpg.Record]", bus: Bus, refused: Refused, *, batch: int, sent: Sent
    ) -> None:
        self._session = session
        self._bus = bus
        self._refused = refused
        self._batch = batch
        self._sent = sent
        self._proven: set[str] = set()
        self._flight: deque[_Batch] = deque()

    async def prepare(self) -> None:
        """Make the session read the outbox by its key, whatever the statistics say."""
        await self._session.execute(_PLAN, timeout=_SECONDS)

    async def drain(self, owned: Sequence[int]) -> bool:
        """Send what is there now; answers whether any was. Raises BusUnavailable and what the database raises."""
        last = 0
        try:
            for _ in range(_ROUND):
                rows = await self._read(owned, after=last)
                if not rows:
                    break
                last = rows[-1][0]
                await self._launch([row[0] for row in rows], records_of(rows))
                if len(rows) < self._batch:
                    break
            await self._land_all()
        finally:
            await self._abandon()
        return last > 0

    async def _read(self, owned: Sequence[int], *, after: int) -> list[asyncpg.Record]:
        rows, topics = self._refused.rows(), self._refused.topics()
        held = (rows, topics) if rows or topics else ()
        statement = _READ_BUT if held else _READ_ALL
        found: list[asyncpg.Record] = await self._session.fetch(
            statement, owned, after, self._batch, *held, timeout=_SECONDS
        )
        return found

    async def _launch(self, seqs: list[int], records: list[Record]) -> None:
        """Begin to publish a batch. One that the bus might refuse goes alone: what follows must not overtake it."""
        largest = max(map(len, filter(None, map(_value_of, records))), default=0)
        if largest <= _SURELY_FITS and self._proven.issuperset(map(_topic_of, records)):
            before = self._flight[-1].publishing if self._flight else None
            self._flight.append(_Batch(seqs, asyncio.create_task(self._publish(records, before))))
            if len(self._flight) == _IN_FLIGHT:
                await self._land()
            return
        await self._land_all()
        await self._publish_carefully(seqs, records)

    async def _publish(self, records: list[Record], before: "asyncio.Task[None] | None") -> None:
        """Publish, unless the batch before has failed by now: the bus fails only what waited when that happened."""
        if before is not None and before.done():
            before.result()
        await self._bus.publish(records)

    async def _publish_carefully(self, seqs: list[int], records: list[Record]) -> None:
        """Publish in order, halving until what the bus refuses stands alone and is left behind."""
        topics = frozenset(self._refused.topics())
        if topics:
            kept = [(seq, record) for seq, record in zip(seqs, records, strict=True) if record.topic not in topics]
            seqs, records = [seq for seq, _ in kept], [record for _, record in kept]
        if not records:
            return
        try:
            await self._bus.publish(records)
        except (RecordTooLarge, UnknownTopic) as error:
            if len(records) > 1:
                middle = len(records) // 2
                await self._publish_carefully(seqs[:middle], records[:middle])
                await self._publish_carefully(seqs[middle:], records[middle:])
            elif isinstance(error, UnknownTopic):
                self._refused.hold_topic(records[0].topic, reason=str(error))
            else:
                self._refused.hold_row(seqs[0], reason=str(error))
        else:
            self._proven.update(map(_topic_of, records))
            await self._forget(seqs)

    async def _land_all(self) -> None:
        while self._flight:
            await self._land()

    async def _land(self) -> None:
        """Wait for the oldest batch and delete its rows."""
        batch = self._flight[0]
        await batch.publishing
        await self._forget(batch.seqs)
        self._flight.popleft()

    async def _forget(self, seqs: list[int]) -> None:
        await self._session.execute(_DELETE, pack(seqs), timeout=_SECONDS)
        self._sent(len(seqs))

    async def _abandon(self) -> None:
        """Give up what is still on its way: its rows are there and will be sent again."""
        left = [batch.publishing for batch in self._flight]
        self._flight.clear()
        for publishing in left:
            publishing.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)


def records_of(rows: Sequence[asyncpg.Record]) -> list[Record]:
    """The records that these rows stand for."""
    return [
        Record(topic, key, value, list(zip(_names(names), values, strict=True)))
        for _, topic, key, value, names, values in rows
    ]


@lru_cache(maxsize=1024)
def _names(array: bytes) -> tuple[str, ...]:
    """The texts in PostgreSQL's binary form of a one-dimensional text[]."""
    if int.from_bytes(array[:4], "big") == 0:
        return ()
    found, at = [], 20
    while at < len(array):
        size = int.from_bytes(array[at : at + 4], "big")
        found.append(array[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return tuple(found)
