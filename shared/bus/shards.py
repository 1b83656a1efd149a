"""Who relays what: shards of the outbox are owned by session advisory locks, which an owner's death frees at once.

Who comes first takes all that is free; others stand by, and tell the owner of rows that they have just committed.
"""

from typing import Final

import asyncpg

from shared.db.tables import SHARDS

CHANNEL: Final = "moat_outbox"
_LOCK_CLASS: Final = 0x4D4F_4154  # "MOAT": the first half of the advisory lock's name, the shard is the second
_TAKE: Final = "select shard, pg_try_advisory_lock($1, shard) as taken from unnest($2::int[]) as t (shard)"
_SECONDS: Final = 10.0


class Shards:
    """The shards that one session owns. The session must be closed in the end, not go back to a pool."""

    def __init__(self, session: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._session = session
        self.owned: list[int] = []

    @property
    def complete(self) -> bool:
        """Whether no shard is anyone else's."""
        return len(self.owned) == SHARDS

    async def take(self) -> None:
        """Try the shards that are not ours. Session locks nest, so owned ones are not asked for again."""
        wanted = [shard for shard in range(SHARDS) if shard not in self.owned]
        rows = await self._session.fetch(_TAKE, _LOCK_CLASS, wanted, timeout=_SECONDS)
        self.owned = sorted([*self.owned, *(row["shard"] for row in rows if row["taken"])])

    async def tell(self) -> None:
        """Wake the owners of the other shards: once for many commits, for a notifying commit waits for all others."""
        await self._session.execute(f"notify {CHANNEL}", timeout=_SECONDS)
