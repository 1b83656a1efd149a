"""What a consumer does with records, one transaction at a time: effect, dead letter, parking, release."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import structlog

from shared.bus.dead_letters import write_dead_letter
from shared.bus.inbox import first_seen, was_seen
from shared.bus.parking import first_parked, forget_parked, park, parked_subjects, withdraw_release
from shared.bus.port import Received
from shared.contracts import (
    CloudEvent,
    ContractError,
    Payload,
    UnknownType,
    decode,
    refuse_future,
    registry,
    type_told,
    validate,
)
from shared.db.database import Overtaken, is_transient
from shared.db.packing import storable
from shared.db.unit_of_work import Follow, UnitOfWork, UnitOfWorkFactory
from shared.observability.metrics import ConsumerMetrics
from shared.observability.tracing import carried_by

log = structlog.get_logger(__name__)


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
    `pace` is the least time in seconds between the beginnings of two batches: a steady trickle is gathered, for a small
    batch costs nearly what a larger one does. What comes after a pause is handled at once, as is what follows a full
    batch. `rest` is how long others have the processor to themselves afterwards, as a multiple of the batch's time.
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
    pace: float = 0.0
    rest: float = 0.0
    public: bool = False
    beside_public: bool = False
    extra_subjects: Callable[[CloudEvent], Sequence[str]] | None = field(default=None)
    follow: Follow | None = field(default=None)


class Handling:
    """The transactions of one ConsumerSpec."""

    def __init__(self, uow: UnitOfWorkFactory, spec: ConsumerSpec, metrics: ConsumerMetrics) -> None:
        self._uow = uow
        self._spec = spec
        self._metrics = metrics

    async def transact(self, records: Sequence[Received]) -> None:
        """Give every record of a batch its effect, or nothing when this raises."""
        with self._metrics.batch(len(records)) as batch:
            async with self._uow() as work:
                deliveries = self._decode(work, records)
                if not deliveries:
                    return
                await self._lock(work, deliveries)
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

    async def _lock(self, work: UnitOfWork, deliveries: Sequence[Delivery], *also: str) -> None:
        subjects = {*also, *(subject for d in deliveries for subject in self._subjects(d.event))}
        if self._spec.follow is None:
            await work.lock(subjects)
        else:
            await work.lock_all(subjects, self._spec.follow)

    def _subjects(self, event: CloudEvent) -> Sequence[str]:
        if self._spec.extra_subjects is None:
            return (event.subject,)
        return (event.subject, *self._spec.extra_subjects(event))

    def _decode(self, work: UnitOfWork, records: Sequence[Received]) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for record in records:
            if self._is_for_others(type_told(record.headers)):
                continue
            try:
                event = decode(record.key, record.value, record.headers)
                if self._is_for_others(event.type):
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

    def _is_for_others(self, type_: str | None) -> bool:
        """Whether this type is known and none of those that the group reads."""
        types = self._spec.types
        return types is not None and type_ is not None and type_ not in types and type_ in registry

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

    async def release_first(self, subject: str) -> bool:
        """Handle the first parked event of a key; answers whether there was one and it is dealt with."""
        try:
            async with self._uow() as work:
                found = await self._lock_first_parked(work, subject)
                if found is None:
                    return False
                seq, deliveries = found
                await self._handle_new(work, deliveries)
                await forget_parked(work.raw, seq)
        except Rejected as error:
            await self._bury_parked(subject, error)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("consumer.release_failed", group=self._spec.group, subject=subject)
            async with self._uow() as work:
                await work.lock([subject])
                await withdraw_release(work.raw, self._spec.group, subject, _reason(error))
            return False
        return True

    async def _lock_first_parked(self, work: UnitOfWork, subject: str) -> tuple[int, list[Delivery]] | None:
        """The row of the first parked event of a key, and what it delivers, with all whom it concerns locked."""
        found = await first_parked(work.raw, self._spec.group, subject)
        if found is None:
            return None
        seq, record = found
        # Only the event says who has to be locked, all in one order: so it is looked at before and after.
        deliveries = self._decode(work, [record])
        await self._lock(work, deliveries, subject)
        if await first_parked(work.raw, self._spec.group, subject) != found:
            raise Overtaken
        return seq, deliveries

    async def _bury_parked(self, subject: str, error: Rejected) -> None:
        """By now it is known that the first parked event of this key can never be handled."""
        async with self._uow() as work:
            await work.lock([subject])
            found = await first_parked(work.raw, self._spec.group, subject)
            if found is not None:
                seq, record = found
                self._bury_in(work, record, error)
                await forget_parked(work.raw, seq)

    async def bury(self, record: Received, error: Exception) -> None:
        """Make `record` a dead letter."""
        async with self._uow() as work:
            self._bury_in(work, record, error)

    async def park(self, record: Received, error: Exception) -> None:
        """Set the key of `record` aside, unless another member of the group has handled the event meanwhile."""
        event = decode(record.key, record.value, record.headers)
        async with self._uow() as work:
            await work.lock([event.subject])
            if self._spec.use_inbox and await was_seen(work.raw, event):
                return
            await park(work.raw, self._spec.group, event.subject, record, _reason(error), work.now)
        self._metrics.parked()

    async def database_answers(self) -> bool:
        """Whether a transaction can be had now."""
        try:
            async with self._uow() as work:
                await work.raw.fetchval("select 1")
        except Exception as error:
            if not is_transient(error):
                raise
            return False
        return True


def _reason(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}", most=500)
