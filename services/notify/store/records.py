"""Records that people edit: made or changed under the version that was read."""

from collections.abc import Mapping
from typing import Any

from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound, PreconditionRequired
from shared.web.etags import Precondition


async def put(
    work: UnitOfWork, table: str, key: Mapping[str, Any], fields: Mapping[str, Any], expected: Precondition | None
) -> tuple[dict[str, Any], bool]:
    """Make the record or change it; answers it and whether it is new.

    A change needs the version that was read: raises PreconditionRequired without one and PreconditionFailed when the
    record has moved on, or is not there although a version was given.
    """
    made = await _insert(work, table, key, fields) if expected is None else None
    if made is not None:
        return made, True
    conditions = " and ".join(f"{name} = ${place}" for place, name in enumerate(key, 1))
    current = await work.raw.fetchval(f"select revision from {table} where {conditions} for update", *key.values())
    if expected is None:
        raise PreconditionRequired('it exists: send the ETag that you read as If-Match, for example If-Match: "7"')
    expected.check(current if current is not None else "absent")
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(fields, 2 + len(key)))
    row = await work.raw.fetchrow(
        f"update {table} set {changes}, revision = revision + 1, updated_at = ${1 + len(key)}"
        f" where {conditions} returning *",
        *key.values(),
        work.now,
        *fields.values(),
    )
    assert row is not None
    return dict(row), False


async def remove(work: UnitOfWork, table: str, key: Mapping[str, str], expected: Precondition) -> None:
    """Remove a record at the version that was read. Raises NotFound and PreconditionFailed."""
    conditions = " and ".join(f"{name} = ${place}" for place, name in enumerate(key, 1))
    revision = await work.raw.fetchval(f"select revision from {table} where {conditions} for update", *key.values())
    if revision is None:
        raise NotFound
    expected.check(revision)
    await work.raw.execute(f"delete from {table} where {conditions}", *key.values())


async def _insert(
    work: UnitOfWork, table: str, key: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any] | None:
    values = {**key, **fields, "created_at": work.now, "updated_at": work.now}
    places = ", ".join(f"${place}" for place in range(1, 1 + len(values)))
    row = await work.raw.fetchrow(
        f"insert into {table} ({', '.join(values)}) values ({places}) on conflict do nothing returning *",
        *values.values(),
    )
    return None if row is None else dict(row)


async def missing(work: UnitOfWork, table: str, ids: list[str]) -> list[str]:
    """Those of `ids` that the table does not have."""
    rows = await work.raw.fetch(
        f"select id from unnest($1::text[]) as wanted (id) where not exists"
        f" (select from {table} where {table}.id = wanted.id)",
        ids,
    )
    return sorted(row["id"] for row in rows)
