"""The outermost layer of every request: identity, safe headers, one metric, one log line, and the door when draining.

One class instead of five middlewares: every layer of ASGI costs a coroutine and a closure per request.
"""

import re
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import InternalFault, Malformed, Unavailable
from shared.observability import logs, tracing
from shared.observability.logs import REQUEST_ID
from shared.observability.metrics import HTTP_IN_PROGRESS, HTTP_SECONDS
from shared.web.problems import respond

log = structlog.get_logger("http")

_OPEN_WHEN_DRAINING: Final = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{8,64}").fullmatch
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_UNLESS_SAID: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SLOW_SECONDS: Final = 1.0


@dataclass(slots=True)
class Door:
    """Whether new requests are let in; the composition root shuts it before it stops."""

    draining: bool = False


class Edge:
    """ASGI middleware. `access_log` is the share of good answers that are logged; slow ones and failures always are."""

    def __init__(self, app: ASGIApp, *, door: Door, access_log: float = 1.0) -> None:
        self.app = app
        self._door = door
        self._period = round(1 / access_log) if access_log > 0 else 0
        self._count = 0
        self._observers: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _enter(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _complete(message, request_id)
            await send(message)

        HTTP_IN_PROGRESS.inc()
        try:
            if self._door.draining and scope["path"] not in _OPEN_WHEN_DRAINING:
                gone = respond(scope, Unavailable("the service is shutting down", retry_after=1))
                gone.headers["connection"] = "close"
                await gone(scope, receive, send_with_headers)
            elif "\x00" in scope["path"] or b"%00" in scope["query_string"]:  # no text of a database holds one
                await respond(scope, Malformed("the address holds a NUL"))(scope, receive, send_with_headers)
            else:
                await self.app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("http.fault", path=logs.mask_text(scope["path"]), method=scope["method"], exc_info=error)
            if status:
                raise  # the answer is half out: the server closes the connection
            await respond(scope, InternalFault())(scope, receive, send_with_headers)
        finally:
            HTTP_IN_PROGRESS.dec()
            self._record(scope, status, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        observer = self._observers.get((method, route, status))
        if observer is None:
            observer = self._observers[method, route, status] = HTTP_SECONDS.labels(method, route, str(status))
        observer.observe(seconds)
        self._count += 1
        if status >= 500 or seconds > _SLOW_SECONDS or (self._period and self._count % self._period == 0):
            fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
            if status >= 400:
                fields["path"] = logs.mask_text(scope["path"])
            logs.write_line("http.request", fields)


def _enter(scope: MutableMapping[str, Any]) -> bytes:
    """Take over the caller's request id and trace, or make them."""
    request_id = traceparent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID(value):
            request_id = value
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
    trace = tracing.begin(traceparent)
    if request_id is None:
        request_id = tracing.random_id() if trace is None else trace.trace_id.encode()
    REQUEST_ID.set(request_id.decode())
    return bytes(request_id)


def _complete(message: Message, request_id: bytes) -> None:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    said = {name for name, _ in headers}
    headers.extend(_ALWAYS)
    headers.extend(header for header in _UNLESS_SAID if header[0] not in said)
    headers.append((b"x-request-id", request_id))
    message["headers"] = headers
