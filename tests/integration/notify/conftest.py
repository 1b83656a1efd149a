"""Notify under test, on a database and sinks of its own."""

import pytest

from tests.support.notify import a_notify, install_documents


@pytest.fixture
def database_with_documents(postgres):
    with postgres.furnished("notify", install_documents) as url:
        yield url


@pytest.fixture
async def notify(database_with_documents):
    """Events are handed to it; its sender runs where a test lets it."""
    async with a_notify(database_with_documents) as made:
        yield made


@pytest.fixture
async def whole_notify(postgres, database_with_documents):
    """Running wholly, on an embedded bus of its own."""
    with postgres.empty() as bus_url:
        async with a_notify(database_with_documents, bus_url=bus_url) as made:
            yield made
