"""Active documents in memory, exact: each use asks the database which versions are active, and reads only what changed.

The question is one look into a small partial index. Pinned versions never change, so they are read once.
"""

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

import asyncpg

from shared.documents.store import StoredDocument, pinned

T = TypeVar("T")
_MOST_PINNED: Final = 2000


class Documents(Generic[T]):
    """The documents of one kind as the domain wants them. `build` makes a stored version into that."""

    def __init__(self, kind: str, build: Callable[[StoredDocument], T]) -> None:
        self._kind = kind
        self._build = build
        self._built: dict[tuple[str, int], T] = {}
        self._active: dict[str, int] = {}
        self._all: dict[str, T] = {}

    async def active(self, raw: "asyncpg.Connection[asyncpg.Record]") -> Mapping[str, T]:
        """Every active document by key, as of this transaction. The same mapping is given until something changes."""
        rows = await raw.fetch("select key, version from document where kind = $1 and state = 'active'", self._kind)
        now_active = {row["key"]: row["version"] for row in rows}
        if now_active != self._active:
            found = {key: await self.pinned(raw, key, version) for key, version in sorted(now_active.items())}
            self._active, self._all = now_active, found
        return self._all

    async def pinned(self, raw: "asyncpg.Connection[asyncpg.Record]", key: str, version: int) -> T:
        """The version that something started with. Raises NotFound. Never ask it for a draft: drafts change."""
        built = self._built.get((key, version))
        if built is None:
            built = self._build(await pinned(raw, self._kind, key, version))
            if len(self._built) >= _MOST_PINNED:
                self._built.clear()
            self._built[key, version] = built
        return built
