"""Keeping the embedded bus small: days come and go as tables, compacted topics lose what was superseded."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from shared.bus.postgres.schema import UPKEEP
from shared.bus.postgres.topics import Topic, all_topics

log = structlog.get_logger(__name__)

_DAY_MS: Final = 24 * 3600 * 1000
_HOUR_MS: Final = 3600 * 1000
_WORTH_COMPACTING: Final = 1000


async def ensure_days(connection: asyncpg.Connection, topics: Iterable[Topic], *, at_ms: int) -> None:
    """Make the tables for the day of `at_ms` and for the next, and for a partition whose own time is ahead of that."""
    for topic in topics:
        if topic.compacted:
            continue
        latest = await connection.fetchval("select max(last_ms) from bus.partition where topic_id = $1", topic.id)
        for day in sorted({at_ms // _DAY_MS, at_ms // _DAY_MS + 1, max(latest, at_ms) // _DAY_MS}):
            name = f"log_{topic.id}_{day}"
            if await connection.fetchval("select to_regclass($1) is not null", f"bus.{name}"):
                continue
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock($1, $2)", UPKEEP, topic.id)
                await connection.execute(
                    f"create table if not exists bus.{name} partition of {topic.log} "
                    f"for values from ({day * _DAY_MS}) to ({(day + 1) * _DAY_MS})"
                )


async def tidy(connection: asyncpg.Connection, *, now: datetime, keep_hours: int) -> None:
    """Make tomorrow's tables, drop the days that are over, compact. Does nothing while another process does it."""
    now_ms = int(now.timestamp() * 1000)
    if not await connection.fetchval("select pg_try_advisory_lock($1, -1)", UPKEEP):
        return
    try:
        for topic in await all_topics(connection):
            if topic.compacted:
                await _compact(connection, topic)
            else:
                await ensure_days(connection, [topic], at_ms=now_ms)
                await _drop_days(connection, topic, now_ms=now_ms, keep_hours=keep_hours)
    finally:
        await connection.execute("select pg_advisory_unlock($1, -1)", UPKEEP)


async def _drop_days(connection: asyncpg.Connection, topic: Topic, *, now_ms: int, keep_hours: int) -> None:
    days = await connection.fetch(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass",
        topic.log,
    )
    for day in sorted(int(row["relname"].rpartition("_")[2]) for row in days):
        age_ms = now_ms - (day + 1) * _DAY_MS
        too_old = topic.retention_hours is not None and age_ms >= topic.retention_hours * _HOUR_MS
        read = age_ms >= keep_hours * _HOUR_MS and await _passed_by_all(connection, topic, day)
        if too_old or read:
            await _drop_day(connection, topic, day)


async def _passed_by_all(connection: asyncpg.Connection, topic: Topic, day: int) -> bool:
    """Whether every group that reads the topic has committed beyond that day; no group at all is not "every"."""
    return bool(
        await connection.fetchval(
            f"""
        with last as (select partition, max("offset") as at from bus.log_{topic.id}_{day} group by partition)
        select coalesce(bool_and(coalesce(p.next_offset, 0) > coalesce(l.at, -1)), false)
        from bus.position p left join last l using (partition) where p.topic_id = $1
        """,  # noqa: S608 - names are numbers of ours
            topic.id,
        )
    )


async def _drop_day(connection: asyncpg.Connection, topic: Topic, day: int) -> None:
    # Two transactions: a publisher locks partitions and log in either order, so nobody may hold one and want the other.
    await connection.execute(
        f"""
        with last as (select partition, max("offset") as at from bus.log_{topic.id}_{day} group by partition),
        locked as materialized (
          select partition from bus.partition where topic_id = $1 order by partition for update
        )
        update bus.partition p set first_offset = greatest(p.first_offset, l.at + 1)
        from last l join locked using (partition) where p.topic_id = $1 and p.partition = l.partition
        """,  # noqa: S608
        topic.id,
    )
    await connection.execute(f"drop table bus.log_{topic.id}_{day}")
    log.info("bus.day_dropped", topic=topic.name, day=day)


async def _compact(connection: asyncpg.Connection, topic: Topic) -> None:
    """Keep the latest record of each key, once half of the records could be superseded ones.

    Records without a key stay, and so does the last record of a partition: a reader reaches the end by it.
    """
    row = await connection.fetchrow(
        """select (select sum(next_offset)::bigint from bus.partition where topic_id = $1) as written, compacted_to
           from bus.topic where id = $1""",
        topic.id,
    )
    new = row["written"] - row["compacted_to"]
    if new < _WORTH_COMPACTING or new < await connection.fetchval(f"select count(*) / 2 from {topic.log}"):  # noqa: S608
        return
    done = await connection.execute(
        f"""
        with latest as (
          select partition, key, max("offset") as at from {topic.log} where key is not null group by partition, key
        )
        delete from {topic.log} l using latest
        where l.partition = latest.partition and l.key = latest.key and l."offset" < latest.at
        """  # noqa: S608
    )
    await connection.execute("update bus.topic set compacted_to = $2 where id = $1", topic.id, row["written"])
    log.info("bus.compacted", topic=topic.name, deleted=int(done.rpartition(" ")[2]))
