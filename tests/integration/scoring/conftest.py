"""A scoring service for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.scoring import Scoring, a_scoring


@pytest.fixture
async def scoring(scoring_database: str) -> AsyncIterator[Scoring]:
    async with a_scoring(scoring_database) as running:
        yield running
