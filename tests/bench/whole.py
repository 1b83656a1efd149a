"""The whole platform for a benchmark: three service processes on Kafka, people to tell, and a mail sink."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.commands.demo.client import Client, Stepper
from services.commands.demo.directory import set_up_people
from services.commands.names import ServiceName
from services.commands.platform import Platform, PlatformOptions
from tests.bench.bench import Bench
from tests.bench.processes import a_process


@dataclass(frozen=True, slots=True)
class Whole:
    """What runs, and where to look for what arrived."""

    platform: Platform
    kafka: str
    arrivals: Path
    lines_port: int

    def client(self) -> Client:
        return Client({name: self.platform.url(name) for name in ServiceName}, self.platform.admin_key)

    async def settle(self, *, seconds: float = 120) -> None:
        """Return when nothing is left to do."""
        client = self.client()
        try:
            await Stepper(client, patience=seconds).settle()
        finally:
            await client.close()


@asynccontextmanager
async def the_whole(bench: Bench, name: str) -> AsyncIterator[Whole]:
    """Start everything on a broker without topics; logs as they are by default."""
    directory = bench.directory / name
    directory.mkdir()
    ports, arrivals = directory / "ports", directory / "arrivals"
    kafka = bench.fresh_kafka()
    with a_process(directory / "sink.log", "tests.bench.text_sink", str(ports), str(arrivals)):
        mail_port, lines_port = _read_ports(ports)
        options = PlatformOptions(
            directory / "platform",
            port_base=_free_base(),
            bus=f"kafka://{kafka}",
            environment={"MOAT_SMTP_URL": f"smtp://127.0.0.1:{mail_port}"},
        )
        options.directory.mkdir()
        directory.chmod(0o755)
        platform = Platform(options)
        try:
            await asyncio.to_thread(platform.start)
            whole = Whole(platform, kafka, arrivals, lines_port)
            await _set_up(whole)
            yield whole
        finally:
            await asyncio.to_thread(platform.stop)


def processor_seconds(platform: Platform) -> dict[str, float]:
    """What each service has used of a core since its start."""
    times = {service.value: psutil.Process(pid).cpu_times() for service, pid in platform.pids().items()}
    return {name: time.user + time.system for name, time in times.items()}


async def _set_up(whole: Whole) -> None:
    client = whole.client()
    await set_up_people(client)
    await client.close()
    await whole.settle()


def _read_ports(path: Path) -> tuple[int, int]:
    until = time.monotonic() + 30
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < until, "the mail sink does not start"
        time.sleep(0.02)
    first, second = path.read_text().split()
    return int(first), int(second)


def _free_base() -> int:
    """A base whose next three ports are free."""
    for base in range(24_000, 25_000, 10):
        if all(_is_free(base + offset) for offset in (1, 2, 3)):
            return base
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
