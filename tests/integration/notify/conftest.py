"""Notify under test, on a database and sinks of its own."""

import pytest

from tests.support.notify import a_notify


@pytest.fixture
async def notify(notify_database):
    """Events are handed to it; its sender runs where a test lets it."""
    async with a_notify(notify_database) as made:
        yield made


@pytest.fixture
async def whole_notify(postgres, notify_database):
    """Running wholly, on an embedded bus of its own."""
    with postgres.empty() as bus_url:
        async with a_notify(notify_database, bus_url=bus_url) as made:
            yield made
