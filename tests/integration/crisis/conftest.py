"""A crisis service for each test, on a clone of a database that has the shipped documents."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.crisis import Crisis, a_crisis, install_documents
from tests.support.postgres import TestPostgres


@pytest.fixture
def database_with_documents(postgres: TestPostgres) -> Iterator[str]:
    with postgres.furnished("crisis", install_documents) as url:
        yield url


@pytest.fixture
async def crisis(database_with_documents: str) -> AsyncIterator[Crisis]:
    async with a_crisis(database_with_documents) as running:
        yield running
