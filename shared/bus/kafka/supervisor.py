"""Keeps aiokafka's clients replaceable.

Known defects leave a client stuck for ever: an idempotent producer after an OutOfOrderSequenceNumber, a consumer after
a broker's restart, a `stop()` that never returns. The cure is always the same: give the object up and make a new one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog
from aiokafka.errors import KafkaError

from shared.bus.observer import BusObserver
from shared.bus.port import BusUnavailable

log = structlog.get_logger(__name__)

START_SECONDS: Final = 15.0
STOP_SECONDS: Final = 5.0


class Client(Protocol):
    """What producer and consumer have in common."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


C = TypeVar("C", bound=Client)


class Supervised(Generic[C]):
    """Holds one client: made and started on demand, given up on trouble, stopped within a time limit."""

    def __init__(
        self, make: Callable[[], C], *, part: str, observer: BusObserver, start_seconds: float = START_SECONDS
    ) -> None:
        self._make = make
        self._start_seconds = start_seconds
        self._part = part
        self._observer = observer
        self._client: C | None = None
        self._starting = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def current(self) -> C | None:
        """The running client, if there is one."""
        return self._client

    async def get(self) -> C:
        """The running client, started if need be. Raises BusUnavailable when the broker does not answer in time."""
        if self._client is not None:
            return self._client
        async with self._starting:
            if self._closed:
                raise BusUnavailable("The bus is closed")
            if self._client is None:
                self._client = await self._start()
            return self._client

    def give_up(self, client: C, *, reason: str) -> None:
        """Let go of `client`; the next `get` makes a new one. Harmless when that has happened already."""
        if client is not self._client:
            return
        self._client = None
        log.warning("kafka.recreate", part=self._part, reason=reason)
        self._observer.recreated(self._part, reason=reason)
        self._stop_aside(client)

    async def close(self) -> None:
        """Stop the client, and those still being stopped, within some seconds."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            self._stop_aside(client)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=STOP_SECONDS + 1)

    @asynccontextmanager
    async def lent(self, *, seconds: float) -> AsyncIterator[C]:
        """The client for one question; it is given up when the question fails or takes longer than `seconds`."""
        client = await self.get()
        try:
            async with asyncio.timeout(seconds):
                yield client
        except (KafkaError, TimeoutError, OSError) as error:
            self.give_up(client, reason=describe(error))
            raise BusUnavailable(f"Kafka does not answer: {describe(error)}") from error
        finally:
            if client is not self._client:  # stopped while we still asked: to ask on, it may have connected anew
                _cut_connections(client)

    async def _start(self) -> C:
        client = self._make()
        try:
            async with asyncio.timeout(self._start_seconds):
                await client.start()
        except (KafkaError, TimeoutError, OSError) as error:
            self._stop_aside(client)
            raise BusUnavailable(f"Kafka cannot be reached: {describe(error)}") from error
        except BaseException:
            self._stop_aside(client)
            raise
        return client

    def _stop_aside(self, client: C) -> None:
        task = asyncio.create_task(stop_within(client, seconds=STOP_SECONDS), name=f"stop {self._part}")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def stop_within(client: Client, *, seconds: float) -> None:
    """Stop `client`; whatever of it still runs after `seconds` is cancelled, and nothing it raises matters any more."""
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=seconds)
    if not stopping.done():
        log.warning("kafka.stop_hung", client=type(client).__name__)
        stopping.cancel()
        _cancel_what_runs(client)
        await asyncio.wait({stopping}, timeout=1)
    if stopping.done() and not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("kafka.stop_failed", client=type(client).__name__, error=describe(error))


def describe(error: BaseException) -> str:
    """An error in short, for logs and messages."""
    return f"{type(error).__name__}: {error}"[:300]


def _cancel_what_runs(client: Any) -> None:
    """Aiokafka has no kill switch: reach for its tasks and sockets, so that neither outlives the client."""
    coordinator = getattr(client, "_coordinator", None)
    tasks = [
        getattr(getattr(client, "_sender", None), "sender_task", None),
        getattr(getattr(client, "_fetcher", None), "_fetch_task", None),
        getattr(coordinator, "_coordination_task", None),
        getattr(coordinator, "_heartbeat_task", None),
        getattr(coordinator, "_commit_refresh_task", None),
    ]
    for task in tasks:
        if task is not None:
            task.cancel()
    synchronizer = getattr(_network_of(client), "_sync_task", None)
    if synchronizer is not None:
        synchronizer.cancel()
    _cut_connections(client)


def _cut_connections(client: Any) -> None:
    """Close its sockets now: a transport that is only closed waits until a broker has taken what was written."""
    for connection in [*getattr(_network_of(client), "_conns", {}).values()]:
        connection.close()
        transport = getattr(connection._protocol, "_transport", None)  # noqa: SLF001 - it forgets its writer
        if transport is not None:
            transport.abort()


def _network_of(client: Any) -> Any:
    return getattr(client, "_client", None) or getattr(client, "client", None)
