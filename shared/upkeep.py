"""What a service tidies up now and then: key use is written, what has been kept long enough is forgotten."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from shared.auth.authenticators import KeyAuthenticator
from shared.bus.inbox import forget_before
from shared.clock import Clock, SystemClock
from shared.db.database import Database, raw_connection
from shared.jobs.store import forget_ended
from shared.web.idempotency import forget_answers
from shared.worker import Heartbeat, run_until_cancelled

log = structlog.get_logger(__name__)

INBOX_KEPT: Final = timedelta(days=45)
"""Longer than any topic keeps its records, so that a replay finds its repeats known."""
JOBS_KEPT: Final = timedelta(days=30)
_EVERY: Final = 30.0
_BATCH, _ROUNDS = 10_000, 100  # short transactions, and as many as keep up with the fastest consumer


class Upkeep:
    """Tidies one service's database every half minute. Replicas may do it at the same time."""

    def __init__(self, database: Database, clock: Clock, authenticator: KeyAuthenticator | None) -> None:
        self._database = database
        self._clock = clock
        self._authenticator = authenticator
        self.heartbeat = Heartbeat("upkeep")

    async def run(self) -> None:
        """Tidy for ever."""
        await run_until_cancelled(self.turn, every=_EVERY)

    async def turn(self) -> None:
        """Tidy once; what cannot be done now is done the next time."""
        for step in (self.write_key_use, self._answers, self._inbox, self._jobs):
            self.heartbeat.beat()
            await _tolerantly(step)

    async def write_key_use(self) -> None:
        """Write when API keys were last used."""
        if self._authenticator is not None:
            await self._authenticator.flush()

    async def _answers(self) -> None:
        for _ in range(_ROUNDS):
            async with self._database.begin() as connection:
                if await forget_answers(await raw_connection(connection), datetime.now(UTC), limit=_BATCH) < _BATCH:
                    return

    async def _inbox(self) -> None:
        # On a stepped clock days pass in seconds, but the broker keeps its records by real time.
        if not isinstance(self._clock, SystemClock):
            return
        before = self._clock.now() - INBOX_KEPT
        for _ in range(_ROUNDS):
            async with self._database.begin() as connection:
                if await forget_before(await raw_connection(connection), before, limit=_BATCH) < _BATCH:
                    return

    async def _jobs(self) -> None:
        async with self._database.begin() as connection:
            await forget_ended(await raw_connection(connection), self._clock.now() - JOBS_KEPT)


async def _tolerantly(step: Callable[[], Awaitable[None]]) -> None:
    try:
        await step()
    except Exception as error:  # noqa: BLE001 - one step that fails must not keep the others from being done
        log.warning("upkeep.skipped", step=step.__name__, error=type(error).__name__)
