"""Serving a service over HTTP until it is told to stop, with what cannot work said in one sentence before the start."""

import asyncio
import gc
import signal
import socket
import sys
from functools import partial
from types import FrameType

import structlog
import uvicorn

from shared.db.database import is_transient
from shared.observability import logs, tracing
from shared.service import Service, require_head
from shared.web.edge import Door

log = structlog.get_logger(__name__)


def run(service: Service) -> None:
    """Serve until SIGTERM or SIGINT. Raises SchemaProblem; a port that is taken ends with one sentence and code 2."""
    settings = service.base.settings
    logs.configure(format=settings.log_format, level=settings.log_level, service=service.base.name)
    tracing.enable(on=settings.tracing)
    listener = _listen(settings.host, settings.port)
    _check_database(service)
    config = uvicorn.Config(
        service.app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        backlog=2048,
    )
    server = _Server(config, service.door, settings.drain_seconds)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


class _Server(uvicorn.Server):
    """Says that it is not ready before it closes the door, and freezes what is there after the start."""

    def __init__(self, config: uvicorn.Config, door: Door, drain_seconds: float) -> None:
        super().__init__(config)
        self._door = door
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        # What is alive now lives as long as the process: the collector need not look at it again, and batches make many
        # short-lived objects that reference counting frees by itself.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 25, 25)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        again, self._door.draining = self._door.draining, True
        if self._loop is None or again or self._drain_seconds == 0:
            self._close(sig)
            return
        loop, close = self._loop, partial(self._close, sig)
        loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, close)

    def _close(self, sig: int) -> None:
        """What uvicorn does, but the signal is not raised again at the end: a stop that was asked for is a success."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family=family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        sys.stderr.write(
            f"moat: cannot listen on {host}:{port} ({error.strerror}): stop what is there or choose another --port\n"
        )
        raise SystemExit(2) from None
    listener.set_inheritable(True)
    return listener


def _check_database(service: Service) -> None:
    """Raise SchemaProblem, or end with code 1 when the database cannot be reached: that may mend itself."""
    try:
        asyncio.run(require_head(service.base))
    except Exception as error:
        if not is_transient(error):
            raise
        sys.stderr.write(f"moat: the database of {service.base.name} cannot be reached: {error}\n")
        raise SystemExit(1) from None
