"""The broker, or the bus's database, is away for 20 seconds and comes back."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.bus.open import open_bus
from shared.bus.port import Bus, BusUnavailable, Record, TopicSpec
from tests.support.bus import by_key, next_positions

AWAY_SECONDS = 20
TOPIC = "test.outage"


@dataclass
class Server:
    """What stands behind a bus, with ways to end and to restore it."""

    url: str
    crash: Callable[[], None]
    restart: Callable[[], None]
    freeze: Callable[[], None]
    thaw: Callable[[], None]


@pytest.fixture(params=["postgresql", pytest.param("kafka", marks=pytest.mark.kafka)])
def server(request) -> Server:
    if request.param == "kafka":
        broker = request.getfixturevalue("own_kafka")
        return Server(
            f"kafka://{broker.bootstrap}?session_timeout_ms=6000",
            crash=broker.kill,
            restart=broker.start,
            freeze=broker.pause,
            thaw=broker.resume,
        )
    database = request.getfixturevalue("own_postgres")

    def all_of_it(how: signal.Signals) -> None:
        postmaster = int((database.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        for pid in [postmaster, *map(int, children.split())]:
            os.kill(pid, how)

    return Server(
        database.create_database("moat_bus"),
        crash=database.stop_immediately,
        restart=database.start,
        freeze=lambda: all_of_it(signal.SIGSTOP),
        thaw=lambda: all_of_it(signal.SIGCONT),
    )


class Traffic:
    """Publishes numbered records of a few keys without end, in order, and reads them in another client."""

    def __init__(self, publishing: Bus, reading: Bus) -> None:
        self.publishing = publishing
        self.reading = reading
        self.acknowledged = 0
        self.received: list = []
        self.stopping = False
        self.failures = 0

    async def publish(self) -> None:
        while not self.stopping:
            batch = [Record(TOPIC, b"key-%d" % key, b"%d " % self.acknowledged) for key in range(5)]
            await self.insist(lambda batch=batch: self.publishing.publish(batch))
            self.acknowledged += 1
            await asyncio.sleep(0.01)

    async def read(self) -> None:
        subscription = await self.reading.subscribe("outage", [TOPIC])
        while not self.stopping or len(self.received) < 5 * self.acknowledged or self.missing():
            try:
                batch = await subscription.poll(max_records=100, wait=0.2)
                self.received += batch  # before the commit: one that fails may have been made all the same
                await subscription.commit(next_positions(batch))
            except BusUnavailable:
                self.failures += 1
                await asyncio.sleep(0.1)
        await subscription.close()

    async def insist(self, act) -> None:
        while True:
            try:
                return await act()
            except BusUnavailable:
                self.failures += 1
                await asyncio.sleep(0.1)

    def missing(self) -> int:
        return 5 * self.acknowledged - sum(len(set(numbers)) for numbers in by_key(self.received).values())


async def run_through(server: Server, *, away: Callable[[], None], back: Callable[[], None]) -> Traffic:
    buses = [await open_bus(server.url, client_id=f"outage-{number}") for number in range(2)]
    await buses[0].ensure_topics([TopicSpec(TOPIC)])
    traffic = Traffic(*buses)
    tasks = [asyncio.create_task(traffic.publish()), asyncio.create_task(traffic.read())]
    async with asyncio.timeout(60):
        while traffic.acknowledged < 50 or not traffic.received:
            await asyncio.sleep(0.05)

    await asyncio.to_thread(away)
    await asyncio.sleep(AWAY_SECONDS)
    before = traffic.acknowledged
    await asyncio.to_thread(back)

    came_back = time.monotonic()
    async with asyncio.timeout(80):
        while traffic.acknowledged < before + 50:
            await asyncio.sleep(0.05)
        traffic.stopping = True
        await asyncio.gather(*tasks)
    print(f"published and read again {time.monotonic() - came_back:.1f} s after the return")
    for bus in buses:
        await bus.close()
    return traffic


def assert_nothing_lost_and_order_kept(traffic: Traffic) -> None:
    assert traffic.missing() == 0
    for numbers in by_key(traffic.received).values():
        seen = -1
        for number in numbers:  # what was in doubt comes twice; nothing comes before its turn
            assert number <= seen + 1
            seen = max(seen, number)


@pytest.mark.timeout(300)
async def test_publisher_and_reader_outlive_a_crash_of_20_seconds(server: Server):
    traffic = await run_through(server, away=server.crash, back=server.restart)

    assert_nothing_lost_and_order_kept(traffic)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_publisher_and_reader_outlive_a_freeze_of_20_seconds(server: Server):
    traffic = await run_through(server, away=server.freeze, back=server.thaw)

    assert_nothing_lost_and_order_kept(traffic)
