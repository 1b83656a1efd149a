"""Parked keys: a key that keeps failing is set aside with all that follows it, while the others flow.

Rows live in the consumer's own database, written in the transaction that lets the offset advance; releasing drains
them in order under the subject's lock.
"""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from shared.bus.port import Received

_INSERT = """
insert into parked (group_name, subject, topic, partition, position, timestamp_ms, record_key, payload,
                    header_names, header_values, reason, parked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict on constraint parked_once do nothing
"""


async def parked_subjects(
    raw: "asyncpg.Connection[asyncpg.Record]", group: str, subjects: Iterable[str]
) -> frozenset[str]:
    """Those of `subjects` that are parked for `group`."""
    rows = await raw.fetch(
        "select distinct subject from parked where group_name = $1 and subject = any($2::text[])", group, list(subjects)
    )
    return frozenset(row["subject"] for row in rows)


async def park(
    raw: "asyncpg.Connection[asyncpg.Record]", group: str, subject: str, record: Received, reason: str, now: datetime
) -> None:
    """Set `record` aside; parking the same record again changes nothing."""
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
