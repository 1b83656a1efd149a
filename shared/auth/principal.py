"""The caller, and the port behind which ways of proving it join."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who has proved who he is. `id` stays the same when his key is rotated; write it down as the actor."""

    id: str
    name: str
    scopes: frozenset[str]
    kind: Literal["api_key", "oidc"] = "api_key"


class Authenticator(Protocol):
    """Turns a credential into a principal."""

    async def authenticate(self, credential: str) -> Principal:
        """The principal of this bearer token or API key.

        Raises `shared.errors.Unauthenticated` for one that is unknown, expired or revoked.
        """


ANONYMOUS = Principal(id="anonymous", name="anonymous", scopes=frozenset())
"""Who calls a route that is open to all."""
