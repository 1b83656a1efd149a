"""Who took notice of which message, once each."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`at` is business time."""

    person: str
    means: str
    at: datetime


async def find(raw: "asyncpg.Connection[asyncpg.Record]", message_id: str, person: str) -> Acknowledgement | None:
    """Answer the person's acknowledgement of the message, if there is one."""
    row = await raw.fetchrow(
        "select person, means, acknowledged_at as at from acknowledgement where message_id = $1 and person = $2",
        message_id,
        person,
    )
    return None if row is None else Acknowledgement(**dict(row))


async def write(
    raw: "asyncpg.Connection[asyncpg.Record]",
    message_id: str,
    delivery_id: str | None,
    given: Acknowledgement,
    wall: datetime,
) -> None:
    """Keep it, and mark the message; the first of several is the message's."""
    await raw.execute(
        """
        insert into acknowledgement (message_id, person, delivery_id, means, acknowledged_at, acknowledged_wall)
        values ($1, $2, $3, $4, $5, $6)
        """,
        message_id,
        given.person,
        delivery_id,
        given.means,
        given.at,
        wall,
    )
    await raw.execute(
        """
        update message set state = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, $2),
            acknowledged_by = coalesce(acknowledged_by, $3), acknowledged_means = coalesce(acknowledged_means, $4),
            ended_at = coalesce(ended_at, $2)
        where id = $1
        """,
        message_id,
        given.at,
        given.person,
        given.means,
    )


async def verify_contact_point(raw: "asyncpg.Connection[asyncpg.Record]", delivery_id: str, now: datetime) -> None:
    """Somebody answered from there: the address that the delivery went to is verified, once."""
    await raw.execute(
        """
        update contact_point set verified_at = $2
        where id = (select contact_point from delivery where id = $1) and verified_at is null
        """,
        delivery_id,
        now,
    )


async def delivery_to(raw: "asyncpg.Connection[asyncpg.Record]", message_id: str, person: str) -> str | None:
    """The latest delivery of the message to this person, None when there was none."""
    id_: str | None = await raw.fetchval(
        "select id from delivery where message_id = $1 and person = $2 order by step desc limit 1", message_id, person
    )
    return id_


async def any_delivery(raw: "asyncpg.Connection[asyncpg.Record]", message_id: str) -> str | None:
    """Some delivery of the message, None when there is none."""
    id_: str | None = await raw.fetchval(
        "select id from delivery where message_id = $1 order by id limit 1", message_id
    )
    return id_
