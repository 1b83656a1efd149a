"""Which addresses a webhook may reach: the wall against server-side request forgery.

A name is resolved once, every address it has is judged, and the connection goes to an address that was judged: aiohttp
connects to what its resolver returned. Literal addresses never reach a resolver, so they are judged before the call.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.notify.channels.port import InvalidAddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_LONGEST_URL: Final = 2048


class Forbidden(Exception):  # noqa: N818 - a named fact
    """The address lies inside a network that webhooks may not reach."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Private hosts that an operator lets webhooks reach (`MOAT_ALLOWED_PRIVATE_HOSTS`): names, addresses, networks."""

    names: frozenset[str]
    networks: tuple[IpNetwork, ...]

    @classmethod
    def parse(cls, text: str) -> "Allowance":
        """Read a comma-separated list such as `hooks.internal, 10.20.0.0/16`."""
        names: set[str] = set()
        networks: list[IpNetwork] = []
        for entry in filter(None, (part.strip() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]")))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def covers(self, host: str, address: IpAddress | None) -> bool:
        if host.lower().rstrip(".") in self.names:
            return True
        return address is not None and any(
            address in network for network in self.networks if network.version == address.version
        )


def is_public(address: IpAddress) -> bool:
    """Whether the address is on the open internet, also when it is an IPv4 address in an IPv6 coat."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None and not is_public(inner):
            return False
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def checked_url(url: str, allowance: Allowance) -> str:
    """The URL when a webhook may be sent there as far as can be told without resolving; raises InvalidAddress.

    https only, and http to allowed private hosts; no credentials, no fragment, no literal of a private address in
    whatever notation.
    """
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidAddress("a URL of printable ASCII without spaces, at most 2048 characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidAddress("not a URL") from None
    if not host or parts.scheme not in {"https", "http"}:
        raise InvalidAddress("a URL such as https://hooks.example.com/moat")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise InvalidAddress("a URL without user and password: calls are signed instead")
    if parts.fragment or port == 0:
        raise InvalidAddress("a URL without fragment and with a real port")
    literal = _literal(host)
    allowed = allowance.covers(host, literal)
    if parts.scheme == "http" and not allowed:
        raise InvalidAddress("https; plain http only to hosts of MOAT_ALLOWED_PRIVATE_HOSTS")
    if not allowed and literal is not None and not is_public(literal):
        raise InvalidAddress("an address of the open internet; private ones need MOAT_ALLOWED_PRIVATE_HOSTS")
    return url


def _literal(host: str) -> IpAddress | None:
    """The address that a host stands for without any resolving, odd notations (0x7f.1, 2130706433) included."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


class GuardedResolver(AbstractResolver):
    """Resolves names and returns only addresses that may be reached; raises Forbidden when one of them may not."""

    def __init__(self, allowance: Allowance, resolver: AbstractResolver | None = None) -> None:
        self._allowance = allowance
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        self._judge(host, (result["host"] for result in found))
        return found

    async def close(self) -> None:
        await self._resolver.close()

    def _judge(self, host: str, addresses: Iterable[str]) -> None:
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not is_public(address) and not self._allowance.covers(host, address):
                raise Forbidden(f"{host} leads to a private address")
