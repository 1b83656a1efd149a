"""The consumer runtime: batches in, one transaction per batch, offsets committed after it.

A failing batch is bisected until the bad event stands alone (`decisions`: it goes to the dead letters when it can never
succeed, or its key is parked when it might), and the rest commits. The database being away makes the runtime wait and
try again in place: nothing is skipped for that.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import structlog

from shared.bus.batches import in_lanes, next_positions
from shared.bus.dead_letters import dead_letter_topic
from shared.bus.handling import ConsumerSpec, Delivery, Handle, Handling, Rejected
from shared.bus.parking import released_subjects
from shared.bus.port import Bus, BusUnavailable, Received, Subscription
from shared.db.database import is_transient
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.observability.metrics import ConsumerMetrics
from shared.worker import Heartbeat, backoff

__all__ = ["Consumer", "ConsumerSpec", "Delivery", "Handle", "Rejected", "topics_of_dead_letters"]

log = structlog.get_logger(__name__)

_RELEASE_SECONDS: Final = 1.0
_MOST_STUMBLES: Final = 10
"""Failures in a row that look like a lost database, after which it is asked whether it answers."""


class Consumer:
    """Runs one ConsumerSpec until cancelled."""

    def __init__(self, bus: Bus, uow: UnitOfWorkFactory, spec: ConsumerSpec) -> None:
        self._bus = bus
        self._uow = uow
        self._spec = spec
        self._metrics = ConsumerMetrics(spec.group)
        self._handling = Handling(uow, spec, self._metrics)
        self.heartbeat = Heartbeat(f"consumer:{spec.group}")
        self.handled = 0
        self.in_flight = False
        self._look_for_releases_at = 0.0
        self._next_batch_at = 0.0
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
            await asyncio.sleep(max(0.0, self._next_batch_at - time.monotonic()))
            records = await subscription.poll(max_records=self._spec.max_records, wait=1.0)
            if not records or not self._let_on.is_set():
                continue
            full = len(records) >= self._spec.max_records
            began, self.in_flight = time.monotonic(), True
            try:
                lanes = in_lanes(records, self._spec.lanes)
                ended = await asyncio.gather(*map(self._settle, lanes), return_exceptions=True)
                for error in ended:  # only now: a lane that goes on must not be left to itself
                    if error is not None:
                        raise error
                await subscription.commit(next_positions(records))
                self.handled += len(records)
            finally:
                self.in_flight = False
            self._next_batch_at = 0.0 if full else self._rested_at(began)

    def _rested_at(self, began: float) -> float:
        """When the batch after one that was not full may begin."""
        now = time.monotonic()
        return max(began + self._spec.pace, now + (now - began) * self._spec.rest)

    async def _settle(self, records: Sequence[Received]) -> None:
        """Return when every record has had its effect, is a dead letter, or is parked."""
        stumbles = failures = 0
        while True:
            self.heartbeat.beat()
            try:
                await self._handling.transact(records)
            except Exception as error:  # noqa: BLE001 - whatever it is: it is tried again, buried or parked
                if is_transient(error):
                    stumbles += 1
                    if await self._may_pass(error, stumbles):
                        await asyncio.sleep(backoff(stumbles))
                        continue
                if len(records) > 1:
                    middle = len(records) // 2
                    await self._settle(records[:middle])
                    await self._settle(records[middle:])
                    return
                failures += 1
                if await self._set_aside(records[0], error, failures):
                    return
                await asyncio.sleep(backoff(failures))
            else:
                return

    async def _may_pass(self, error: Exception, stumbles: int) -> bool:
        """Whether to try the same again: the database is away or busy, or has not been for long."""
        self._metrics.retried()
        log.warning("consumer.retry", group=self._spec.group, error=type(error).__name__, attempt=stumbles)
        return stumbles < _MOST_STUMBLES or not await self._handling.database_answers()

    async def _set_aside(self, record: Received, error: Exception, failures: int) -> bool:
        """Bury what can never succeed, park what has failed too often; answers whether it was one of them."""
        if isinstance(error, Rejected):
            await self._persist(partial(self._handling.bury, record, error))
            return True
        if failures < self._spec.attempts:
            return False
        log.error("consumer.parked", group=self._spec.group, exc_info=error)
        await self._persist(partial(self._handling.park, record, error))
        return True

    async def _release(self) -> None:
        """Handle the events of keys whose release an operator asked for, one by one and in order, for a while."""
        until = time.monotonic() + _RELEASE_SECONDS
        try:
            async with self._uow() as work:
                subjects = await released_subjects(work.raw, self._spec.group)
            for subject in subjects:
                while time.monotonic() < until and await self._handling.release_first(subject):
                    self.heartbeat.beat()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("consumer.release_retry", group=self._spec.group, error=type(error).__name__)

    async def _persist(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat `step` until the database takes it: what is set aside must never be lost."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            try:
                await step()
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                await asyncio.sleep(backoff(attempt))
            else:
                return


def topics_of_dead_letters(specs: Sequence[ConsumerSpec]) -> list[str]:
    """The dead-letter topics that these consumers need."""
    return [dead_letter_topic(spec.group) for spec in specs]
