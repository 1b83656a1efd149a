"""The sender: claims due deliveries, sends them side by side outside any transaction, records outcomes in batches."""

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from services.notify.channels.port import Channel, Parcel
from services.notify.domain.outcome import Outcome, Verdict
from services.notify.kinds import Books
from services.notify.names import ACK_KEY
from services.notify.parcels import parcel_of
from services.notify.recorder import Recorder
from services.notify.store.queue import due, next_retry
from services.notify.usecases.claim import Claimed, Outgoing, claim
from services.notify.usecases.record import Tries
from shared.clock import Clock
from shared.db.database import Database, is_transient, raw_connection
from shared.db.secrets import signing_key
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.ids import new_id
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_BUSY_PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """How the sender works. `haste` divides the pauses between tries, for drills and tests; seconds are real time."""

    public_url: str
    ack_days: int = 7
    concurrency: int = 128
    batch: int = 200
    lease_seconds: float = 30.0
    finish_seconds: float = 8.0
    haste: float = 1.0


class Sender:
    """Sends for one service; any number of processes may run one each."""

    def __init__(
        self,
        database: Database,
        uow: UnitOfWorkFactory,
        clock: Clock,
        channels: Mapping[str, Channel],
        books: Books,
        settings: SenderSettings,
    ) -> None:
        self._database = database
        self._uow = uow
        self._clock = clock
        self._channels = channels
        self._books = books
        self._settings = settings
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._ack_key: bytes | None = None
        self._recorder = Recorder(
            database, uow, wake=self.wake, haste=settings.haste, lease_seconds=settings.lease_seconds
        )
        self.heartbeat = Heartbeat("sender")

    @property
    def sent(self) -> int:
        """Deliveries that a provider took over from this process."""
        return self._recorder.succeeded

    def wake(self) -> None:
        """Say that deliveries may have become due: after a commit that wrote some, or a move of the clock."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; then what is on its way is finished and recorded, within `finish_seconds`.

        The channels' connections are closed at the end; a channel opens them anew when it is used again.
        """
        recording = asyncio.create_task(self._recorder.run(), name="sender-recorder")
        try:
            await self._claim_for_ever(recording)
        finally:
            with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
                await asyncio.wait_for(self._finish(), self._settings.finish_seconds)
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording
            await asyncio.gather(*(channel.close() for channel in self._channels.values()), return_exceptions=True)

    async def _claim_for_ever(self, recording: "asyncio.Task[None]") -> None:
        attempt = 0
        while True:
            self.heartbeat.beat()
            self._woken.clear()
            if recording.done():
                recording.result()
            try:
                await self._recorder.take_over_from_the_dead(self._is_idempotent)
                pause = await self._claim_once()
                attempt = 0
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("sender.retry", error=type(error).__name__, attempt=attempt)
                pause = backoff(attempt)
            if pause > 0:
                await self._rest(pause)

    async def _claim_once(self) -> float:
        """Claim and begin to send; answers how long to rest, 0 for not at all."""
        room = self._settings.concurrency - len(self._sending)
        if room <= 0:
            return 0.05
        try:
            claimed = await self._claim(min(room, self._settings.batch))
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("sender.claim_failed")
            return await self._claim_one_by_one()
        if claimed.outgoing:
            return 0.0
        return _BUSY_PAUSE if claimed.more else await self._until_next()

    async def _claim(self, limit: int, *, only: list[str] | None = None) -> Claimed:
        async with self._uow() as work:
            claimed = await claim(
                work,
                self._books,
                limit=limit,
                token=new_id(),
                wall=datetime.now(UTC),
                lease_for=timedelta(seconds=self._settings.lease_seconds),
                only=only,
            )
        for outgoing in claimed.outgoing:
            task = asyncio.create_task(self._send(outgoing))
            self._sending.add(task)
            task.add_done_callback(self._sent)
        return claimed

    def _sent(self, task: "asyncio.Task[None]") -> None:
        if len(self._sending) >= self._settings.concurrency:
            self.wake()  # there is room again
        self._sending.discard(task)

    async def _claim_one_by_one(self) -> float:
        """One delivery in the batch cannot be handled: find it and set it aside, so that the others leave."""
        async with self._database.read() as connection:
            raw = await raw_connection(connection)
            candidates = await due(raw, self._clock.now(), datetime.now(UTC), self._settings.batch)
        for candidate in candidates:
            try:
                await self._claim(1, only=[candidate.id])
            except Exception as error:
                if is_transient(error):
                    raise
                await self._recorder.set_aside(candidate.id, candidate.subject, error)
        return _BUSY_PAUSE

    async def _until_next(self) -> float:
        """Real seconds until a pause or lease ends; at most one, for other replicas and moves of the clock."""
        wall = datetime.now(UTC)
        async with self._database.read() as connection:
            moment = await next_retry(await raw_connection(connection), wall)
        if moment is None:
            return 1.0
        return min(1.0, max(_BUSY_PAUSE, (moment - wall).total_seconds()))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _send(self, outgoing: Outgoing) -> None:
        started = datetime.now(UTC)
        row = outgoing.row
        outcome, defect = await self._hand_over(outgoing, started)
        self._recorder.keep(
            Tries(
                row=row,
                number=outgoing.attempt,
                lease=outgoing.lease,
                contact_point=outgoing.point.id,
                outcome=outcome,
                started=started,
                ended=datetime.now(UTC),
                jitter=random.random(),  # noqa: S311 - jitter, not a secret
                idempotent=self._is_idempotent(row.channel),
                defect=defect,
            )
        )

    async def _hand_over(self, outgoing: Outgoing, started: datetime) -> tuple[Outcome, str | None]:
        """What became of it, and what was wrong with its template, if anything."""
        row = outgoing.row
        channel = self._channels.get(row.channel)
        if channel is None:
            return Outcome(Verdict.REJECTED_PERMANENT, f"the channel {row.channel} is not set up"), None
        try:
            parcel = await self._parcel(outgoing, started)
        except Exception as error:  # noqa: BLE001 - nothing has left yet, so it may be tried again whatever it was
            log.warning("sender.not_prepared", delivery=row.id, error=type(error).__name__, detail=str(error)[:300])
            return Outcome(Verdict.REJECTED_RETRYABLE, f"not sent: {type(error).__name__}"), None
        try:
            return await channel.send(parcel), parcel.content.defect
        except Exception as error:
            log.exception("sender.failed", delivery=row.id, channel=row.channel)
            return Outcome(Verdict.UNKNOWN, f"unforeseen: {type(error).__name__}"), parcel.content.defect

    async def _parcel(self, outgoing: Outgoing, wall: datetime) -> Parcel:
        if self._ack_key is None:
            async with self._uow() as work:
                self._ack_key = await signing_key(work.raw, ACK_KEY, work.now)
        settings = self._settings
        return parcel_of(
            outgoing, public_url=settings.public_url, ack_days=settings.ack_days, key=self._ack_key, wall=wall
        )

    def _is_idempotent(self, name: str) -> bool:
        channel = self._channels.get(name)
        return channel is not None and channel.idempotent

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)
        await self._recorder.emptied()
