"""The sender: claims due deliveries, sends them side by side outside any transaction, records outcomes in batches."""

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from services.notify import metrics
from services.notify.channels.port import Channel
from services.notify.domain.outcome import Outcome, Verdict
from services.notify.kinds import Books
from services.notify.names import ACK_KEY
from services.notify.parcels import parcel_of
from services.notify.rendering import Content
from services.notify.store.queue import expired_leases, next_retry
from services.notify.usecases.claim import Outgoing, claim
from services.notify.usecases.record import Tries, died, load_dead, record
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
    lease_seconds: float = 45.0
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
        self._results: asyncio.Queue[Tries] = asyncio.Queue()
        self._sending: set[asyncio.Task[None]] = set()
        self._ack_key: bytes | None = None
        self._look_for_dead_at = 0.0
        self.heartbeat = Heartbeat("sender")
        self.sent = 0

    def wake(self) -> None:
        """Say that deliveries may have become due: after a commit that wrote some, or a move of the clock."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; then what is on its way is finished and recorded, within `finish_seconds`."""
        recorder = asyncio.create_task(self._record_for_ever(), name="sender-recorder")
        try:
            await self._claim_for_ever(recorder)
        finally:
            with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
                await asyncio.wait_for(self._finish(), self._settings.finish_seconds)
            recorder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recorder

    async def _claim_for_ever(self, recorder: "asyncio.Task[None]") -> None:
        attempt = 0
        while True:
            self.heartbeat.beat()
            self._woken.clear()
            if recorder.done():
                recorder.result()
            try:
                await self._take_over_from_the_dead()
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
        wall = datetime.now(UTC)
        token = new_id()
        async with self._uow() as work:
            claimed = await claim(
                work,
                self._books,
                limit=min(room, self._settings.batch),
                token=token,
                wall=wall,
                lease_for=timedelta(seconds=self._settings.lease_seconds),
            )
        for outgoing in claimed.outgoing:
            task = asyncio.create_task(self._send(outgoing))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        if claimed.outgoing:
            return 0.0
        return _BUSY_PAUSE if claimed.more else await self._until_next()

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
        content: Content | None = None
        try:
            parcel = parcel_of(
                outgoing,
                public_url=self._settings.public_url,
                ack_days=self._settings.ack_days,
                key=await self._key(),
                wall=started,
            )
            content = parcel.content
            outcome = await self._channels[row.channel].send(parcel)
        except KeyError:
            outcome = Outcome(Verdict.REJECTED_PERMANENT, f"the channel {row.channel} is not set up")
        except Exception as error:
            log.exception("sender.failed", delivery=row.id, channel=row.channel)
            outcome = Outcome(Verdict.UNKNOWN, f"unforeseen: {type(error).__name__}")
        channel = self._channels.get(row.channel)
        self._keep(
            Tries(
                row=row,
                number=outgoing.attempt,
                lease=outgoing.lease,
                contact_point=outgoing.point.id,
                outcome=outcome,
                started=started,
                ended=datetime.now(UTC),
                jitter=random.random(),  # noqa: S311 - jitter, not a secret
                idempotent=channel is not None and channel.idempotent,
                defect=None if content is None else content.defect,
            )
        )

    def _keep(self, entry: Tries) -> None:
        """Hand a try over to be recorded, and count it."""
        row = entry.row
        metrics.ATTEMPTS.labels(row.channel, entry.outcome.verdict.value).inc()
        metrics.SEND_SECONDS.labels(row.channel).observe((entry.ended - entry.started).total_seconds())
        if entry.number == 1:
            metrics.FIRST_TRY_SECONDS.observe((entry.started - row.created_wall).total_seconds())
        if entry.defect is not None:
            metrics.DEFECTS.inc()
            log.warning("template.failed", template=row.template, version=row.template_version, detail=entry.defect)
        self._results.put_nowait(entry)

    async def _key(self) -> bytes:
        if self._ack_key is None:
            async with self._uow() as work:
                self._ack_key = await signing_key(work.raw, ACK_KEY, work.now)
        return self._ack_key

    async def _record_for_ever(self) -> None:
        while True:
            batch = [await self._results.get()]
            while not self._results.empty() and len(batch) < self._settings.batch:
                batch.append(self._results.get_nowait())
            await self._record(batch)
            for _ in batch:
                self._results.task_done()

    async def _record(self, batch: list[Tries]) -> None:
        """Record a batch, however long the database is away: a lease that ends meanwhile says `unknown`."""
        attempt = 0
        while True:
            try:
                async with self._uow() as work:
                    recorded = await record(work, batch, wall=datetime.now(UTC), haste=self._settings.haste)
            except Exception as error:
                if not is_transient(error):
                    log.exception("sender.not_recorded", deliveries=[entry.row.id for entry in batch])
                    if len(batch) == 1:
                        return  # its lease will end; what became of it is then unknown
                    for entry in batch:
                        await self._record([entry])
                    return
                attempt += 1
                log.warning("sender.record_retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))
            else:
                self.sent += sum(entry.outcome.succeeded for entry in batch)
                if recorded.next_retry is not None:
                    delay = (recorded.next_retry - datetime.now(UTC)).total_seconds()
                    asyncio.get_running_loop().call_later(max(0.0, delay), self.wake)
                # A lane has become free, or a next channel waits.
                self.wake()
                return

    async def _take_over_from_the_dead(self) -> None:
        """Leases that ended: nobody knows whether the message left."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._look_for_dead_at:
            return
        self._look_for_dead_at = loop.time() + min(1.0, self._settings.lease_seconds / 4)
        wall = datetime.now(UTC)
        async with self._database.read() as connection:
            found = await expired_leases(await raw_connection(connection), wall, self._settings.batch)
        if not found:
            return
        log.warning("sender.leases_ended", deliveries=len(found))
        metrics.ENDED_LEASES.inc(len(found))
        async with self._uow() as work:
            await work.lock({subject for _, subject in found})
            rows = await load_dead(work, [id_ for id_, _ in found])
            tries = [
                died(row, wall=wall, jitter=random.random(), idempotent=self._is_idempotent(row.channel))  # noqa: S311
                for row in rows.values()
            ]
            await record(work, tries, wall=wall, haste=self._settings.haste)

    def _is_idempotent(self, name: str) -> bool:
        channel = self._channels.get(name)
        return channel is not None and channel.idempotent

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)
        await self._results.join()
