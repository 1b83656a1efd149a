"""Locking the roots of order.

Every transaction locks the subjects (customers, mostly) that it touches first and in sorted order, so that nothing
deadlocks and what happens to one subject is serial in this service.
"""

from collections.abc import Iterable

import asyncpg

from shared.db.packing import pack, unpacked

_IDS = unpacked("$1")
_MISSING = f"""
select id from unnest({_IDS}) as wanted (id) where not exists (select from subject where subject.id = wanted.id)
"""  # noqa: S608 - constants of ours
_INSERT = f"insert into subject (id) select unnest({_IDS}) on conflict do nothing"
_LOCK = f"select id from subject where id = any({_IDS}) order by id for update"  # noqa: S608


_NUMBER = f"""
insert into subject as s (id, sequence)
select id, n from unnest({_IDS}, {unpacked("$2", "bigint")}) as new (id, n)
on conflict (id) do update set sequence = s.sequence + excluded.sequence
returning id, sequence
"""  # noqa: S608


async def lock_subjects(
    raw: "asyncpg.Connection[asyncpg.Record]", subjects: Iterable[str], *, skip_locked: bool = False
) -> frozenset[str]:
    """Lock the rows of `subjects` until the transaction ends; answers the ids now locked.

    Missing rows are made, but not with `skip_locked`: a row that another transaction is just making is held by it.
    """
    ids = sorted(set(subjects))
    if not ids:
        return frozenset()
    # New rows first, then all locks: taken the other way round, a row that appears in between could close a circle.
    if not skip_locked:
        await make_subjects(raw, ids)
    locked = await raw.fetch(_LOCK + (" skip locked" if skip_locked else ""), pack(ids))
    return frozenset(row["id"] for row in locked)


async def make_subjects(raw: "asyncpg.Connection[asyncpg.Record]", ids: list[str]) -> None:
    """Make the rows of these sorted ids that are missing, without locking the others."""
    missing = sorted(row["id"] for row in await raw.fetch(_MISSING, pack(ids)))
    if missing:
        await raw.execute(_INSERT, pack(missing))


async def number_events(raw: "asyncpg.Connection[asyncpg.Record]", counts: dict[str, int]) -> dict[str, int]:
    """Advance each subject's counter by its count of new events; answers the counter before, per subject."""
    if not counts:
        return {}
    ids = sorted(counts)
    rows = await raw.fetch(
        _NUMBER,
        pack(ids),
        pack(counts[subject] for subject in ids),
    )
    return {row["id"]: row["sequence"] - counts[row["id"]] for row in rows}
