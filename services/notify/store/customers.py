"""The projection of customers: what notify knows of each from scoring's snapshots."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

_UPSERT = """
insert into customer as c (id, name, account_manager, service_class, segment, region, merged_into, version, updated_at)
select id, name, account_manager, service_class, segment, region, merged_into, version, $9
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
     as snapshot (id, name, account_manager, service_class, segment, region, merged_into, version)
on conflict (id) do update set
    name = excluded.name, account_manager = excluded.account_manager, service_class = excluded.service_class,
    segment = excluded.segment, region = excluded.region, merged_into = excluded.merged_into,
    version = excluded.version, updated_at = excluded.updated_at
where excluded.version > c.version
"""


async def keep_snapshots(
    raw: "asyncpg.Connection[asyncpg.Record]", snapshots: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Keep the newest snapshot of each customer; an older version changes nothing."""
    newest: dict[str, Mapping[str, Any]] = {}
    for snapshot in snapshots:
        id_ = snapshot["customer_id"]
        if id_ not in newest or snapshot["version"] > newest[id_]["version"]:
            newest[id_] = snapshot
    rows = [newest[id_] for id_ in sorted(newest)]
    columns = ("customer_id", "name", "account_manager", "service_class", "segment", "region", "merged_into", "version")
    await raw.execute(_UPSERT, *([row.get(column) for row in rows] for column in columns), now)


async def load_names(raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str]) -> dict[str, str]:
    """Names of customers, where they are known."""
    rows = await raw.fetch("select id, name from customer where id = any($1::text[]) and name is not null", ids)
    return {row["id"]: row["name"] for row in rows}
