"""The bus's tables, made by the bus itself.

One log table per topic, `bus.log_<id>`: split by day of publishing where the topic has a retention, so that old days
are dropped at once; a compacted topic is one table, from which superseded rows are deleted.
"""

from typing import Final

import asyncpg

from shared.bus.port import TopicMismatch, TopicSpec

VERSION: Final = 1
MEMBERS: Final = 0x4D6F61
"""Class of the advisory locks that say a member of a group is alive."""
PARTITIONS: Final = 0x4D6F62
"""Class of the advisory locks that say who owns a partition in a group."""
UPKEEP: Final = 0x4D6F63
"""Class of the advisory locks of schema changes and upkeep."""

_TABLES: Final = """
create schema if not exists bus;
create table if not exists bus.version (version integer not null);
create table if not exists bus.topic (
  id smallint generated always as identity primary key,
  name text not null unique,
  partitions smallint not null,
  compacted boolean not null,
  retention_hours integer,
  compacted_to bigint not null default 0
);
create table if not exists bus.partition (
  topic_id smallint not null references bus.topic,
  partition smallint not null,
  first_offset bigint not null default 0,
  next_offset bigint not null default 0,
  last_ms bigint not null default 0,
  primary key (topic_id, partition)
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create table if not exists bus.position (
  id integer generated always as identity unique,
  grp text not null,
  topic_id smallint not null references bus.topic,
  partition smallint not null,
  next_offset bigint,
  primary key (grp, topic_id, partition)
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create table if not exists bus.member (
  id integer generated always as identity primary key,
  grp text not null,
  topic_ids smallint[] not null
);
create index if not exists member_grp on bus.member (grp);
"""


class ForeignSchema(Exception):  # noqa: N818
    """The database holds a bus of another version; the message says which."""


async def ensure_schema(connection: asyncpg.Connection) -> None:
    """Create what is missing; any number of processes may do so at once. Raises ForeignSchema."""
    if await connection.fetchval("select to_regclass('bus.version') is not null"):
        version = await connection.fetchval("select version from bus.version")
        if version == VERSION:
            return
        if version is not None:
            raise ForeignSchema(
                f"The bus's database has schema version {version}, this program needs {VERSION}: "
                "run the matching release, or give MOAT_BUS_URL another database"
            )
    async with connection.transaction():
        await _alone(connection)
        await connection.execute(_TABLES)
        await connection.execute(
            "insert into bus.version select $1 where not exists (select from bus.version)", VERSION
        )


async def ensure_topic(connection: asyncpg.Connection, spec: TopicSpec) -> None:
    """Create the topic, its partitions and its log, or verify them. Raises TopicMismatch."""
    if await _verified(connection, spec):
        return
    async with connection.transaction():
        await _alone(connection)
        if await _verified(connection, spec):
            return
        topic = await connection.fetchval(
            "insert into bus.topic (name, partitions, compacted, retention_hours) values ($1, $2, $3, $4) returning id",
            spec.name,
            spec.partitions,
            spec.compacted,
            spec.retention_hours,
        )
        await connection.execute(
            "insert into bus.partition (topic_id, partition) select $1, generate_series(0, $2 - 1)",
            topic,
            spec.partitions,
        )
        by_day = "" if spec.compacted else "partition by range (published_ms)"
        await connection.execute(f"""
            create table bus.log_{topic} (
              partition smallint not null, "offset" bigint not null, published_ms bigint not null,
              key bytea, value bytea, headers bytea
            ) {by_day};
            create index log_{topic}_place on bus.log_{topic} (partition, "offset");
        """)


async def _verified(connection: asyncpg.Connection, spec: TopicSpec) -> bool:
    row = await connection.fetchrow("select partitions, compacted from bus.topic where name = $1", spec.name)
    if row is None:
        return False
    if row["partitions"] != spec.partitions:
        raise TopicMismatch(
            f"Topic {spec.name} has {row['partitions']} partitions but {spec.partitions} are needed: "
            "make a topic of another name and migrate to it, for changing the number would break the order per key"
        )
    if row["compacted"] != spec.compacted:
        is_now, needed = ("compacted", "deleted by age") if row["compacted"] else ("deleted by age", "compacted")
        raise TopicMismatch(
            f"Topic {spec.name} is {is_now} but has to be {needed}: make a topic of another name and migrate to it"
        )
    await connection.execute(
        "update bus.topic set retention_hours = $2 where name = $1 and retention_hours is distinct from $2",
        spec.name,
        spec.retention_hours,
    )
    return True


async def _alone(connection: asyncpg.Connection) -> None:
    await connection.execute("select pg_advisory_xact_lock($1, 0)", UPKEEP)
