"""A channel as the sender sees it: hand over a parcel, learn what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.notify.domain.outcome import Outcome
from services.notify.rendering import Content


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to one address. `id` is the delivery's and stays the same when it is tried again.

    `facts` are ids and codes for machines that receive it. `secrets` sign it, the present one first.
    """

    id: str
    message_id: str
    address: str
    content: Content
    urgency: str
    ack_url: str | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the channel can be used now; `detail` says what was found, without secrets."""

    healthy: bool
    detail: str


class Channel(Protocol):
    """One way out. `send` never raises for what a provider or the network does: that is an outcome.

    `idempotent` channels may be asked again with the same parcel: the receiver recognises it by its id.
    """

    name: str
    idempotent: bool

    async def send(self, parcel: Parcel) -> Outcome:
        """Try once, within the channel's own time limit."""

    async def health(self) -> Health:
        """Look whether the provider answers, without sending anything."""

    async def close(self) -> None:
        """Let go of connections."""


class InvalidAddress(ValueError):  # noqa: N818 - a named fact
    """The address cannot be one of this channel; the message says why."""
