"""The service of things, running on a database and an embedded bus of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.postgres import TestPostgres
from tests.support.web import Running, a_service, running


@pytest.fixture
def bus_url(postgres: TestPostgres) -> Iterator[str]:
    with postgres.empty() as url:
        yield url


@pytest.fixture
async def things(crisis_database: str, bus_url: str) -> AsyncIterator[Running]:
    async with running(a_service(crisis_database, bus_url)) as service:
        yield service
