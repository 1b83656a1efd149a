"""Faults at random moments of a run: services, the broker and PostgreSQL end as a crash ends them, or freeze."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

from deploy.kafka.broker import LocalKafka
from services.commands.names import ServiceName
from services.commands.platform import Platform
from tests.support.faults.replicas import Replicas

Fault = Callable[[], Awaitable[None]]


class Chaos:
    """Ends parts of a platform; the platform's own supervision brings services and PostgreSQL back."""

    def __init__(
        self, platform: Platform, random: Random, *, broker: LocalKafka | None = None, replicas: Replicas
    ) -> None:
        self._platform = platform
        self._replicas = replicas
        self._random = random
        self._broker = broker
        self._servers = asyncio.Lock()
        self.done: Counter[str] = Counter()

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Look after the platform as `moat up` does."""
        tending = asyncio.create_task(self._tend())
        try:
            yield
        finally:
            self._replicas.stop()
            if tending.done():
                tending.result()  # without supervision nothing that died has come back
            tending.cancel()

    async def run(self, faults: Sequence[Fault], *, seconds: float) -> None:
        """Let each fault happen at its random moment within `seconds`, some while others still last."""
        moments = [self._random.uniform(0.04, 0.96) * seconds for _ in faults]
        await asyncio.gather(*(_at(moment, fault) for moment, fault in zip(moments, faults, strict=True)))

    def kills(self, services: Sequence[ServiceName]) -> list[Fault]:
        """One `kill -9` for each of `services`."""
        return [lambda service=service: self._kill(service) for service in services]  # type: ignore[misc]

    async def crash_postgres(self) -> None:
        """Stop PostgreSQL without a checkpoint, as a loss of power would."""
        async with self._servers:
            if await asyncio.to_thread(self._platform.postgres.crash):
                self.done["postgres stopped immediately"] += 1

    async def crash_broker(self) -> None:
        """Kill -9 the broker and start it again after a moment."""
        assert self._broker is not None
        async with self._servers:
            await asyncio.to_thread(self._broker.kill)
            self.done["broker killed"] += 1
            await asyncio.sleep(self._random.uniform(0.0, 2.0))
            await asyncio.to_thread(self._broker.start)

    def freezes(self, services: Sequence[ServiceName], *, seconds: float) -> list[Fault]:
        """Hold each of `services` for `seconds`: to the others it is dead, but it comes back and goes on."""
        return [lambda service=service: self._freeze(service, seconds) for service in services]  # type: ignore[misc]

    async def _kill(self, service: ServiceName) -> None:
        # It may be down still, or just coming up: both are moments for a crash too.
        pid = self._victim(service)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.done[f"{service.value} killed"] += 1

    async def _freeze(self, service: ServiceName, seconds: float) -> None:
        pid = self._victim(service)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        self.done[f"{service.value} frozen"] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _victim(self, service: ServiceName) -> int | None:
        """One of the running processes of a service."""
        replica = self._replicas.running(service)
        own = self._platform.pids().get(service)
        pids = [pid for pid in (own, None if replica is None else replica.pid) if pid is not None]
        return self._random.choice(pids) if pids else None

    async def _tend(self) -> None:
        while True:
            self._platform.tend()
            self._replicas.tend()
            await asyncio.sleep(0.1)


async def _at(seconds: float, fault: Fault) -> None:
    await asyncio.sleep(seconds)
    await fault()
