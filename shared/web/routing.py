"""How a route is run: scope checked first, then a bounded, strict body, then the handler, within its time.

All services make their routers with `Router`, each with its full prefix; the app refuses routes of another kind.
Whatever a route raises leaves as a problem.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from shared.auth.guard import check, demanded, identify, is_guard
from shared.contracts.errors import ContractError
from shared.contracts.strictjson import loads
from shared.errors import TimedOut, TooLarge, UnsupportedMedia
from shared.web.problems import answer

MIB: Final = 1 << 20
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_BODY_LIMIT: Final = "__moat_body_limit__"
_TIME_LIMIT: Final = "__moat_time_limit__"
_STACKS: Final = ("fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack")


def body_limit(most_bytes: int) -> Callable[[_Endpoint], _Endpoint]:
    """Give one endpoint another limit than 1 MiB for its body; put it under the route's decorator."""

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _BODY_LIMIT, most_bytes)
        return endpoint

    return mark


def time_limit(seconds: float) -> Callable[[_Endpoint], _Endpoint]:
    """Give one endpoint another limit than 30 s for its answer; put it under the route's decorator."""

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _TIME_LIMIT, seconds)
        return endpoint

    return mark


class StrictRequest(Request):
    """A request whose body is bounded and whose JSON means one thing only."""

    most_bytes: int = MIB

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces; raises `TooLarge` as soon as it is known to be."""
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.most_bytes:
            raise _too_large(self.most_bytes)
        read = 0
        async for piece in super().stream():
            read += len(piece)
            if read > self.most_bytes:
                raise _too_large(self.most_bytes)
            yield piece

    async def json(self) -> Any:
        """The body as strict JSON. Raises an HTTPException caused by the `ContractError` that says what is wrong.

        Raises `UnsupportedMedia` for a body that does not call itself JSON; where FastAPI reads the body, that was
        checked before.
        """
        _require_json(self)
        raw = await self.body()
        try:
            return loads(raw, max_bytes=self.most_bytes)
        except ContractError as error:
            raise HTTPException(400) from error  # the only exception that FastAPI lets through here


class Route(APIRoute):
    """A route as this product has it: every failure of it leaves as a problem."""

    scopes: frozenset[str] | None
    """The scopes it demands; empty when open to all, None when it forgot to say."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:
        super().__init__(path, endpoint, **settings)
        self.app = self._run

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        self.scopes = demanded(self.dependant)
        self._most_bytes: int = getattr(self.endpoint, _BODY_LIMIT, MIB)
        self._seconds: float = getattr(self.endpoint, _TIME_LIMIT, 30.0)
        self._reads_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)
        # The scope is checked below, before the body is read; FastAPI need not call what only says so.
        self.dependant.dependencies[:] = [d for d in self.dependant.dependencies if d.name or not is_guard(d.call)]
        self._handle = super().get_route_handler()
        return self._answer

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = StrictRequest(scope, receive, send)
        request.most_bytes = self._most_bytes
        # FastAPI has three stacks and two layers of error handling here; with one and none a request is a third faster.
        async with AsyncExitStack() as stack:
            scope["fastapi_middleware_astack"] = scope["fastapi_inner_astack"] = scope["fastapi_function_astack"] = (
                stack
            )
            response = await self._answer(request)
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        limit: asyncio.Timeout | None = None
        try:
            if self.scopes:
                await identify(request.scope, request.headers, request.app.state.kernel.authenticator)
                check(request.scope, self.scopes)
            if self._reads_json:
                _require_json(request)
            async with asyncio.timeout(self._seconds) as limit:
                return await self._handle(request)
        except TimeoutError as error:
            late = limit is not None and limit.expired()
            return answer(request.scope, TimedOut(f"it took longer than {self._seconds:g} s") if late else error)
        except Exception as error:  # noqa: BLE001 - every failure leaves as a problem
            return answer(request.scope, error)


class Router(APIRouter):
    """A router of our routes. Give it its full prefix (`/v1/cases`): the app takes the routes as they are."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"route_class": Route, **settings})


def _require_json(request: Request) -> None:
    content_type = request.headers.get("content-type")
    if content_type == "application/json":
        return
    essence = (content_type or "").partition(";")[0].strip().lower()
    if essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json")):
        return
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise UnsupportedMedia(f"send the body as application/json, not as {essence or 'nothing in particular'}")


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"at most {most_bytes} bytes are read here", limit_bytes=most_bytes)


__all__ = ["MIB", "Route", "Router", "StrictRequest", "body_limit", "time_limit"]
