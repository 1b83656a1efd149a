"""One FastAPI application per service, every one with the same edge, problems, documentation and health."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version as installed_version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRouter
from starlette.exceptions import HTTPException

from shared.errors import MethodNotAllowed
from shared.web.dispatch import Dispatch, RouteTable
from shared.web.edge import Door, Edge
from shared.web.kernel import Kernel
from shared.web.problems import answer
from shared.web.routing import Route

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class UnguardedRoute(Exception):  # noqa: N818 - a named fact
    """A route says neither which scope it demands nor that it is open to all."""


@dataclass(frozen=True, slots=True)
class About:
    """What the documentation says of a service, in Markdown."""

    title: str
    summary: str
    description: str = ""


def create_app(
    kernel: Kernel,
    about: About,
    routers: Sequence[APIRouter],
    *,
    door: Door | None = None,
    lifespan: Lifespan | None = None,
    access_log: float = 1.0,
) -> FastAPI:
    """The application of one service: `routers` with everything around them that all services share.

    `access_log` is the share of good answers that are logged. Raises UnguardedRoute for a route that forgot its scope.
    """
    app = FastAPI(
        title=about.title,
        summary=about.summary,
        description=about.description,
        version=installed_version("moat"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.kernel = kernel
    for router in routers:
        app.router.routes.extend(router.routes)
    for route in app.routes:
        _require_guarded(route)
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _unrouted)
    app.add_middleware(Dispatch, table=RouteTable(route for route in app.routes if isinstance(route, Route)))
    app.add_middleware(Edge, door=door or Door(), access_log=access_log)
    return app


def _require_guarded(route: object) -> None:
    if not isinstance(route, Route):
        raise UnguardedRoute(f"{route!r} was not made by shared.web.routing.Router")
    if route.scopes is None:
        raise UnguardedRoute(
            f"{sorted(route.methods or ())} {route.path} demands no scope: add require(…) or open_to_all()"
        )


async def _unrouted(request: Request, error: Exception) -> Response:
    """What the router itself refuses: no such address, no such method."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        path = request.scope["path"]
        known = (route for route in request.app.routes if isinstance(route, Route) and route.path_regex.match(path))
        allowed = sorted({method for route in known for method in route.methods or ()})
        return answer(request.scope, MethodNotAllowed(f"try {' or '.join(allowed)}", allowed=allowed))
    return answer(request.scope, error)
