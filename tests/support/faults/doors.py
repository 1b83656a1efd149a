"""Telling facts through both doors while everything crashes, and remembering what was promised about each."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import aiohttp

from shared.bus.open import open_bus
from shared.bus.port import Bus, BusUnavailable, Record
from shared.contracts import encode, parse_structured
from tests.support.faults.story import Fact, Told

FACTS = "moat.facts.v1"
Identity = tuple[str, str]
Batches = asyncio.Queue[tuple[float, bool, list[Fact]]]
"""When to tell, whether over HTTP, and what."""


@dataclass
class Ledger:
    """What became of each fact from its teller's side. `acknowledged` is 202, or durable on the bus."""

    sent: dict[Identity, Fact] = field(default_factory=dict)
    acknowledged: set[Identity] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    in_doubt: int = 0
    """Calls whose answer never came."""
    repeated: int = 0
    unexpected: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> set[Identity]:
        """Facts given up after a call in doubt: they may or may not be there."""
        return self.sent.keys() - self.acknowledged


class Tellers:
    """Tells a story batch by batch at its pace, half over HTTP and half on the bus.

    A call in doubt is repeated until it is answered, except one in `give_up` of them. Some facts are told a second time
    through the other door.
    """

    def __init__(self, *, url: str, key: str, bus_url: str, random: Random, seconds: float, give_up: int = 8) -> None:
        self.ledger = Ledger()
        self._url = f"{url}/v1/facts"
        self._key = key
        self._bus_url = bus_url
        self._random = random
        self._seconds = seconds
        self._give_up = give_up
        self._began = 0.0

    async def tell(self, story: Sequence[Told], *, at_once: int = 6) -> None:
        """Return when every fact was acknowledged or given up."""
        batches = self._batches(story)
        bus = await open_bus(self._bus_url, client_id="crash-run")
        timeout = aiohttp.ClientTimeout(total=15)
        try:
            async with aiohttp.ClientSession(headers={"X-API-Key": self._key}, timeout=timeout) as session:
                self._began = time.monotonic()
                await asyncio.gather(*(self._work(session, bus, batches) for _ in range(at_once)))
        finally:
            await bus.close()

    def _batches(self, story: Sequence[Told]) -> Batches:
        queue: Batches = asyncio.Queue()
        start = 0
        while start < len(story):
            size = self._random.choice((1, 1, 5, 40, 150))
            batch = story[start : start + size]
            over_http = self._random.random() < 0.5
            queue.put_nowait((batch[-1].moment, over_http, [told.fact for told in batch]))
            if self._random.random() < 0.05:
                self.ledger.repeated += len(batch)
                queue.put_nowait((batch[-1].moment, not over_http, [told.fact for told in batch]))
            start += size
        return queue

    async def _work(self, session: aiohttp.ClientSession, bus: Bus, batches: Batches) -> None:
        while not batches.empty():
            moment, over_http, facts = batches.get_nowait()
            await asyncio.sleep(max(0.0, self._began + moment * self._seconds - time.monotonic()))
            self.ledger.sent.update(((fact["source"], fact["id"]), fact) for fact in facts)
            persistent = self._random.randrange(self._give_up) > 0
            tell = partial(_post, session, self._url, self.ledger) if over_http else partial(_publish, bus)
            await self._insist(tell, facts, persistent=persistent)

    async def _insist(
        self, tell: Callable[[list[Fact]], Awaitable[bool]], facts: list[Fact], *, persistent: bool
    ) -> None:
        while True:
            try:
                done = await tell(facts)
            except (aiohttp.ClientError, TimeoutError, ConnectionError, BusUnavailable):
                self.ledger.in_doubt += 1
                if not persistent:
                    return
            else:
                if done:
                    self.ledger.acknowledged.update((fact["source"], fact["id"]) for fact in facts)
                    return
            await asyncio.sleep(self._random.uniform(0.05, 0.3))


async def _post(session: aiohttp.ClientSession, url: str, ledger: Ledger, facts: list[Fact]) -> bool:
    async with session.post(url, json={"facts": facts}) as answer:
        ledger.statuses[answer.status] += 1
        body = await answer.json(content_type=None)
        if answer.status not in (202, 503):
            ledger.unexpected.append(f"{answer.status}: {body}"[:500])
        if answer.status == 202 and body["rejected"]:
            ledger.unexpected.append(f"rejected: {body['rejected'][0]}"[:500])
        return answer.status == 202


async def _publish(bus: Bus, facts: list[Fact]) -> bool:
    await bus.publish([record_of(fact) for fact in facts])
    return True


def record_of(fact: Fact) -> Record:
    """The fact as another system puts it on the bus."""
    key, value, headers = encode(parse_structured(fact))
    return Record(FACTS, key, value, headers)
