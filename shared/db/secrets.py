"""Signing keys that all replicas of a service share, made on first use and kept in its database."""

import secrets
from datetime import datetime

import asyncpg


async def signing_key(raw: "asyncpg.Connection[asyncpg.Record]", name: str, now: datetime) -> bytes:
    """The 32 random bytes called `name`; the same for everybody who asks this database, whoever asks first."""
    await raw.execute(
        "insert into secret (name, value, created_at) values ($1, $2, $3) on conflict do nothing",
        name,
        secrets.token_bytes(32),
        now,
    )
    return bytes(await raw.fetchval("select value from secret where name = $1", name))
