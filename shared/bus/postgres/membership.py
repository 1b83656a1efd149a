"""Who reads what in a group on the embedded bus.

A member is alive while its session holds an advisory lock, and owns a partition while its session holds that
partition's lock: the server frees both the moment the session ends, however it ends. There is no leader: each member
knows its fair share from the list of members, gives up what is beyond it, and takes what is free up to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from shared.bus.port import TopicPartition
from shared.bus.postgres.schema import MEMBERS, PARTITIONS
from shared.bus.postgres.topics import Topic

_ALIVE: Final = """
select m.id, m.topic_ids from bus.member m
where m.grp = $1 and exists (
  select from pg_locks l
  where l.locktype = 'advisory' and l.classid = $2::bigint::oid and l.objid = m.id::bigint::oid and l.objsubid = 2
    and l.granted and l.database = (select d.oid from pg_database d where d.datname = current_database())
)
order by m.id
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A living member of a group."""

    id: int
    topic_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Claim:
    """An owned partition: the id of its row of positions, and the next offset to read."""

    position_id: int
    next_offset: int


def fair_share(member: int, members: Sequence[int], *, partitions: int, topic_id: int) -> int:
    """How many of a topic's partitions `member` is to own; the shares of all `members` add up to `partitions`.

    Who gets the odd ones differs by topic, so that topics of one partition do not all fall to the same member.
    """
    rank = (sorted(members).index(member) + topic_id) % len(members)
    each, odd = divmod(partitions, len(members))
    return each + (rank < odd)


async def join(connection: asyncpg.Connection, group: str, topics: Sequence[Topic]) -> int:
    """Become a member for as long as the session lasts; answers the member's id."""
    for topic in topics:
        await connection.execute(
            """insert into bus.position (grp, topic_id, partition) select $1, $2, generate_series(0, $3 - 1)
               on conflict do nothing""",
            group,
            topic.id,
            topic.partitions,
        )
    async with connection.transaction():
        member = await connection.fetchval(
            "insert into bus.member (grp, topic_ids) values ($1, $2) returning id",
            group,
            [topic.id for topic in topics],
        )
        await connection.execute("select pg_advisory_lock($1, $2)", MEMBERS, member)
    await tell(connection, group, topics)
    return int(member)


async def leave(connection: asyncpg.Connection, group: str, topics: Sequence[Topic], *, member: int) -> None:
    """Free what the member owns at once and tell the others."""
    await connection.execute("select pg_advisory_unlock_all()")
    await connection.execute("delete from bus.member where id = $1", member)
    await tell(connection, group, topics)


async def tell(connection: asyncpg.Connection, group: str, topics: Iterable[Topic]) -> None:
    """Wake the other members: something about the group has changed."""
    for topic in topics:
        await connection.execute("select pg_notify($1, $2)", topic.channel, f"g{group}")


async def alive(connection: asyncpg.Connection, group: str) -> list[Member]:
    """The members of `group` whose sessions last."""
    rows = await connection.fetch(_ALIVE, group, MEMBERS)
    return [Member(row["id"], frozenset(row["topic_ids"])) for row in rows]


async def forget_dead(connection: asyncpg.Connection, group: str, members: Sequence[Member]) -> None:
    """Delete the rows of members that ended without leaving; `members` were alive just now."""
    # A row whose id is higher than all the living may belong to one who is just joining.
    ids = [member.id for member in members]
    await connection.execute(
        "delete from bus.member where grp = $1 and id <> all($2) and id < $3", group, ids, max(ids, default=0)
    )


async def forget_group(connection: asyncpg.Connection, group: str) -> None:
    """Delete the rows of a group that nobody is in."""
    await connection.execute(
        "with gone as (delete from bus.member where grp = $1) delete from bus.position where grp = $1", group
    )


async def claim(
    connection: asyncpg.Connection, group: str, topic: Topic, *, wanted: int, owned: Iterable[TopicPartition]
) -> dict[TopicPartition, Claim]:
    """Take up to `wanted` free partitions of `topic`."""
    mine = [place.partition for place in owned if place.topic == topic.name]
    taken = await connection.fetch(
        """select id from (
             select id from bus.position where grp = $1 and topic_id = $2 and partition <> all($3) order by partition
             offset 0
           ) as p where pg_try_advisory_lock($4, id) limit $5""",
        group,
        topic.id,
        mine,
        PARTITIONS,
        wanted,
    )
    if not taken:
        return {}
    # Read after the lock was taken: its last owner may have committed until then.
    rows = await connection.fetch(
        """select g.id, g.partition, greatest(coalesce(g.next_offset, 0), p.first_offset) as next_offset
           from bus.position g join bus.partition p using (topic_id, partition) where g.id = any($1)""",
        [row["id"] for row in taken],
    )
    return {topic.place(row["partition"]): Claim(row["id"], row["next_offset"]) for row in rows}


async def release(connection: asyncpg.Connection, position_ids: Iterable[int]) -> None:
    """Free partitions for others."""
    await connection.execute(
        "select pg_advisory_unlock($1, id) from unnest($2::int[]) as id", PARTITIONS, [*position_ids]
    )


async def store(connection: asyncpg.Connection, positions: Mapping[int, int]) -> None:
    """Make positions (by their row ids) durable."""
    await connection.execute(
        """update bus.position p set next_offset = n.next_offset
           from unnest($1::int[], $2::bigint[]) as n(id, next_offset) where p.id = n.id""",
        [*positions],
        [*positions.values()],
    )
