"""Faults at random moments of a run: services, the broker and PostgreSQL end as a crash ends them, or freeze."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

from deploy.kafka.broker import LocalKafka
from services.commands.names import ServiceName
from services.commands.platform import Platform

Fault = Callable[[], Awaitable[None]]


class Chaos:
    """Ends parts of a platform; the platform's own supervision brings services and PostgreSQL back."""

    def __init__(self, platform: Platform, random: Random, *, broker: LocalKafka | None = None) -> None:
        self._platform = platform
        self._random = random
        self._broker = broker
        self.done: Counter[str] = Counter()

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Look after the platform as `moat up` does."""
        tending = asyncio.create_task(self._tend())
        try:
            yield
        finally:
            tending.cancel()

    async def run(self, faults: Sequence[Fault], *, seconds: float) -> None:
        """Let each fault happen at its random moment within `seconds`."""
        began = time.monotonic()
        moments = sorted(self._random.uniform(0.04, 0.96) * seconds for _ in faults)
        for moment, fault in zip(moments, self._random.sample(faults, len(faults)), strict=True):
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            await fault()

    def kills(self, services: Sequence[ServiceName]) -> list[Fault]:
        """One `kill -9` for each of `services`."""
        return [lambda service=service: self._kill(service) for service in services]  # type: ignore[misc]

    async def crash_postgres(self) -> None:
        """Stop PostgreSQL without a checkpoint, as a loss of power would."""
        await asyncio.to_thread(self._platform.postgres.stop_immediately)
        self.done["postgres stopped immediately"] += 1

    async def crash_broker(self) -> None:
        """Kill -9 the broker and start it again after a moment."""
        assert self._broker is not None
        await asyncio.to_thread(self._broker.kill)
        self.done["broker killed"] += 1
        await asyncio.sleep(self._random.uniform(0.0, 2.0))
        await asyncio.to_thread(self._broker.start)

    def freezes(self, services: Sequence[ServiceName], *, seconds: float) -> list[Fault]:
        """Hold each of `services` for `seconds`: to the others it is dead, but it comes back and goes on."""
        return [lambda service=service: self._freeze(service, seconds) for service in services]  # type: ignore[misc]

    async def _kill(self, service: ServiceName) -> None:
        # It may be down still, or just coming up: both are moments for a crash too.
        if service in self._platform.pids():
            self._platform.kill(service)
            self.done[f"{service.value} killed"] += 1

    async def _freeze(self, service: ServiceName, seconds: float) -> None:
        pid = self._platform.pids().get(service)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        self.done[f"{service.value} frozen"] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _tend(self) -> None:
        while True:
            self._platform.tend()
            await asyncio.sleep(0.1)
