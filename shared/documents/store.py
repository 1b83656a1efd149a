"""Versions of documents in the database: draft, active, retired; an active or retired version never changes.

Whatever runs keeps the version it started with (`pinned`); what starts takes the active one. There is at most one
active version per key: activating another retires it in the same transaction.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg
import orjson

from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound

State = Literal["draft", "active", "retired"]
Origin = Literal["shipped", "operator"]
COLUMNS: Final = (
    "kind, key, version, state, body, compiled, revision, origin, digest,"
    " created_by, created_at, activated_at, retired_at"
)


class NotADraft(Conflict):
    """Only a draft can be changed or activated; make a new version."""

    slug = "not-a-draft"
    zh = "只有草稿可以修改或启用，请新建版本。"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version. `compiled` is what activation made of the body once and for all, where its kind does that."""

    kind: str
    key: str
    version: int
    state: State
    body: Mapping[str, Any]
    compiled: Mapping[str, Any] | None
    revision: int
    origin: Origin
    digest: str
    created_by: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None

    @property
    def tag(self) -> str:
        """What its ETag says: version and revision of the draft."""
        return f"{self.version}.{self.revision}"


def digest_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of a document's content, whatever the order of its fields."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def create_draft(
    work: UnitOfWork, kind: str, key: str, body: Mapping[str, Any], *, by: str, origin: Origin = "operator"
) -> StoredDocument:
    """A new draft with the next version number of its key."""
    await _lock(work, kind, key)
    row = await work.raw.fetchrow(
        f"insert into document (kind, key, version, state, body, origin, digest, created_by, created_at)"  # noqa: S608
        f" select $1, $2, coalesce(max(version), 0) + 1, 'draft', $3::json, $4, $5, $6, $7"
        f" from document where kind = $1 and key = $2 returning {COLUMNS}",
        kind,
        key,
        orjson.dumps(dict(body)).decode(),
        origin,
        digest_of(body),
        by,
        work.now,
    )
    return _stored(row)


async def update_draft(work: UnitOfWork, document: StoredDocument, body: Mapping[str, Any]) -> StoredDocument:
    """Replace the content of a draft read with `for_update`. Raises NotADraft."""
    require_draft(document)
    row = await work.raw.fetchrow(
        f"update document set body = $4::json, digest = $5, revision = revision + 1"  # noqa: S608
        f" where kind = $1 and key = $2 and version = $3 returning {COLUMNS}",
        document.kind,
        document.key,
        document.version,
        orjson.dumps(dict(body)).decode(),
        digest_of(body),
    )
    return _stored(row)


async def activate(
    work: UnitOfWork, document: StoredDocument, *, compiled: Mapping[str, Any] | None = None
) -> StoredDocument:
    """Make a draft read with `for_update` the active version and retire the one before. Raises NotADraft."""
    require_draft(document)
    await retire(work, document.kind, document.key)
    row = await work.raw.fetchrow(
        f"update document set state = 'active', activated_at = $4, compiled = $5::json"  # noqa: S608
        f" where kind = $1 and key = $2 and version = $3 returning {COLUMNS}",
        document.kind,
        document.key,
        document.version,
        work.now,
        None if compiled is None else orjson.dumps(compiled).decode(),
    )
    return _stored(row)


async def retire(work: UnitOfWork, kind: str, key: str) -> StoredDocument | None:
    """Retire the active version, if there is one; nothing new starts on it."""
    await _lock(work, kind, key)
    row = await work.raw.fetchrow(
        f"update document set state = 'retired', retired_at = $3"  # noqa: S608
        f" where kind = $1 and key = $2 and state = 'active' returning {COLUMNS}",
        kind,
        key,
        work.now,
    )
    return None if row is None else _stored(row)


async def for_update(work: UnitOfWork, kind: str, key: str, version: int) -> StoredDocument:
    """A version, held against changes by others until the transaction ends. Raises NotFound."""
    await _lock(work, kind, key)
    return await pinned(work.raw, kind, key, version)


async def pinned(raw: "asyncpg.Connection[asyncpg.Record]", kind: str, key: str, version: int) -> StoredDocument:
    """One version, in whatever state. Raises NotFound."""
    row = await raw.fetchrow(
        f"select {COLUMNS} from document where kind = $1 and key = $2 and version = $3",  # noqa: S608
        kind,
        key,
        version,
    )
    if row is None:
        raise NotFound(f"there is no version {version} of {key!r}")
    return _stored(row)


async def active(raw: "asyncpg.Connection[asyncpg.Record]", kind: str, key: str) -> StoredDocument | None:
    """The active version of a key."""
    row = await raw.fetchrow(
        f"select {COLUMNS} from document where kind = $1 and key = $2 and state = 'active'",  # noqa: S608
        kind,
        key,
    )
    return None if row is None else _stored(row)


async def all_active(raw: "asyncpg.Connection[asyncpg.Record]", kind: str) -> list[StoredDocument]:
    """Every active version of a kind, by key."""
    rows = await raw.fetch(
        f"select {COLUMNS} from document where kind = $1 and state = 'active' order by key",  # noqa: S608
        kind,
    )
    return [_stored(row) for row in rows]


async def versions(
    raw: "asyncpg.Connection[asyncpg.Record]",
    kind: str,
    key: str,
    *,
    state: State | None = None,
    below: int | None = None,
    limit: int = 1000,
) -> list[StoredDocument]:
    """Versions of a key, the newest first: those in a state, those below a number."""
    rows = await raw.fetch(
        f"select {COLUMNS} from document where kind = $1 and key = $2"  # noqa: S608
        " and ($3::int is null or version < $3) and ($5::text is null or state = $5)"
        " order by version desc limit $4",
        kind,
        key,
        below,
        limit,
        state,
    )
    return [_stored(row) for row in rows]


async def newest_activated(raw: "asyncpg.Connection[asyncpg.Record]", kind: str, key: str) -> int:
    """The highest version of a key that is or was active; 0 where there is none."""
    found: int = await raw.fetchval(
        "select coalesce(max(version), 0) from document where kind = $1 and key = $2 and state <> 'draft'", kind, key
    )
    return found


def require_draft(document: StoredDocument) -> None:
    """Raise NotADraft where it is none."""
    if document.state != "draft":
        raise NotADraft(f"version {document.version} is {document.state}", state=document.state, version=document.tag)


async def _lock(work: UnitOfWork, kind: str, key: str) -> None:
    await work.raw.execute("select pg_advisory_xact_lock(hashtextextended($1, 7))", f"document:{kind}:{key}")


def _stored(row: Mapping[str, Any] | None) -> StoredDocument:
    assert row is not None
    return StoredDocument(**dict(row))
