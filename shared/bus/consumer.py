"""The consumer runtime: batches in, one transaction per batch, offsets committed after it.

A failing batch is bisected until the bad event stands alone (`decisions`: it goes to the dead letters when it can never
succeed, or its key is parked when it might), and the rest commits. The database being away makes the runtime wait and
try again in place: nothing is skipped for that.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import msgspec
import structlog

from shared.bus.batches import in_lanes, next_positions
from shared.bus.dead_letters import dead_letter_topic, write_dead_letter
from shared.bus.inbox import first_seen
from shared.bus.parking import first_parked, forget_parked, park, parked_subjects, released_subjects, withdraw_release
from shared.bus.port import Bus, BusUnavailable, Received, Subscription
from shared.contracts import CloudEvent, ContractError, Payload, UnknownType, decode, refuse_future, registry, validate
from shared.db.database import is_transient
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.observability.metrics import ConsumerMetrics
from shared.observability.tracing import carried_by
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_RELEASE_SECONDS = 1.0


class Rejected(Exception):  # noqa: N818 - a named fact
    """An event that can never be handled goes to the dead letters at once. The message names field and rule."""


class Delivery(msgspec.Struct, frozen=True):
    """An event, its payload checked against its type, and the record that carried it."""

    event: CloudEvent
    payload: Payload
    record: Received


class Handle(Protocol):
    """Handles deliveries in one transaction, in order. Their subjects are locked; with the inbox they are all new."""

    async def __call__(self, work: UnitOfWork, deliveries: Sequence[Delivery], /) -> None: ...


@dataclass(frozen=True, slots=True)
class ConsumerSpec:
    """What one group of a service reads and does. `types` None takes every type known to the contracts.

    `public` marks the group that answers for a topic open to foreign producers: there an unknown type is a dead letter,
    elsewhere it is skipped and counted, for a newer producer of ours may send what we do not know yet.
    `beside_public` marks other groups on such a topic: what breaks its contract there is skipped and counted, for the
    public group buries it.
    """

    group: str
    topics: tuple[str, ...]
    handle: Handle
    types: frozenset[str] | None = None
    use_inbox: bool = True
    max_records: int = 1000
    attempts: int = 3
    lanes: int = 1
    public: bool = False
    beside_public: bool = False
    extra_subjects: Callable[[CloudEvent], Sequence[str]] | None = field(default=None)


class Consumer:
    """Runs one ConsumerSpec until cancelled."""

    def __init__(self, bus: Bus, uow: UnitOfWorkFactory, spec: ConsumerSpec) -> None:
        self._bus = bus
        self._uow = uow
        self._spec = spec
        self._metrics = ConsumerMetrics(spec.group)
        self.heartbeat = Heartbeat(f"consumer:{spec.group}")
        self.handled = 0
        self.in_flight = False
        self._look_for_releases_at = 0.0
        self._let_on = asyncio.Event()
        self._let_on.set()

    def pause(self) -> None:
        """Begin no further batch; the one in flight goes on to its end."""
        self._let_on.clear()

    async def run(self) -> None:
        """Consume for ever. A broker away, or a membership lost, means joining again."""
        attempt = 0
        while True:
            subscription: Subscription | None = None
            try:
                subscription = await self._bus.subscribe(self._spec.group, self._spec.topics)
                attempt = 0
                await self._consume(subscription)
            except BusUnavailable as error:
                attempt += 1
                log.warning("consumer.bus_away", group=self._spec.group, detail=str(error)[:300], attempt=attempt)
                await asyncio.sleep(backoff(attempt))
            finally:
                if subscription is not None:
                    await subscription.close()

    async def _consume(self, subscription: Subscription) -> None:
        while True:
            self.heartbeat.beat()
            await self._let_on.wait()
            if time.monotonic() >= self._look_for_releases_at:
                await self._release()
                self._look_for_releases_at = time.monotonic() + _RELEASE_SECONDS
            records = await subscription.poll(max_records=self._spec.max_records, wait=1.0)
            if not records or not self._let_on.is_set():
                continue
            self.in_flight = True
            try:
                lanes = in_lanes(records, self._spec.lanes)
                await asyncio.gather(*(self._settle(lane) for lane in lanes))
                await subscription.commit(next_positions(records))
                self.handled += len(records)
            finally:
                self.in_flight = False

    async def _settle(self, records: Sequence[Received]) -> None:
        """Return when every record has had its effect, is a dead letter, or is parked."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            try:
                await self._transact(records)
            except Exception as error:
                if is_transient(error):
                    attempt += 1
                    self._metrics.retried()
                    log.warning("consumer.retry", group=self._spec.group, error=type(error).__name__, attempt=attempt)
                    await asyncio.sleep(backoff(attempt))
                    continue
                if len(records) > 1:
                    middle = len(records) // 2
                    await self._settle(records[:middle])
                    await self._settle(records[middle:])
                    return
                attempt += 1
                if isinstance(error, Rejected):
                    await self._persist(partial(self._bury, records[0], error))
                    return
                if attempt >= self._spec.attempts:
                    log.exception("consumer.parked", group=self._spec.group, exc_info=error)
                    await self._persist(partial(self._park, records[0], error))
                    return
                await asyncio.sleep(backoff(attempt))
            else:
                return

    async def _transact(self, records: Sequence[Received]) -> None:
        with self._metrics.batch(len(records)) as batch:
            async with self._uow() as work:
                deliveries = self._decode(work, records)
                if not deliveries:
                    return
                await work.lock({subject for d in deliveries for subject in self._subjects(d.event)})
                deliveries = await self._set_aside_parked(work, deliveries)
                batch.duplicates(await self._handle_new(work, deliveries))

    async def _handle_new(self, work: UnitOfWork, deliveries: Sequence[Delivery]) -> int:
        """Handle those that the inbox has not seen; answers how many were repeats."""
        new = deliveries
        if self._spec.use_inbox and deliveries:
            fresh = await first_seen(work.raw, [d.event for d in deliveries], work.now)
            new = [d for d, is_new in zip(deliveries, fresh, strict=True) if is_new]
        if new:
            with carried_by({d.event.subject: d.event.traceparent for d in new if d.event.traceparent}):
                await self._spec.handle(work, new)
        return len(deliveries) - len(new)

    def _subjects(self, event: CloudEvent) -> Sequence[str]:
        if self._spec.extra_subjects is None:
            return (event.subject,)
        return (event.subject, *self._spec.extra_subjects(event))

    def _decode(self, work: UnitOfWork, records: Sequence[Received]) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for record in records:
            try:
                event = decode(record.key, record.value, record.headers)
                if self._spec.types is not None and event.type not in self._spec.types and event.type in registry:
                    continue
                payload = validate(event)
                if self._spec.public or self._spec.beside_public:
                    refuse_future(event, payload, now=work.now)
            except UnknownType as error:
                # A newer producer of ours may send types that we do not know: tolerant readers go on, and count.
                self._metrics.unknown()
                if self._spec.public:
                    self._bury_in(work, record, error)
            except ContractError as error:
                if self._spec.beside_public:
                    self._metrics.unknown()
                else:
                    self._bury_in(work, record, error)
            else:
                deliveries.append(Delivery(event, payload, record))
        return deliveries

    def _bury_in(self, work: UnitOfWork, record: Received, error: Exception) -> None:
        work.after_commit(self._metrics.buried)
        write_dead_letter(work.outbox, self._spec.group, record, error, work.now)

    async def _set_aside_parked(self, work: UnitOfWork, deliveries: list[Delivery]) -> list[Delivery]:
        """Events of a parked key queue behind it, so that the key keeps its order."""
        parked = await parked_subjects(work.raw, self._spec.group, {d.event.subject for d in deliveries})
        if not parked:
            return deliveries
        waiting = [d for d in deliveries if d.event.subject in parked]
        for delivery in waiting:
            subject, why = delivery.event.subject, "queued behind a parked event"
            await park(work.raw, self._spec.group, subject, delivery.record, why, work.now)
        return [d for d in deliveries if d.event.subject not in parked]

    async def _release(self) -> None:
        """Handle the events of keys whose release an operator asked for, one by one and in order."""
        try:
            async with self._uow() as work:
                subjects = await released_subjects(work.raw, self._spec.group)
            for subject in subjects:
                while await self._release_first(subject):
                    self.heartbeat.beat()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("consumer.release_retry", group=self._spec.group, error=type(error).__name__)

    async def _release_first(self, subject: str) -> bool:
        """Handle the first parked event of a key; answers whether there was one and it worked."""
        try:
            async with self._uow() as work:
                await work.lock([subject])
                found = await first_parked(work.raw, self._spec.group, subject)
                if found is None:
                    return False
                seq, record = found
                deliveries = self._decode(work, [record])
                await work.lock({s for d in deliveries for s in self._subjects(d.event)})
                await self._handle_new(work, deliveries)
                await forget_parked(work.raw, seq)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("consumer.release_failed", group=self._spec.group, subject=subject)
            async with self._uow() as work:
                await work.lock([subject])
                await withdraw_release(work.raw, self._spec.group, subject, _reason(error))
            return False
        return True

    async def _bury(self, record: Received, error: Exception) -> None:
        async with self._uow() as work:
            self._bury_in(work, record, error)

    async def _park(self, record: Received, error: Exception) -> None:
        event = decode(record.key, record.value, record.headers)
        async with self._uow() as work:
            await work.lock([event.subject])
            await park(work.raw, self._spec.group, event.subject, record, _reason(error), work.now)
        self._metrics.parked()

    async def _persist(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat `step` until the database takes it: what is set aside must never be lost."""
        attempt = 0
        while True:
            try:
                await step()
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                await asyncio.sleep(backoff(attempt))
            else:
                return


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:500]}"


def topics_of_dead_letters(specs: Sequence[ConsumerSpec]) -> list[str]:
    """The dead-letter topics that these consumers need."""
    return [dead_letter_topic(spec.group) for spec in specs]
