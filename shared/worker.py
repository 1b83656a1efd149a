"""What runs in the background of a service: named loops that are supervised, watched and stopped in order."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


class Heartbeat:
    """Says that a loop turns; `/livez` fails when one has been silent for longer than it may."""

    def __init__(self, name: str, *, allowed_silence: float = 120.0) -> None:
        self.name = name
        self.allowed_silence = allowed_silence
        self._last = time.monotonic()

    def beat(self) -> None:
        self._last = time.monotonic()

    def silence(self) -> float:
        """Seconds since the last beat, in real time."""
        return time.monotonic() - self._last

    def alive(self) -> bool:
        return self.silence() <= self.allowed_silence


@dataclass(frozen=True, slots=True)
class Worker:
    """A loop that runs until it is cancelled. One that ends or raises is started again after a pause."""

    name: str
    run: Callable[[], Awaitable[None]]
    heartbeat: Heartbeat | None = None


class Workers:
    """Runs workers beside the HTTP server."""

    def __init__(self, workers: Sequence[Worker], *, stop_seconds: float = 10.0) -> None:
        self._workers = workers
        self._stop_seconds = stop_seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(_supervise(worker), name=worker.name) for worker in self._workers]

    def silent(self) -> list[str]:
        """Names of the loops that have stopped turning."""
        return [w.name for w in self._workers if w.heartbeat is not None and not w.heartbeat.alive()]

    async def stop(self) -> None:
        """Cancel all, in reverse order of starting, and wait a bounded time for them."""
        for task in reversed(self._tasks):
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._stop_seconds)
            for task in late:
                log.warning("worker.stop_timed_out", worker=task.get_name())


async def _supervise(worker: Worker) -> None:
    attempt = 0
    while True:
        started = time.monotonic()
        try:
            await worker.run()
            log.error("worker.ended", worker=worker.name)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("worker.failed", worker=worker.name)
        attempt = 1 if time.monotonic() - started > 60 else attempt + 1
        await asyncio.sleep(backoff(attempt))


def backoff(attempt: int, *, first: float = 0.1, most: float = 5.0) -> float:
    """Seconds to wait before attempt number `attempt` + 1: doubling, capped, with full jitter above the half."""
    return min(most, first * 2.0 ** min(attempt, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


async def run_until_cancelled(turn: Callable[[], Awaitable[None]], *, every: float) -> None:
    """Call `turn` for ever with pauses of `every` seconds of real time."""
    while True:
        await turn()
        with contextlib.suppress(TimeoutError):
            await asyncio.sleep(every)
