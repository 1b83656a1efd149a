"""Groups over processes, of which one is killed."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.bus.open import open_bus
from shared.bus.port import Bus, TopicSpec
from tests.support.bus import records

REPOSITORY = Path(__file__).parents[2]


class Member:
    """A member of a group in a process of its own."""

    def __init__(self, url: str, group: str, topic: str, file: Path) -> None:
        self.file = file
        file.touch()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.bus_member", url, group, topic, str(file)], cwd=REPOSITORY
        )

    @property
    def owned(self) -> int:
        found = re.findall(rb"^owned (\d+)$", self.file.read_bytes(), re.MULTILINE)
        return int(found[-1]) if found else 0

    @property
    def received(self) -> list[tuple[str, int]]:
        return [
            (key.decode(), int(number))
            for key, number in re.findall(rb"^(key-\d+) (\d+) $", self.file.read_bytes(), re.MULTILINE)
        ]


@pytest.fixture
def bus_url(bus_url: str) -> str:
    """On Kafka with the shortest session that a broker allows by default: who was killed is missed sooner."""
    return f"{bus_url}?session_timeout_ms=6000" if bus_url.startswith("kafka:") else bus_url


@pytest.fixture
def members(bus_url: str, topic: str, tmp_path: Path) -> Iterator[list[Member]]:
    started = [Member(bus_url, "processes", topic, tmp_path / f"member-{number}") for number in range(2)]
    yield started
    for member in started:
        member.process.kill()
        member.process.wait()


async def until(what, *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)


async def test_a_killed_process_loses_nothing_and_its_partitions_go_to_the_other(bus: Bus, topic: str, members):
    killed, survivor = members
    await until(lambda: (killed.owned, survivor.owned) == (6, 6))
    published = records(topic, keys=40, each=50)
    for start in range(0, 1000, 100):
        await bus.publish(published[start : start + 100])
    await until(lambda: len(killed.received) > 60)

    killed.process.kill()
    for start in range(1000, 2000, 100):
        await bus.publish(published[start : start + 100])

    await until(lambda: survivor.owned == 12)
    everything = {(f"key-{key}", number) for key in range(40) for number in range(50)}
    await until(lambda: {*killed.received, *survivor.received} == everything)
    assert len(killed.received) + len(survivor.received) < 2000 + 500
    for key in range(40):
        numbers = [number for name, number in survivor.received if name == f"key-{key}"]
        firsts = list(dict.fromkeys(numbers))  # what was not committed when the other died comes again
        assert firsts == sorted(firsts)
        assert firsts[-1] == 49


async def test_a_process_that_comes_back_goes_on_where_the_group_stopped(bus: Bus, bus_url: str, topic: str, tmp_path):
    first = Member(bus_url, "processes", topic, tmp_path / "first")
    try:
        await bus.publish(records(topic, keys=20, each=20))
        await until(lambda: len(first.received) >= 100)
    finally:
        first.process.kill()
        first.process.wait()
    second = Member(bus_url, "processes", topic, tmp_path / "second")
    try:
        await until(lambda: len({*first.received, *second.received}) == 400)
    finally:
        second.process.kill()
        second.process.wait()

    # What was written down but not committed comes again: at most the batch in hand.
    assert len(first.received) + len(second.received) <= 400 + 20


@pytest.mark.long
@pytest.mark.kafka
async def test_joining_waits_for_a_killed_member_to_be_given_up_and_then_succeeds(kafka: str, tmp_path: Path):
    url = f"kafka://{kafka}"  # with the session of 30 s that production has
    bus = await open_bus(url, client_id="patient")
    await bus.ensure_topics([TopicSpec("test.patient")])
    killed = Member(url, "patient", "test.patient", tmp_path / "killed")
    await until(lambda: killed.owned == 12)
    killed.process.kill()
    killed.process.wait()

    subscription = await bus.subscribe("patient", ["test.patient"])
    end = time.monotonic() + 45
    while len(subscription.owned()) < 12:
        assert time.monotonic() < end, "still not joined"
        await subscription.poll(max_records=10, wait=0.5)

    await subscription.close()
    await bus.close()
