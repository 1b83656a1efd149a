"""Several replicas of crisis share the partitions of one topic, as where a service is run more than once."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from services.commands.process import die_with_parent
from shared.bus.kafka import KafkaBus
from shared.bus.port import Record
from shared.contracts import CloudEvent, encode
from tests.bench.streams import a_group, filled

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

    async def until(self, reached: Callable[[], bool]) -> None:
        """Return when this holds; fails when one has died, and when they do not get on."""
        until = time.monotonic() + _SECONDS
        while not reached():
            assert all(process.returncode is None for process in self._processes), "a replica has died"
            assert time.monotonic() < until, f"the replicas do not get on: {self.handled}"
            await asyncio.sleep(0.002)

    async def _listen(self, place: int) -> None:
        output = self._processes[place].stdout
        assert output is not None
        async for line in output:
            self.handled[place] = int(line)


async def lifted_together(
    bus: KafkaBus,
    replicas: int,
    *,
    server: tuple[str, str],
    now: datetime,
    rehearsals: Sequence[Sequence[CloudEvent]],
    events: Sequence[CloudEvent],
) -> float:
    """Records a second of all replicas together, from the first commit of `events` to the last.

    `server` is the url of the database and host:port of the broker. Before, `rehearsals` are played until every replica
    has taken part in one: then all have joined and are warm.
    """
    topic, _ = await filled(bus, ())
    async with _running(replicas, *server, topic, a_group(), now.isoformat()) as running:
        for rehearsal in rehearsals:
            before, total = list(running.handled), running.total
            await bus.publish(_records(topic, rehearsal))
            await running.until(lambda total=total, part=rehearsal: running.total == total + len(part))
            if all(after > was for was, after in zip(before, running.handled, strict=True)):
                break
        else:
            raise AssertionError(f"one replica did everything: {running.handled}")
        before_all = running.total
        records = _records(topic, events)
        publishing = asyncio.create_task(bus.publish(records))
        await running.until(lambda: running.total > before_all)
        started, already = time.perf_counter(), running.total
        await running.until(lambda: running.total == before_all + len(records))
        rate = (len(records) - (already - before_all)) / (time.perf_counter() - started)
        await publishing
        return rate


def _records(topic: str, events: Sequence[CloudEvent]) -> list[Record]:
    return [Record(topic, key, value, headers) for key, value, headers in map(encode, events)]


@asynccontextmanager
async def _running(number: int, *arguments: str) -> AsyncIterator[Replicas]:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.s1_replica", *arguments,
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
