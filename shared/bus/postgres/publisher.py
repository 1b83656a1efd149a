"""Publishing on the embedded bus.

Offsets are assigned under a row lock of the partition that is held until commit: what is visible has no gaps, and the
order of commits is the order of offsets. Readers are told once per topic and call, not once per business transaction.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import asyncpg
import msgspec

from shared.bus.callorder import CallOrder
from shared.bus.observer import BusObserver
from shared.bus.partitioner import partition_of
from shared.bus.port import MAX_RECORD_BYTES, Record, RecordTooLarge
from shared.bus.postgres.connect import Pool
from shared.bus.postgres.topics import Topic, Topics
from shared.bus.postgres.upkeep import ensure_days

_COPY_FROM: Final = 50
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode

_Row = tuple[int, bytes | None, bytes | None, bytes | None]  # partition, key, value, headers

_MOVE: Final = """
with wanted as (select * from unnest($2::smallint[], $3::bigint[]) as w(partition, n)),
locked as materialized (
  select p.partition, p.next_offset, p.last_ms from bus.partition p
  where p.topic_id = $1 and p.partition = any($2) order by p.partition for update
),
moved as (
  update bus.partition p set next_offset = l.next_offset + w.n, last_ms = greatest(l.last_ms, $4)
  from locked l join wanted w using (partition) where p.topic_id = $1 and p.partition = l.partition
  returning p.partition, l.next_offset as start, p.next_offset as until, p.last_ms
)
"""
_NEWS: Final = "case when count(*) < 300 then coalesce(string_agg(partition || '=' || until, ','), '') else '' end"


def read_headers(stored: bytes | None) -> tuple[tuple[str, bytes], ...]:
    """Headers as they were published."""
    return () if stored is None else _decode(stored)


class Publisher:
    """Writes records to the logs, one call after the other."""

    def __init__(self, pool: Pool, topics: Topics, observer: BusObserver) -> None:
        self._pool = pool
        self._topics = topics
        self._observer = observer
        self._order = CallOrder()

    async def publish(self, records: Sequence[Record]) -> None:
        """See `Bus.publish`."""
        if not records:
            return
        started = time.perf_counter()
        async with self._order.turn(), self._pool.connection() as connection:
            plan = await self._plan(connection, records)
            try:
                await _write(connection, plan)
            except asyncpg.CheckViolationError:  # the first record of a new day
                await ensure_days(connection, [topic for topic, _ in plan], at_ms=_wall_ms())
                await _write(connection, plan)
        seconds = time.perf_counter() - started
        for topic, rows in plan:
            self._observer.published(topic.name, records=len(rows), seconds=seconds)

    async def _plan(self, connection: asyncpg.Connection, records: Sequence[Record]) -> list[tuple[Topic, list[_Row]]]:
        names = {record.topic for record in records}
        topics = {topic.name: topic for topic in await self._topics.find(connection, sorted(names))}
        rows: dict[str, list[_Row]] = defaultdict(list)
        for record in records:
            headers = _encode(record.headers) if record.headers else None
            size = len(record.key or b"") + len(record.value or b"") + len(headers or b"")
            if size > MAX_RECORD_BYTES:
                raise RecordTooLarge(f"A record for {record.topic} has {size} bytes, {MAX_RECORD_BYTES} is the limit")
            partition = partition_of(record.key, topics[record.topic].partitions)
            rows[record.topic].append((partition, record.key, record.value, headers))
        # Partitions are locked in order of topic and partition, in every process: no two can wait for each other.
        return sorted(((topics[name], found) for name, found in rows.items()), key=lambda pair: pair[0].id)


async def _write(connection: asyncpg.Connection, plan: list[tuple[Topic, list[_Row]]]) -> None:
    if len(plan) == 1 and len(plan[0][1]) < _COPY_FROM:
        await _insert(connection, *plan[0])  # a statement is a transaction of its own: one round trip
        return
    async with connection.transaction():
        for topic, rows in plan:
            if len(rows) < _COPY_FROM:
                await _insert(connection, topic, rows)
            else:
                await _copy(connection, topic, rows)


async def _insert(connection: asyncpg.Connection, topic: Topic, rows: list[_Row]) -> None:
    counts = _counts(rows)
    partitions, keys, values, headers = zip(*rows, strict=True)
    await connection.execute(
        f"""{_MOVE}, kept as (
          insert into {topic.log} (partition, "offset", published_ms, key, value, headers)
          select r.partition, m.start - 1 + row_number() over (partition by r.partition order by r.nth), m.last_ms,
                 r.key, r.value, r.headers
          from unnest($5::smallint[], $6::bytea[], $7::bytea[], $8::bytea[])
               with ordinality as r(partition, key, value, headers, nth) join moved m using (partition)
        )
        select pg_notify('{topic.channel}', {_NEWS}) from moved""",  # noqa: S608 - names are numbers of ours
        topic.id,
        list(counts),
        list(counts.values()),
        _wall_ms(),
        partitions,
        keys,
        values,
        headers,
    )


async def _copy(connection: asyncpg.Connection, topic: Topic, rows: list[_Row]) -> None:
    counts = _counts(rows)
    moved = await connection.fetch(
        _MOVE + "select partition, start, last_ms, until from moved",  # noqa: S608 - both are constants
        topic.id,
        list(counts),
        list(counts.values()),
        _wall_ms(),
    )
    at = {row["partition"]: [row["start"], row["last_ms"]] for row in moved}
    placed = []
    for partition, key, value, headers in rows:
        place = at[partition]
        placed.append((partition, place[0], place[1], key, value, headers))
        place[0] += 1
    await connection.copy_records_to_table(
        f"log_{topic.id}",
        schema_name="bus",
        records=placed,
        columns=("partition", "offset", "published_ms", "key", "value", "headers"),
    )
    news = ",".join(f"{row['partition']}={row['until']}" for row in moved) if len(moved) < 300 else ""
    await connection.execute("select pg_notify($1, $2)", topic.channel, news)


def _counts(rows: list[_Row]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for row in rows:
        counts[row[0]] = counts.get(row[0], 0) + 1
    return counts


def _wall_ms() -> int:
    # Broker timestamps stay on wall time, whatever the clock of the business says.
    return time.time_ns() // 1_000_000
