"""Several replicas of a service share the partitions of one topic, as where a service is run more than once."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Final

from services.commands.process import die_with_parent
from shared.bus.kafka import KafkaBus
from shared.contracts import CloudEvent
from tests.bench.streams import a_group, filled, published

_SECONDS: Final = 120


class Replicas:
    """The processes, and how many records each has handled so far."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes
        self.handled = [0] * len(processes)

    @property
    def total(self) -> int:
        return sum(self.handled)

    async def follow(self) -> None:
        """Take down what they say, for as long as they do."""
        await asyncio.gather(*(self._listen(place) for place in range(len(self._processes))))

    async def until(self, total: int) -> None:
        """Return when so many records are handled; fails when one has died, and when they do not get on."""
        until = time.monotonic() + _SECONDS
        while self.total < total:
            assert all(process.returncode is None for process in self._processes), "a replica has died"
            assert time.monotonic() < until, f"the replicas do not get on: {self.handled}"
            await asyncio.sleep(0.002)

    @contextmanager
    def held(self) -> Iterator[None]:
        """They stand still meanwhile, much shorter than a group waits for a member."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(number)

    async def _listen(self, place: int) -> None:
        output = self._processes[place].stdout
        assert output is not None
        async for line in output:
            self.handled[place] = int(line)


REPLICAS: Final = 2
"""As many as there are cores: one process decides on one, while PostgreSQL and Kafka take a part of the others."""
_REHEARSALS: Final = 40
_REHEARSED: Final = 24
_BETWEEN: Final = 0.5
WARMING: Final = _REHEARSALS * _REHEARSED
"""How many events are set apart for warming up."""


async def consumed_together(
    bus: KafkaBus,
    consumer: tuple[str, str],
    *,
    server: tuple[str, str],
    events: Sequence[CloudEvent],
    now: datetime | None = None,
) -> float:
    """Records a second of all replicas together, from when all of them lie there to the last commit; they are warm.

    `consumer` is a service and one of its groups, `server` the url of the database and host:port of the broker. The
    last WARMING of `events` are played first, a few at a time until every replica has taken part: then all have joined.
    """
    parts = [events[at : at + _REHEARSED] for at in range(len(events) - WARMING, len(events), _REHEARSED)]
    timed = events[: len(events) - WARMING]
    topic, _ = await filled(bus, ())
    instant = "" if now is None else now.isoformat()
    async with _running(REPLICAS, *consumer, *server, topic, a_group(), instant) as running:
        for part in parts:
            before = list(running.handled)
            await published(bus, topic, part)
            await running.until(sum(before) + len(part))
            if all(after > was for was, after in zip(before, running.handled, strict=True)):
                break
            await asyncio.sleep(_BETWEEN)  # joining takes seconds
        else:
            raise AssertionError(f"one replica did everything: {running.handled}")
        before_all = running.total
        with running.held():  # who publishes takes processor time too
            await published(bus, topic, timed)
            started = time.perf_counter()
        await running.until(before_all + len(timed))
        return len(timed) / (time.perf_counter() - started)


@asynccontextmanager
async def _running(number: int, *arguments: str) -> AsyncIterator[Replicas]:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.replica", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, preexec_fn=die_with_parent,
        )
        for _ in range(number)
    ]  # fmt: skip
    replicas = Replicas(processes)
    following = asyncio.create_task(replicas.follow())
    try:
        yield replicas
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(following, *(process.wait() for process in processes))
