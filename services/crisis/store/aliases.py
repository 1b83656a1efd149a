"""Customers that turned out to be others: which id stands for whom."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import asyncpg

_RECORD = """
insert into customer_alias as a (id, into_id, since) values ($1, $2, $3)
on conflict (id) do update set into_id = excluded.into_id, since = excluded.since where a.since <= excluded.since
"""

_KIN = """
with asked as (
    select wanted.id, coalesce(a.into_id, wanted.id) as root
    from unnest($1::text[]) as wanted (id) left join customer_alias a on a.id = wanted.id
)
select asked.id, asked.root, k.id as kin from asked join customer_alias k on k.into_id = asked.root
"""


async def aliases_of(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> Mapping[str, str]:
    """Whom those of these ids stand for that were merged into others; the rest are missing."""
    rows = await raw.fetch("select id, into_id from customer_alias where id = any($1::text[])", list(ids))
    return {row["id"]: row["into_id"] for row in rows}


async def record_alias(raw: "asyncpg.Connection[asyncpg.Record]", id_: str, into_id: str, since: datetime) -> None:
    """From now on `id_` stands for `into_id`, and so does every id that stood for `id_`.

    Where `into_id` was merged into `id_`, one of the two says the contrary of the other: the later word holds, in
    whatever order they come, for they come by different keys.
    """
    known = await raw.fetchrow("select into_id, since from customer_alias where id = $1", into_id)
    final = into_id if known is None else known["into_id"]
    if known is not None and final == id_:
        if since < known["since"]:
            return
        final = into_id
        await raw.execute("delete from customer_alias where id = $1", into_id)
    await raw.execute(_RECORD, id_, final, since)
    await raw.execute("update customer_alias set into_id = $2 where into_id = $1 and id <> $2", id_, final)


async def kin_of(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """All ids of the same customer as each of these, the one that remains first; of one id alone nothing is said."""
    kin: dict[str, list[str]] = {}
    for row in await raw.fetch(_KIN, list(ids)):
        kin.setdefault(row["id"], [row["root"]]).append(row["kin"])
    return kin


async def who_is_meant(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> Mapping[str, str]:
    """Whose cases are meant where a customer has several ids: of that with the open case, else of the one that remains.

    Where several have one, the one that remains comes first, then the id itself. Ids that mean themselves are missing.
    """
    kin = await kin_of(raw, ids)
    if not kin:
        return {}
    rows = await raw.fetch(
        "select customer_id from crisis_case where status = 'open' and customer_id = any($1::text[])",
        list({one for group in kin.values() for one in group}),
    )
    busy = {row["customer_id"] for row in rows}
    meant = {id_: _meant(id_, group, busy) for id_, group in kin.items()}
    return {id_: other for id_, other in meant.items() if other != id_}


def _meant(id_: str, group: Sequence[str], busy: Collection[str]) -> str:
    remaining, *others = group
    return next((one for one in (remaining, id_, *sorted(others)) if one in busy), remaining)
