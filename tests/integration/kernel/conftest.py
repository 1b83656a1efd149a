"""The kernel under test, on a database and a bus of its own."""

import pytest

from tests.support.kernel import a_kernel


@pytest.fixture
async def kernel(postgres, scoring_database):
    with postgres.empty() as bus_url:
        async with a_kernel(scoring_database, bus_url) as made:
            yield made
