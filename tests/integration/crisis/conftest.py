"""A crisis service for each test, on a clone of a database that has the shipped documents."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.crisis import Crisis, a_crisis, install_documents
from tests.support.postgres import TestPostgres


@pytest.fixture(scope="session")
def crisis_template(postgres: TestPostgres) -> str:
    """A database with schema and documents, to be cloned."""
    with postgres.migrated("crisis") as url:
        asyncio.run(install_documents(url))
        postgres.server.create_database("template_crisis_documents", template=url.rsplit("/", 1)[1].split("?")[0])
    return "template_crisis_documents"


@pytest.fixture
def database_with_documents(postgres: TestPostgres, crisis_template: str) -> Iterator[str]:
    with postgres._database(crisis_template) as url:
        yield url


@pytest.fixture
async def crisis(database_with_documents: str) -> AsyncIterator[Crisis]:
    async with a_crisis(database_with_documents) as running:
        yield running
