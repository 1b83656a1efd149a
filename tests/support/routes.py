"""What holds for every route of every service."""

from collections.abc import Iterator
from typing import Any

import httpx
from fastapi import FastAPI

from shared.auth.scopes import SCOPES
from shared.web.openapi import build_openapi, operations
from shared.web.routing import Route

OPEN = {"/livez", "/readyz", "/healthz", "/metrics", "/docs", "/redoc", "/openapi.json", "/docs/assets/{name}"} | {
    "/problems",
    "/problems/{slug}",
}
"""Open by design; a service names its own besides (signed links, public pages)."""


async def assert_every_route_demands_a_scope(app: FastAPI, *, open_paths: frozenset[str] = frozenset()) -> int:
    """Ask every route without a credential (401) and with one that has no scope of its (403); answers how many.

    `open_paths` are the service's own routes that need none. The app need not be started.
    """
    asked = 0
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 4711), raise_app_exceptions=False)
    app.state.kernel = _with_poor_caller(app.state.kernel)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for route, method in _routes(app):
            if route.path_format in OPEN | open_paths:
                assert route.scopes == frozenset(), f"{method} {route.path_format} is open and demands {route.scopes}"
                continue
            assert route.scopes, f"{method} {route.path_format} demands no scope"
            assert route.scopes <= SCOPES.keys()
            path = _concrete(route.path_format)
            without = await client.request(method, path)
            assert without.status_code == 401, f"{method} {path} without a credential: {without.status_code}"
            poor = await client.request(method, path, headers={"X-API-Key": "poor"})
            assert poor.status_code == 403, f"{method} {path} without its scope: {poor.status_code}"
            assert set(poor.json()["missing_scopes"]) == set(route.scopes)
            asked += 1
    return asked


def assert_documented(app: FastAPI) -> dict[str, Any]:
    """Every operation has a summary, an id of its own, an example of its body, and says which problems it answers."""
    document = build_openapi(app)
    ids: list[str] = []
    for path, method, operation in operations(document):
        where = f"{method.upper()} {path}"
        assert operation.get("summary"), f"{where} has no summary"
        ids.append(operation["operationId"])
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert _has_example(media, document), f"the body of {where} has no example"
        if "security" in operation:
            problems = [s for s in operation["responses"] if s in {"401", "403"}]
            assert len(problems) == 2, f"{where} does not document its problems"
        for status, response in operation["responses"].items():
            if int(status) >= 400 and "security" in operation:
                assert "application/problem+json" in response["content"], f"{status} of {where} is no problem"
    assert len(ids) == len(set(ids))
    return document


def _has_example(media: dict[str, Any], document: dict[str, Any]) -> bool:
    schema = media.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    resolved = document["components"]["schemas"].get(name, schema)
    if any("example" in place or "examples" in place for place in (media, schema, resolved)):
        return True
    fields = [resolved.get("properties", {}).get(field, {}) for field in resolved.get("required", ())]
    return bool(fields) and all("example" in field or "examples" in field for field in fields)


def _routes(app: FastAPI) -> Iterator[tuple[Route, str]]:
    for route in app.routes:
        assert isinstance(route, Route), f"{route!r} is not one of our routes"
        for method in sorted(route.methods or ()):
            yield route, method


def _concrete(path: str) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + "1" + rest.partition("}")[2]
    return path


class _Poor:
    """Authenticates one credential, which may do nothing."""

    async def authenticate(self, credential: str) -> Any:
        from shared.auth.principal import Principal

        return Principal(id="poor", name=credential, scopes=frozenset())


def _with_poor_caller(kernel: Any) -> Any:
    import dataclasses

    return dataclasses.replace(kernel, authenticator=_Poor())
