"""API keys behind the `Authenticator` port: a hot key costs a hash and a look into a dictionary.

What was found is believed for a few seconds, so a revoked key works that long at most. `last_used` is
written in batches.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.auth.keys import ACTOR, START, KeyRecord, digest_of, find_by_digest, mark_used
from shared.auth.principal import Principal
from shared.clock import Clock, SystemClock
from shared.db.database import Database, raw_connection
from shared.errors import Unauthenticated

TRUST_SECONDS: Final = 3.0
"""How long a looked-up key is believed: the most that a revocation takes to act."""
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    key: KeyRecord | None
    principal: Principal | None
    until: float


class KeyAuthenticator:
    """Authenticates API keys of one service's database."""

    def __init__(self, database: Database, *, clock: Clock | None = None, trust_seconds: float = TRUST_SECONDS) -> None:
        """`clock` is real time unless a test brings its own: the expiry of a key does not follow the business clock."""
        self._database = database
        self._clock = clock or SystemClock()
        self._trust = trust_seconds
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Future[_Known]] = {}
        self._used: dict[str, datetime] = {}

    async def authenticate(self, credential: str) -> Principal:
        if not credential.startswith(START):
            raise Unauthenticated("this is not a key of ours")
        digest = digest_of(credential)
        known = self._known.get(digest)
        if known is None or known.until < time.monotonic():
            known = await self._look_up(digest)
        now = self._clock.now()
        if known.key is None or known.principal is None:
            raise Unauthenticated("the key is not known here")
        if known.key.revoked_at is not None:
            raise Unauthenticated("the key was revoked")
        if known.key.expires_at is not None and known.key.expires_at <= now:
            raise Unauthenticated(f"the key expired at {known.key.expires_at.isoformat()}")
        self._used[known.key.id] = now
        return known.principal

    async def flush(self) -> None:
        """Write when keys were last used; what cannot be written now is kept for the next time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._database.begin() as connection:
                await mark_used(await raw_connection(connection), used)
        except BaseException:
            self._used = {**used, **self._used}
            raise

    async def _look_up(self, digest: bytes) -> _Known:
        """Ask the database once, however many requests come with the same key at the same time."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.ensure_future(self._ask(digest))
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes) -> _Known:
        async with self._database.read() as connection:
            key = await find_by_digest(await raw_connection(connection), digest)
        principal = None if key is None else Principal(id=f"{ACTOR}{key.lineage}", name=key.name, scopes=key.scopes)
        known = _Known(key, principal, time.monotonic() + self._trust)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()  # a flood of guesses must not fill the memory
        self._known[digest] = known
        return known
