"""A scoring service for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.postgres import TestPostgres
from tests.support.scoring import Scoring, a_scoring, install_documents


@pytest.fixture
def database_with_documents(postgres: TestPostgres) -> Iterator[str]:
    with postgres.furnished("scoring", install_documents) as url:
        yield url


@pytest.fixture
async def scoring(database_with_documents: str) -> AsyncIterator[Scoring]:
    async with a_scoring(database_with_documents) as running:
        yield running
