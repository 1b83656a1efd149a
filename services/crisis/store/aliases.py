"""Customers that turned out to be others: which id stands for whom."""

from collections.abc import Collection, Mapping
from datetime import datetime

import asyncpg

_RECORD = """
insert into customer_alias as a (id, into_id, since) values ($1, $2, $3)
on conflict (id) do update set into_id = excluded.into_id, since = excluded.since where a.since <= excluded.since
"""


async def aliases_of(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> Mapping[str, str]:
    """Whom those of these ids stand for that were merged into others; the rest are missing."""
    rows = await raw.fetch("select id, into_id from customer_alias where id = any($1::text[])", list(ids))
    return {row["id"]: row["into_id"] for row in rows}


async def record_alias(raw: "asyncpg.Connection[asyncpg.Record]", id_: str, into_id: str, since: datetime) -> None:
    """From now on `id_` stands for `into_id`, and so does every id that stood for `id_`.

    Where `into_id` was merged into `id_` before, this says the contrary: the later word holds.
    """
    known = await aliases_of(raw, [into_id])
    if known.get(into_id) == id_:
        await raw.execute("delete from customer_alias where id = $1", into_id)
    final = into_id if known.get(into_id) in {None, id_} else known[into_id]
    await raw.execute(_RECORD, id_, final, since)
    await raw.execute("update customer_alias set into_id = $2 where into_id = $1 and id <> $2", id_, final)


async def who_is_meant(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> Mapping[str, str]:
    """Whose cases are meant by ids that stand for others: theirs, unless only the old one has an open case."""
    aliases = await aliases_of(raw, ids)
    if not aliases:
        return aliases
    rows = await raw.fetch(
        "select customer_id from crisis_case where status = 'open' and customer_id = any($1::text[])",
        [*aliases, *aliases.values()],
    )
    busy = {row["customer_id"] for row in rows}
    return {old: new for old, new in aliases.items() if new in busy or old not in busy}
