"""W1: memory of the three services together, idle and under load."""

import asyncio
import secrets

import psutil

from services.commands.names import ServiceName
from services.commands.platform import Platform
from shared.contracts import encode
from tests.bench.bench import Bench
from tests.bench.h1_door import CONNECTIONS, _requests
from tests.bench.http_load import load
from tests.bench.paced import a_complaint, a_producer
from tests.bench.table import Row
from tests.bench.whole import Whole, the_whole

IDLE_SECONDS, SECONDS, RATE = 5, 20.0, 400
_MIB = 1024 * 1024


async def run(bench: Bench) -> list[Row]:
    """Resident sets (RSS) summed over the three processes: pages that they share count three times."""
    async with the_whole(bench, "w1") as whole:
        await asyncio.sleep(IDLE_SECONDS)
        idle, idle_pss = memory(whole.platform)
        at_most, pss, complaints = await _under_load(whole)
        uses = {service.value: _imports_polars(pid) for service, pid in whole.platform.pids().items()}
    assert uses == {"scoring": True, "crisis": False, "notify": False}, f"who has polars: {uses}"
    return [
        Row(
            id="W1",
            what="the three services together, idle (RSS)",
            ours=sum(idle.values()),
            unit="MiB",
            goal=400,
            less=True,
            beside={**idle, "shared pages counted once (PSS)": idle_pss},
            note="scoring alone has polars in its memory",
        ),
        Row(
            id="W1",
            what=f"the three services together, highest in {SECONDS:.0f} s of load (RSS)",
            ours=sum(at_most.values()),
            unit="MiB",
            goal=900,
            less=True,
            beside={**at_most, "shared pages counted once (PSS)": pss},
            note=f"{complaints:,} complaints on Kafka, and facts in hundreds over HTTP as fast as they are answered",
        ),
    ]


def memory(platform: Platform) -> tuple[dict[str, float], float]:
    """MiB of each service (RSS), and of all with shared pages counted once (PSS)."""
    processes = {service.value: psutil.Process(pid) for service, pid in platform.pids().items()}
    rss = {name: process.memory_info().rss / _MIB for name, process in processes.items()}
    return rss, sum(process.memory_full_info().pss for process in processes.values()) / _MIB


async def _under_load(whole: Whole) -> tuple[dict[str, float], float, int]:
    """The look with the highest sum."""
    sending = asyncio.create_task(_complain(whole))
    port = int(whole.platform.url(ServiceName.SCORING).rpartition(":")[2])
    requests = _requests(port, whole.platform.admin_key, 100)
    telling = asyncio.create_task(load(port, requests, connections=CONNECTIONS[100], seconds=SECONDS))
    highest, pss = memory(whole.platform)
    while not (sending.done() and telling.done()):
        await asyncio.sleep(0.5)
        rss, together = memory(whole.platform)
        if sum(rss.values()) > sum(highest.values()):
            highest, pss = rss, together
    await telling
    return highest, pss, await sending


async def _complain(whole: Whole) -> int:
    """Complaints at an even rate."""
    run = secrets.token_hex(4)
    total = int(RATE * SECONDS)
    started = asyncio.get_running_loop().time()
    async with a_producer(whole.kafka) as producer:
        for number in range(total):
            await asyncio.sleep(max(0.0, started + number / RATE - asyncio.get_running_loop().time()))
            key, value, headers = encode(a_complaint(f"L1-{run}-{number}"))
            await producer.send("moat.facts.v1", key=key, value=value, headers=list(headers))
    return total


def _imports_polars(pid: int) -> bool:
    return any("polars" in mapped.path for mapped in psutil.Process(pid).memory_maps())
