"""Which failures are worth another try: a lost or busy database is, a mistake never is."""

import asyncpg
import pytest
import sqlalchemy.exc
from asyncpg.exceptions import _base

from shared.db.database import is_transient


def wrapped(kind, original):
    return kind("select 1", {}, original)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        OSError("Multiple exceptions: [Errno 111] Connect call failed"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.TooManyConnectionsError("sorry"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.DeadlockDetectedError("deadlock"),
        sqlalchemy.exc.TimeoutError("QueuePool limit"),
        wrapped(sqlalchemy.exc.OperationalError, Exception("gone")),
        wrapped(sqlalchemy.exc.InterfaceError, Exception("connection is closed")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_was_away_or_busy_is_asked_again(error):
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("no such template"),
        PermissionError("not yours"),
        KeyError("x"),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.UndefinedTableError("no such table"),
        asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
        _base.DataError("invalid input for query argument $1: 'closed' (an integer is required)"),
        wrapped(sqlalchemy.exc.InterfaceError, Exception("invalid input for query argument")),
        wrapped(sqlalchemy.exc.DBAPIError, asyncpg.QueryCanceledError("canceling statement due to statement timeout")),
        wrapped(sqlalchemy.exc.IntegrityError, Exception("twice")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_mistake_is_not_tried_again_for_ever(error):
    assert not is_transient(error)
