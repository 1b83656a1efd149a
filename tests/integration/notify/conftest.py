"""Notify under test, on a database, a bus and sinks of its own."""

import pytest

from tests.support.notify import a_notify


@pytest.fixture
async def notify(postgres, notify_database):
    with postgres.empty() as bus_url:
        async with a_notify(notify_database, bus_url) as made:
            yield made
