"""The one pool of connections of a process, and how a transaction is opened on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# What PostgreSQL answers, or the socket says, when the same statement may succeed a moment later:
# connection lost (08), too many connections (53), shutting down or starting (57), deadlock and serialisation (40).
_TRANSIENT_CLASSES = ("08", "40", "53", "57")
_CANCELLED = "57014"  # it took longer than it may, and would again: in smaller parts it may not
_FILE_ERRORS = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


class Overtaken(Exception):  # noqa: N818 - a named fact
    """What had to be locked was changed by another transaction meanwhile. Tried again as a whole, this one succeeds."""


class Database:
    """An engine with its pool. Hot paths use the asyncpg connection underneath; both see one transaction."""

    def __init__(self, url: str, *, pool_size: int = 8, name: str = "moat", statement_timeout: float = 60.0) -> None:
        address = make_url(url).set(drivername="postgresql+asyncpg")
        self.engine: AsyncEngine = create_async_engine(
            address,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=15,
            pool_pre_ping=False,  # a lost connection is retried by the caller as a whole transaction
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 10,
                "server_settings": {
                    "application_name": name,
                    "timezone": "UTC",
                    "statement_timeout": str(int(statement_timeout * 1000)),
                    "idle_in_transaction_session_timeout": "120000",
                },
            },
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: leaving the block commits, an exception rolls back."""
        async with self.engine.begin() as connection, self._noticing_loss(connection):
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; nothing done on it is kept."""
        async with self.engine.connect() as connection, self._noticing_loss(connection):
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection with no transaction around it, for locks, listening and settings that last.

        It takes one place in the pool, and is closed in the end: nobody inherits what was left on it.
        """
        async with self.engine.connect() as connection:
            try:
                async with self._noticing_loss(connection):
                    yield await _driver(connection)
            finally:
                await connection.invalidate()

    @asynccontextmanager
    async def glance(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection for single statements that need no transaction: one round trip each instead of three."""
        async with self.engine.connect() as connection, self._noticing_loss(connection):
            yield await _driver(connection)

    async def ping(self) -> None:
        """Return when the server answers."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("select 1")

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def _noticing_loss(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Where a connection turns out to be lost, have the others of its age made anew too.

        SQLAlchemy does so by itself for its own statements, but does not see what is done on the driver's connection.
        After a restart of the server every connection would fail once, and whoever tries again meets one after another.
        """
        try:
            yield
        except BaseException as error:
            sync = connection.sync_connection
            if sync is not None and not sync.closed and not sync.invalidated:
                pooled = sync.connection
                driver = pooled.driver_connection
                if driver is not None and (driver.is_closed() or isinstance(error, asyncpg.InternalClientError)):
                    sync.engine.pool._invalidate(pooled, _checkin=False)  # noqa: SLF001 - there is no public way
                    await connection.invalidate()
                if driver is not None and driver.is_closed() and type(error) is RuntimeError:
                    # COPY writes to the socket itself, and the event loop's word for a closed one is no OSError.
                    raise ConnectionResetError("the connection to the database is lost") from error
            raise


async def raw_connection(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """The asyncpg connection under `connection`, inside the same transaction: for COPY and set-based statements."""
    # SQLAlchemy opens the server's transaction with the first statement only; COPY must be inside it.
    adapted: Any = (await connection.get_raw_connection()).dbapi_connection
    if adapted._transaction is None:  # noqa: SLF001 - the adapter has no public way to ask or begin
        try:
            await adapted._start_transaction()  # noqa: SLF001
        except Exception as error:
            if adapted.driver_connection.is_closed():
                # Unlike in a statement of its own, SQLAlchemy does not see this error and does not name it.
                raise ConnectionResetError("the connection to the database is lost") from error
            raise
    return cast("asyncpg.Connection[asyncpg.Record]", adapted.driver_connection)


async def _driver(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    adapted = await connection.get_raw_connection()
    return cast("asyncpg.Connection[asyncpg.Record]", adapted.driver_connection)


def is_transient(error: BaseException) -> bool:
    """Whether the database was away or busy, so that the same transaction may succeed when tried again."""
    if isinstance(error, PoolTimeoutError | Overtaken):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, OperationalError):
            return True
        if isinstance(error, InterfaceError):
            return "closed" in str(error.orig)
        state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
        return _may_pass(str(state))
    if isinstance(error, asyncpg.PostgresError):
        return _may_pass(str(error.sqlstate))
    if isinstance(error, asyncpg.InternalClientError):
        return True  # the driver lost count: the server ended the session while an answer was on its way
    if isinstance(error, asyncpg.InterfaceError):
        # The driver's own refusals: a lost connection may come back, a wrong argument stays wrong.
        return "closed" in str(error) and not isinstance(error, ValueError)
    return isinstance(error, OSError) and not isinstance(error, _FILE_ERRORS)


def _may_pass(state: str) -> bool:
    return state[:2] in _TRANSIENT_CLASSES and state != _CANCELLED
