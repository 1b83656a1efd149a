"""Finding the route of a request in a tree of path segments instead of trying every route's pattern in turn.

A service has some hundred routes; trying them one by one costs more than all the rest of a small request. What the tree
does not know (other methods, other kinds of parameters) goes the usual way and means the same there.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from starlette.convertors import StringConvertor
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.routing import Route

_PARAMETER: Final = "{}"
_LEAF: Final = "/"  # no segment contains it


class RouteTable:
    """The routes of an application by path and method. A literal segment is preferred to a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._tree: dict[str, Any] = {}
        for route in routes:
            if all(isinstance(convertor, StringConvertor) for convertor in route.param_convertors.values()):
                self._add(route)

    def _add(self, route: Route) -> None:
        node = self._tree
        for segment in route.path_format[1:].split("/"):
            is_parameter = segment.startswith("{") and segment.endswith("}")
            if not is_parameter and "{" in segment:
                return  # a parameter inside a segment: the usual way
            node = node.setdefault(_PARAMETER if is_parameter else segment, {})
        methods = node.setdefault(_LEAF, {})
        for method in route.methods or ():
            methods.setdefault(method, (route, tuple(_names(route.path_format))))

    def find(self, path: str, method: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters; None when the usual way has to decide."""
        values: list[str] = []
        methods = _descend(self._tree, path[1:].split("/"), 0, values)
        found = None if methods is None else methods.get(method)
        if found is None:
            return None
        route, names = found
        return route, dict(zip(names, values, strict=True))


class Dispatch:
    """ASGI middleware: runs the route found in the table, or hands on to the usual way."""

    def __init__(self, app: ASGIApp, *, table: RouteTable) -> None:
        self.app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            found = self._table.find(scope["path"], scope["method"])
            if found is not None:
                route, parameters = found
                scope["route"] = route
                scope["endpoint"] = route.endpoint
                scope["path_params"] = parameters
                await route.app(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _descend(node: dict[str, Any], segments: list[str], depth: int, values: list[str]) -> dict[str, Any] | None:
    if depth == len(segments):
        leaf: dict[str, Any] | None = node.get(_LEAF)
        return leaf
    segment = segments[depth]
    literal = node.get(segment)
    if literal is not None and segment != _PARAMETER:
        found = _descend(literal, segments, depth + 1, values)
        if found is not None:
            return found
    parameter = node.get(_PARAMETER)
    if parameter is None or not segment:
        return None
    values.append(segment)
    found = _descend(parameter, segments, depth + 1, values)
    if found is None:
        values.pop()
    return found


def _names(path: str) -> Iterator[str]:
    for segment in path[1:].split("/"):
        if segment.startswith("{"):
            yield segment[1:-1]
