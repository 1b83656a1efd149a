"""What a route demands. Every route names a scope or says openly that it is open; the app refuses to start otherwise.

    router = Router(prefix="/v1/cases", dependencies=[require("crisis:read")])

    @router.post("", dependencies=[require("crisis:write")])
    async def open_case(body: OpenCaseIn, caller: Caller) -> CaseOut: ...

Scopes add up: this route demands both. The check runs before the body is read (`shared.web.routing`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from shared.auth.principal import ANONYMOUS, Authenticator, Principal
from shared.auth.scopes import SCOPES
from shared.errors import Forbidden, Unauthenticated

PRINCIPAL: Final = "moat.principal"
"""Where the ASGI scope holds the caller."""
_CHALLENGE: Final = 'Bearer realm="moat"'


class RequireScope:
    """The dependency behind `require`; answers the caller."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        return check(request.scope, frozenset((self.scope,)))


class OpenToAll:
    """The dependency behind `open_to_all`."""

    async def __call__(self) -> Principal:
        return ANONYMOUS


_required = {scope: RequireScope(scope) for scope in SCOPES}
_open = OpenToAll()


def require(scope: str) -> Any:
    """Demand `scope`; used as an annotation of a parameter, the dependency also hands over the caller."""
    return Depends(_required[scope])


def open_to_all() -> Any:
    """A dependency that says: this route is meant to need no credential (health, docs, signed links)."""
    return Depends(_open)


def demanded(dependant: Dependant) -> frozenset[str] | None:
    """The scopes that a route demands; empty when it is open to all, None when it says neither."""
    found = list(_walk(dependant))
    scopes = frozenset(call.scope for call in found if isinstance(call, RequireScope))
    if scopes:
        return scopes
    return frozenset() if any(isinstance(call, OpenToAll) for call in found) else None


def is_guard(call: Any) -> bool:
    """Whether a dependency does nothing but say what a route demands."""
    return isinstance(call, RequireScope | OpenToAll)


def _walk(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _walk(dependency)


def credential_of(headers: Mapping[str, str]) -> str:
    """The bearer token or `X-API-Key` of a request. Raises `Unauthenticated` without one."""
    bearer = headers.get("authorization")
    if bearer is not None:
        kind, _, credential = bearer.partition(" ")
        if kind.lower() != "bearer" or not credential.strip():
            raise Unauthenticated("Authorization is read as `Bearer <key or token>`")
        return credential.strip()
    key = headers.get("x-api-key")
    if key:
        return key
    raise Unauthenticated("send Authorization: Bearer <key or token>, or X-API-Key: <key>")


async def identify(scope: Any, headers: Mapping[str, str], authenticator: Authenticator) -> Principal:
    """Find out who calls and write it into the ASGI scope."""
    principal = await authenticator.authenticate(credential_of(headers))
    scope[PRINCIPAL] = principal
    return principal


def check(scope: Mapping[str, Any], scopes: frozenset[str]) -> Principal:
    """The caller, who has all of `scopes`; raises `Forbidden` naming the missing ones, `Unauthenticated` for nobody."""
    principal = scope.get(PRINCIPAL)
    if not isinstance(principal, Principal):
        raise Unauthenticated("send Authorization: Bearer <key or token>, or X-API-Key: <key>")
    return demand(principal, scopes)


def demand(principal: Principal, scopes: frozenset[str]) -> Principal:
    """The caller, who has all of `scopes`; raises `Forbidden` naming the missing ones."""
    if not scopes <= principal.scopes:
        missing = sorted(scopes - principal.scopes)
        raise Forbidden(f"the scope {', '.join(missing)} is missing", missing_scopes=missing)
    return principal
