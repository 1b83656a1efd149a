"""How a route is run: scope checked first, then a bounded, strict body, then the handler, within its time.

All services make their routers with `Router`, each with its full prefix; the app refuses routes of another kind.
Whatever a route raises leaves as a problem.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import HTTPException
from fastapi.params import Form
from fastapi.routing import APIRoute

from shared.auth.guard import check, credential_of, demanded, identify
from shared.contracts.errors import ContractError
from shared.contracts.strictjson import loads
from shared.errors import TimedOut, TooLarge, UnsupportedMedia
from shared.web.problems import answer

MIB: Final = 1 << 20
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_BODY_LIMIT: Final = "__moat_body_limit__"
_TIME_LIMIT: Final = "__moat_time_limit__"


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
        """The body as strict JSON. Raises an HTTPException caused by the `ContractError` that says what is wrong."""
        raw = await self.body()
        try:
            return loads(raw, max_bytes=self.most_bytes)
        except ContractError as error:
            raise HTTPException(400) from error  # the only exception that FastAPI lets through here


class Route(APIRoute):
    """A route as this product has it."""

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes it demands; empty when open to all, None when it forgot to say."""
        return demanded(self.dependant)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()
        scopes = self.scopes
        reads_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)
        most_bytes = getattr(self.endpoint, _BODY_LIMIT, MIB)
        seconds = getattr(self.endpoint, _TIME_LIMIT, 30.0)

        async def handle(plain: Request) -> Response:
            request = StrictRequest(plain.scope, plain.receive, plain._send)  # noqa: SLF001
            request.most_bytes = most_bytes
            try:
                if scopes:
                    await identify(request.scope, request.headers, request.app.state.kernel.authenticator)
                    check(request.scope, scopes)
                if reads_json:
                    _require_json(request.headers.get("content-type"))
                async with asyncio.timeout(seconds) as limit:
                    return await inner(request)
            except TimeoutError as error:
                late = limit.expired()
                return answer(request.scope, TimedOut(f"it took longer than {seconds:g} s") if late else error)
            except Exception as error:  # noqa: BLE001 - every failure leaves as a problem
                return answer(request.scope, error)

        return handle


class Router(APIRouter):
    """A router of our routes. Give it its full prefix (`/v1/cases`): the app takes the routes as they are."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"route_class": Route, **settings})


def _require_json(content_type: str | None) -> None:
    essence = (content_type or "").partition(";")[0].strip().lower()
    if essence != "application/json" and not (essence.startswith("application/") and essence.endswith("+json")):
        raise UnsupportedMedia(f"send the body as application/json, not as {essence or 'nothing in particular'}")


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"at most {most_bytes} bytes are read here", limit_bytes=most_bytes)


__all__ = ["MIB", "Dependant", "Route", "Router", "body_limit", "credential_of", "time_limit"]
