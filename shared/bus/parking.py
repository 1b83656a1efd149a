"""Parked keys: a key that keeps failing is set aside with all that follows it, while the others flow.

Rows live in the consumer's own database, written in the transaction that lets the offset advance; releasing drains
them in order under the subject's lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.bus.dead_letters import write_dead_letter
from shared.bus.outbox import Outbox
from shared.bus.port import Received
from shared.db.database import Database, raw_connection
from shared.db.packing import pack, unpacked
from shared.db.subjects import lock_subjects

_INSERT = """
insert into parked (group_name, subject, topic, partition, position, timestamp_ms, record_key, payload,
                    header_names, header_values, reason, parked_at, release_requested)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
        exists (select from parked where group_name = $1 and subject = $2 and release_requested))
on conflict on constraint parked_once do nothing
"""


async def parked_subjects(
    raw: "asyncpg.Connection[asyncpg.Record]", group: str, subjects: Iterable[str]
) -> frozenset[str]:
    """Those of `subjects` that are parked for `group`."""
    rows = await raw.fetch(
        f"select distinct subject from parked where group_name = $1 and subject = any({unpacked('$2')})",  # noqa: S608
        group,
        pack(subjects),
    )
    return frozenset(row["subject"] for row in rows)


async def park(
    raw: "asyncpg.Connection[asyncpg.Record]", group: str, subject: str, record: Received, reason: str, now: datetime
) -> None:
    """Set `record` aside; parking the same record again changes nothing.

    One that queues behind events whose release is under way is released with them.
    """
    await raw.execute(
        _INSERT,
        group,
        subject,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        [name for name, _ in record.headers],
        [value for _, value in record.headers],
        reason,
        now,
    )


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key that is set aside, and what waits behind it. `since` is when it was parked first."""

    group: str
    subject: str
    waiting: int
    since: datetime
    reason: str


async def parked_keys(database: Database) -> list[ParkedKey]:
    """All parked keys of a service, longest waiting first, with the reason of the first event of each."""
    async with database.read() as connection:
        rows = await (await raw_connection(connection)).fetch(
            """
            select group_name, subject, count(*) as waiting, min(parked_at) as since,
                   (array_agg(reason order by seq))[1] as reason
            from parked group by group_name, subject order by min(seq) limit 1000
            """
        )
    return [ParkedKey(row["group_name"], row["subject"], row["waiting"], row["since"], row["reason"]) for row in rows]


async def parked_depth(database: Database) -> int:
    """How many events are set aside; the count stops at 10 000."""
    async with database.read() as connection:
        raw = await raw_connection(connection)
        return int(await raw.fetchval("select count(*) from (select 1 from parked limit 10000) as counted"))


async def request_release(database: Database, group: str, subject: str) -> int:
    """Ask the consumer of `group` to take a key's events again; answers how many wait. It acts within seconds."""
    async with database.begin() as connection:
        raw = await raw_connection(connection)
        status = await raw.execute(
            "update parked set release_requested = true where group_name = $1 and subject = $2", group, subject
        )
    return int(status.rsplit(" ", 1)[1])


async def released_subjects(raw: "asyncpg.Connection[asyncpg.Record]", group: str) -> list[str]:
    """Keys of `group` whose release was asked for."""
    rows = await raw.fetch(
        "select distinct subject from parked where group_name = $1 and release_requested order by subject", group
    )
    return [row["subject"] for row in rows]


async def first_parked(
    raw: "asyncpg.Connection[asyncpg.Record]", group: str, subject: str
) -> tuple[int, Received] | None:
    """The oldest event parked for a key, and the number of its row."""
    row = await raw.fetchrow(
        "select * from parked where group_name = $1 and subject = $2 order by seq limit 1", group, subject
    )
    return None if row is None else (row["seq"], _received(row))


async def forget_parked(raw: "asyncpg.Connection[asyncpg.Record]", seq: int) -> None:
    """Delete a row whose event has been handled or moved on."""
    await raw.execute("delete from parked where seq = $1", seq)


async def withdraw_release(raw: "asyncpg.Connection[asyncpg.Record]", group: str, subject: str, reason: str) -> None:
    """The release stopped at an event that failed again: the key stays parked, with the new reason."""
    await raw.execute(
        """
        update parked set release_requested = false,
          reason = case when seq = (select min(seq) from parked where group_name = $1 and subject = $2)
                        then $3 else reason end
        where group_name = $1 and subject = $2
        """,
        group,
        subject,
        reason,
    )


async def drop_parked(database: Database, group: str, subject: str, *, everything: bool, now: datetime) -> int:
    """Turn the first parked event of a key, or all, into dead letters; answers how many."""
    dropped = 0
    async with database.begin() as connection:
        raw = await raw_connection(connection)
        await lock_subjects(raw, [subject])
        outbox = Outbox(now)
        while (found := await first_parked(raw, group, subject)) and (everything or dropped == 0):
            seq, record = found
            write_dead_letter(outbox, group, record, GivenUp("dropped by an operator"), now)
            await forget_parked(raw, seq)
            dropped += 1
        await outbox.write(raw)
    return dropped


class GivenUp(Exception):  # noqa: N818
    """An operator decided that this event shall not be handled."""


def _received(row: asyncpg.Record) -> Received:
    return Received(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["position"],
        timestamp_ms=row["timestamp_ms"],
        key=row["record_key"],
        value=row["payload"],
        headers=tuple(zip(row["header_names"], row["header_values"], strict=True)),
    )
