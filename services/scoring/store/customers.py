"""Customers: their profile, and what was last published of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from services.scoring.domain.names import comparable, grams
from services.scoring.domain.profile import COLUMNS, Profile, of_stored
from services.scoring.domain.standing import ClassSource, ServiceClass
from services.scoring.store.raw import Raw
from shared.db.packing import pack, unpacked

_STATES: Final = f"""
select customer_id, segment, service_class, service_class_source, primary_model, revenue_band, revenue_currency,
       published is null
from customer_state where customer_id = any({unpacked("$1")})
"""


@dataclass(frozen=True, slots=True)
class CustomerState:
    """What regrading needs to know of a customer.

    `revenue_band` is None while the yearly revenue is not known; `unpublished` says that no snapshot was ever sent.
    """

    id: str
    segment: str | None
    service_class: ServiceClass
    service_class_source: ClassSource
    primary_model: str | None
    revenue_band: int | None
    revenue_currency: str | None
    unpublished: bool = False


async def state_rows(raw: Raw, ids: Iterable[str]) -> list[Sequence[Any]]:
    """The states of those of `ids` that are known, as rows: most are looked at and left."""
    return list(await raw.fetch(_STATES, pack(ids)))


_ENSURE: Final = f"""
with fresh as (
    insert into customer (id, first_seen_at) select id, $2 from unnest({unpacked("$1")}) as given (id)
    on conflict do nothing returning id
)
insert into customer_state (customer_id) select id from fresh returning customer_id
"""


async def ensure(raw: Raw, ids: Iterable[str], *, now: datetime) -> frozenset[str]:
    """Make rows for customers who were never heard of; answers who they are. All must be locked."""
    return frozenset(row[0] for row in await raw.fetch(_ENSURE, pack(sorted(ids)), now))


_PROFILES: Final = f"""
select id, {", ".join(COLUMNS)}, details::text, field_times::text from customer
where id = any({unpacked("$1")})
"""


async def profiles(raw: Raw, ids: Iterable[str]) -> dict[str, Profile]:
    """The profiles of those of `ids` that are known."""
    found = {}
    for row in await raw.fetch(_PROFILES, pack(ids)):
        columns = {name: row[name] for name in COLUMNS}
        found[row["id"]] = of_stored(columns, orjson.loads(row["details"]), orjson.loads(row["field_times"]))
    return found


_SAVE_PROFILES: Final = """
update customer c set
    name = p.name, segment = p.segment, region = p.region, account_manager = p.account_manager,
    industry = p.industry, size = p.size, since = p.since, parent_customer_id = p.parent_customer_id,
    payment_terms_days = p.payment_terms_days, details = p.details::jsonb, field_times = p.field_times::jsonb,
    search_name = p.search_name, name_grams = string_to_array(p.name_grams, E'\\x1f'),
    revision = c.revision + p.edits
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::date[], $9::text[],
            $10::int[], $11::text[], $12::text[], $13::text[], $14::text[], $15::int[])
    as p (id, name, segment, region, account_manager, industry, size, since, parent_customer_id, payment_terms_days,
          details, field_times, search_name, name_grams, edits)
where c.id = p.id
"""


_SAVE_SEGMENTS: Final = """
update customer_state s set segment = p.segment from unnest($1::text[], $2::text[]) as p (id, segment)
where s.customer_id = p.id and s.segment is distinct from p.segment
"""


async def save_profiles(raw: Raw, changed: Mapping[str, tuple[Profile, int]]) -> None:
    """Write profiles; the number beside each is by how much its revision grows."""
    rows = []
    for customer_id in sorted(changed):
        profile, edits = changed[customer_id]
        name = comparable(profile.get("name") or "")
        rows.append(
            (
                customer_id,
                *(profile.get(column) for column in COLUMNS),
                orjson.dumps(profile.details()).decode(),
                orjson.dumps(profile.told).decode(),
                name,
                "\x1f".join(sorted(grams(name))),
                edits,
            )
        )
    await raw.execute(_SAVE_PROFILES, *(list(column) for column in zip(*rows, strict=True)))
    await raw.execute(_SAVE_SEGMENTS, [row[0] for row in rows], [row[1 + COLUMNS.index("segment")] for row in rows])


@dataclass(frozen=True, slots=True)
class Published:
    """What the next snapshot of a customer is made of, and the last one sent."""

    id: str
    name: str | None
    segment: str | None
    region: str | None
    account_manager: str | None
    parent_customer_id: str | None
    last: Mapping[str, Any] | None
    sequence: int


_PUBLISHED: Final = f"""
select c.id, c.name, c.segment, c.region, c.account_manager, c.parent_customer_id, t.published,
       coalesce(s.sequence, 0)
from customer c join customer_state t on t.customer_id = c.id left join subject s on s.id = c.id
where c.id = any({unpacked("$1")})
"""


async def published(raw: Raw, ids: Iterable[str]) -> dict[str, Published]:
    """The published side of these customers, who must be locked: `sequence` is the number of their last event."""
    found = {}
    for row in await raw.fetch(_PUBLISHED, pack(ids)):
        one = Published(*row)
        found[one.id] = replace(one, last=None if row[6] is None else orjson.loads(row[6]))
    return found


_SAVE_PUBLISHED: Final = f"""
update customer_state c set
    service_class = p.service_class, service_class_source = p.source, primary_model = p.primary_model,
    revenue_band = p.band, revenue_currency = p.currency,
    published = coalesce(p.published, c.published), version = coalesce(p.version, c.version)
from unnest({unpacked("$1")}, {unpacked("$2")}, {unpacked("$3")}, {unpacked("$4")}, {unpacked("$5", "smallint")},
            {unpacked("$6")}, {unpacked("$7")}, {unpacked("$8", "bigint")})
    as p (id, service_class, source, primary_model, band, currency, published, version)
where c.customer_id = p.id
"""


async def save_published(raw: Raw, saved: Sequence[tuple[CustomerState, Mapping[str, Any] | None, int | None]]) -> None:
    """Write states, with the snapshot and the version that were sent for those for whom anything was sent."""
    rows = [
        (
            state.id,
            state.service_class,
            state.service_class_source,
            state.primary_model,
            state.revenue_band,
            state.revenue_currency,
            None if snapshot is None else orjson.dumps(snapshot).decode(),
            version,
        )
        for state, snapshot, version in sorted(saved, key=lambda one: one[0].id)
    ]
    if rows:
        await raw.execute(_SAVE_PUBLISHED, *(pack(column) for column in zip(*rows, strict=True)))


async def ids_after(raw: Raw, after: str, *, limit: int) -> list[str]:
    """The next customers in the order of their ids."""
    rows = await raw.fetch("select id from customer where id > $1 order by id limit $2", after, limit)
    return [row[0] for row in rows]


async def count(raw: Raw) -> int:
    """How many customers there are."""
    return int(await raw.fetchval("select count(*) from customer"))


async def revision(raw: Raw, customer_id: str) -> int | None:
    """The revision of a customer's profile; None for one who was never heard of."""
    found: int | None = await raw.fetchval("select revision from customer where id = $1", customer_id)
    return found


async def count_edit(raw: Raw, customer_id: str) -> int:
    """Note that people edited the profile of a known customer; answers the new revision."""
    statement = "update customer set revision = revision + 1 where id = $1 returning revision"
    return int(await raw.fetchval(statement, customer_id))
