"""Load over HTTP that costs little itself: prepared bytes on kept connections, answers counted and not read."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_OF_A_CORE = 0.6


class TooBusy(Exception):  # noqa: N818 - a named fact
    """The load generator used so much of its core that the figure would be its own."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: requests a second, and the share of a core that making them took."""

    per_second: float
    p99_ms: float
    cpu: float

    def honest(self) -> "Load":
        """Itself; raises TooBusy when the generator may have been the bottleneck."""
        if self.cpu > MOST_OF_A_CORE:
            raise TooBusy(f"the load generator used {self.cpu:.0%} of a core")
        return self


class _Connection(asyncio.Protocol):
    """One request after the other, each sent when the one before was answered."""

    def __init__(self, requests: Iterator[bytes], took: list[float], stopping: Callable[[], bool]) -> None:
        self._requests = requests
        self._took = took
        self._stopping = stopping
        self._buffer = b""
        self._sent = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self._buffer.lower().find(b"content-length:", 0, head)
        end = head + 4 + int(self._buffer[length + 15 : self._buffer.find(b"\r\n", length)])
        if len(self._buffer) < end:
            return
        if not self._buffer.startswith(b"HTTP/1.1 202"):
            self._end(RuntimeError(self._buffer[:2000].decode(errors="replace")))
            return
        self._buffer = self._buffer[end:]
        self._took.append(time.perf_counter() - self._sent)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        if self._stopping():
            self._end(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()


def request(port: int, key: str, body: bytes) -> bytes:
    """A POST of a fact, as bytes."""
    head = (
        f"POST /v1/facts HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Load:
    """Keep so many connections busy for so long; every answer has to be 202."""
    loop = asyncio.get_running_loop()
    took: list[float] = []
    started, spent = time.perf_counter(), time.process_time()
    until = started + seconds
    protocols = [
        (
            await loop.create_connection(
                lambda: _Connection(requests, took, lambda: time.perf_counter() >= until), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.ended for protocol in protocols))
    wall = time.perf_counter() - started
    ordered = sorted(took)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return Load(len(took) / wall, p99 * 1000, (time.process_time() - spent) / wall)
