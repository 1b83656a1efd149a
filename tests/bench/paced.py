"""Complaints at an even rate, each with a token, and when what came of it arrived."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer

from shared.contracts import CloudEvent, encode, format_instant
from tests.bench.http_load import MOST_OF_A_CORE, TooBusy

_MOST_LATE = 0.05
"""Of the requests asked for, so many may have been sent too late; then the rate was not the one asked for."""


@dataclass(frozen=True, slots=True)
class Paced:
    """Milliseconds from sending to arrival; `lost` had not arrived when patience ended."""

    rate: float
    p50: float
    p99: float
    most: float
    lost: int


@asynccontextmanager
async def a_producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=0)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def paced(
    producer: AIOKafkaProducer, topic: str, log: Path, *, rate: float, seconds: float, patience: float = 10.0
) -> Paced:
    """Send complaints evenly and wait for what arrives. Raises TooBusy when sending them was the bottleneck."""
    run = secrets.token_hex(4)
    position = log.stat().st_size
    total = int(rate * seconds)
    sent: dict[str, int] = {}
    started, spent = time.perf_counter(), time.process_time()
    for number in range(total):
        wait = started + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        token = f"L1-{run}-{number}"
        key, value, headers = encode(a_complaint(token))
        sent[token] = time.time_ns()
        await producer.send(topic, key=key, value=value, headers=list(headers))
    wall = time.perf_counter() - started
    _must_be_honest(wall, seconds, (time.process_time() - spent) / wall)
    until = time.monotonic() + patience
    arrived: dict[str, int] = {}
    while len(arrived) < total and time.monotonic() < until:
        await asyncio.sleep(0.1)
        arrived, _ = arrivals(log, position, sent.__contains__)
    return summary(rate, sent, arrived)


def arrivals(log: Path, position: int, ours: Callable[[str], bool]) -> tuple[dict[str, int], int]:
    """The first arrival of each token noted from `position` on, and how far the log was read."""
    found: dict[str, int] = {}
    with log.open("rb") as file:
        file.seek(position)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.decode().splitlines():
        instant, token = line.split(" ")
        if ours(token):
            found.setdefault(token, int(instant))
    return found, position + len(whole)


def summary(rate: float, sent: dict[str, int], arrived: dict[str, int]) -> Paced:
    """Percentiles by nearest rank; what has not arrived counts as slower than everything."""
    took = sorted((arrived[token] - at) / 1e6 if token in arrived else float("inf") for token, at in sent.items())

    def rank(share: float) -> float:
        return took[max(0, -(-len(took) * round(share * 100) // 100) - 1)]

    return Paced(rate, rank(0.5), rank(0.99), took[-1], len(sent) - len(arrived))


def _must_be_honest(wall: float, seconds: float, cpu: float) -> None:
    if cpu > MOST_OF_A_CORE:
        raise TooBusy(f"sending complaints took {cpu:.0%} of a core")
    if wall > seconds * (1 + _MOST_LATE) + 0.2:
        raise TooBusy(f"sending took {wall:.1f} s instead of {seconds:.1f} s")


def a_complaint(token: str) -> CloudEvent:
    """A new customer's first complaint, so that every one opens a case and tells somebody."""
    now = datetime.now(UTC)
    return CloudEvent(
        id=token,
        source="/crm",
        type="customer.complaint.received.v1",
        subject=f"C-{token}",
        time=now,
        data={"complaint_id": token, "received_at": format_instant(now), "channel": "hotline", "subject": token},
    )
