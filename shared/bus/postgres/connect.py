"""Connections to the bus's database, and what their failures mean to the caller."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from shared.bus.port import BusUnavailable

_COMMAND_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 10
_KEEP_HOURS: Final = 24
_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, connection ended by an administrator
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where the bus's database is. `keep_hours`: how long records stay that every group has read."""

    dsn: str
    client_id: str
    keep_hours: int = _KEEP_HOURS

    @classmethod
    def parse(cls, url: str, *, client_id: str) -> "Address":
        """Read `postgresql://user:password@host:port/database[?keep_hours=24]`."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        keep_hours = options.pop("keep_hours", str(_KEEP_HOURS))
        if not keep_hours.isdecimal():
            raise ValueError(f"keep_hours of the bus url must be a whole number of hours, not {keep_hours!r}")
        scheme = parts.scheme.partition("+")[0]
        dsn = urlunsplit((scheme, parts.netloc, parts.path, urlencode(options), ""))
        return cls(dsn, client_id, int(keep_hours))

    def options(self, **settings: str) -> dict[str, Any]:
        """What asyncpg is told for every connection."""
        return {
            "dsn": self.dsn,
            "timeout": _CONNECT_SECONDS,
            "command_timeout": _COMMAND_SECONDS,
            "server_settings": {
                "application_name": self.client_id,
                "jit": "off",
                # A machine that vanished must not keep its partitions: the server gives it up within half a minute.
                "tcp_keepalives_idle": "15",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
                **settings,
            },
        }


@contextmanager
def away_is_unavailable() -> Iterator[None]:
    """Turn the many ways in which the database can be away into BusUnavailable; anything else is a defect."""
    try:
        yield
    except _AWAY as error:
        raise BusUnavailable(f"The bus's database is away: {type(error).__name__}: {error}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise BusUnavailable(f"The bus's database is missing: create it first ({error})") from error
    except asyncpg.InterfaceError as error:
        if "clos" not in str(error) and "released" not in str(error):
            raise
        raise BusUnavailable(f"The connection to the bus's database is gone: {error}") from error


class Pool:
    """A small pool that asks nothing of the server when a connection goes back: none leaves a state behind."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the first connection; raises BusUnavailable."""
        with away_is_unavailable():
            self._pool = await asyncpg.create_pool(min_size=0, max_size=4, reset=_nothing, **self._address.options())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Borrow a connection; raises BusUnavailable when it fails or breaks."""
        if self._pool is None:
            raise BusUnavailable("The bus is closed")
        with away_is_unavailable():
            async with self._pool.acquire() as connection:
                yield connection

    async def close(self, *, seconds: float) -> None:
        """Close all connections, roughly after `seconds`."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()


async def _nothing(_connection: asyncpg.Connection) -> None: ...
