"""A crisis service for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.crisis import Crisis, a_crisis


@pytest.fixture
async def crisis(crisis_database: str) -> AsyncIterator[Crisis]:
    async with a_crisis(crisis_database) as running:
        yield running
