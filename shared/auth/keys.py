"""API keys: 32 random bytes behind a readable prefix, of which the database keeps the SHA-256 alone.

The hash needs no salt and no stretching: the key is random, not a password. Expiry is real time. Rotation makes a
second key of the same lineage that works beside the first until the overlap ends; the caller's identity is the lineage.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from shared.auth.scopes import SCOPES, unknown
from shared.ids import new_id

START: Final = "moat_"
ACTOR: Final = "key:"
"""What the id of a principal with a key begins with; its lineage follows."""
_COLUMNS: Final = "id, lineage, name, prefix, scopes, created_at, expires_at, revoked_at, replaced_by, last_used_at"


class UnknownKey(LookupError):  # noqa: N818 - a named fact
    """No key, or more than one, answers to that id, prefix or name."""


class UnknownScope(ValueError):  # noqa: N818 - a named fact
    """There is no such scope."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key; the key itself is not among it."""

    id: str
    lineage: str
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> str:
        """One word: valid, replaced (works until it expires), expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "valid" if self.replaced_by is None else "replaced"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `plain` is shown once and kept nowhere."""

    id: str
    prefix: str
    plain: str


def draw_key() -> NewKey:
    """A new random key, not yet known to any database."""
    prefix = START + secrets.token_hex(4)
    return NewKey(id=new_id(), prefix=prefix, plain=f"{prefix}_{secrets.token_urlsafe(32)}")


def digest_of(plain: str) -> bytes:
    """What is stored and looked up."""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


async def create_key(
    raw: "asyncpg.Connection[asyncpg.Record]",
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None = None,
    key: NewKey | None = None,
) -> NewKey:
    """Store a key, newly drawn unless given (one key may open several services). Raises UnknownScope."""
    wanted = sorted(set(scopes))
    strange = unknown(wanted)
    if strange or not wanted:
        raise UnknownScope(f"there is no scope {', '.join(strange)}" if strange else "a key needs at least one scope")
    made = key or draw_key()
    await _insert(raw, made, made.id, name, wanted, now, expires_at)
    return made


async def install_key(url: str, plain: str, *, name: str) -> None:
    """Let `plain` open everything in the database at `url`; a key already known there is left as it is."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"), timeout=10)
    try:
        await connection.execute(
            "insert into api_key (id, lineage, name, prefix, digest, scopes, created_at)"
            " values ($1, $1, $2, $3, $4, $5, $6) on conflict (digest) do nothing",
            new_id(),
            name,
            plain[: len(START) + 8],
            digest_of(plain),
            sorted(SCOPES),
            datetime.now(UTC),
        )
    finally:
        await connection.close()


async def rotate_key(
    raw: "asyncpg.Connection[asyncpg.Record]",
    which: str,
    *,
    now: datetime,
    overlap: timedelta,
    key: NewKey | None = None,
) -> NewKey:
    """Give the caller a second key with the same rights; the first stops working when `overlap` has passed.

    The new key lives as long as the old one was made to live. Raises UnknownKey, also for a key no longer valid.
    """
    old = await find_key(raw, which, now=now)
    made = key or draw_key()
    lifetime = None if old.expires_at is None else old.expires_at - old.created_at
    await _insert(
        raw, made, old.lineage, old.name, sorted(old.scopes), now, None if lifetime is None else now + lifetime
    )
    ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    await raw.execute("update api_key set replaced_by = $2, expires_at = $3 where id = $1", old.id, made.id, ends)
    return made


async def revoke_key(raw: "asyncpg.Connection[asyncpg.Record]", which: str, *, now: datetime) -> KeyRecord:
    """End a key at once; running services notice within seconds. Raises UnknownKey."""
    found = await find_key(raw, which, now=now)
    await raw.execute("update api_key set revoked_at = $2 where id = $1", found.id, now)
    return found


async def list_keys(raw: "asyncpg.Connection[asyncpg.Record]") -> list[KeyRecord]:
    """Every key, oldest first."""
    return [_record(row) for row in await raw.fetch(f"select {_COLUMNS} from api_key order by created_at, id")]  # noqa: S608


async def find_key(raw: "asyncpg.Connection[asyncpg.Record]", which: str, *, now: datetime) -> KeyRecord:
    """The one usable key with this id, prefix or name (a replaced one: by id or prefix). Raises UnknownKey."""
    rows = await raw.fetch(
        f"select {_COLUMNS} from api_key where revoked_at is null"  # noqa: S608
        " and (expires_at is null or expires_at > $2)"
        " and (id = $1 or prefix = $1 or (name = $1 and replaced_by is null))",
        which,
        now,
    )
    if len(rows) != 1:
        raise UnknownKey(
            f"no usable key is called {which!r}" if not rows else f"{len(rows)} keys are called {which!r}: give the id"
        )
    return _record(rows[0])


async def find_by_digest(raw: "asyncpg.Connection[asyncpg.Record]", digest: bytes) -> KeyRecord | None:
    """The key with this SHA-256, in whatever state."""
    row = await raw.fetchrow(f"select {_COLUMNS} from api_key where digest = $1", digest)  # noqa: S608
    return None if row is None else _record(row)


async def have_one_owner(raw: "asyncpg.Connection[asyncpg.Record]", actor: str, other: str) -> bool:
    """Whether two actors (ids of principals) are the same one, by whatever keys: the name of a key is its owner.

    A key that was rotated keeps its actor; one made anew, or besides, under the same name is the same owner's.
    """
    if actor == other:
        return True
    prefix = len(ACTOR) + 1
    found: bool = await raw.fetchval(
        "select exists (select from api_key a join api_key b on b.name = a.name where a.lineage = substr($1, $3)"
        " and b.lineage = substr($2, $3) and starts_with($1, $4) and starts_with($2, $4))",
        actor,
        other,
        prefix,
        ACTOR,
    )
    return found


async def mark_used(raw: "asyncpg.Connection[asyncpg.Record]", used: dict[str, datetime]) -> None:
    """Write when each key (by id) was last used."""
    await raw.execute(
        "update api_key set last_used_at = greatest(last_used_at, used.at)"
        " from unnest($1::text[], $2::timestamptz[]) as used (id, at) where api_key.id = used.id",
        list(used),
        list(used.values()),
    )


async def _insert(
    raw: "asyncpg.Connection[asyncpg.Record]",
    key: NewKey,
    lineage: str,
    name: str,
    scopes: list[str],
    now: datetime,
    expires_at: datetime | None,
) -> None:
    await raw.execute(
        "insert into api_key (id, lineage, name, prefix, digest, scopes, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.id,
        lineage,
        name,
        key.prefix,
        digest_of(key.plain),
        scopes,
        now,
        expires_at,
    )


def _record(row: asyncpg.Record) -> KeyRecord:
    return KeyRecord(**{**row, "scopes": frozenset(row["scopes"])})
