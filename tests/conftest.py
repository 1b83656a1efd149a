"""Fixtures of every tier."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import TestPostgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestPostgres]:
    """The PostgreSQL of this run. Durability is off: crash tests start servers of their own."""
    server = TestPostgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.close()


@pytest.fixture
def database_url(postgres: TestPostgres) -> Iterator[str]:
    """A new, empty database."""
    with postgres.empty() as url:
        yield url


@pytest.fixture
def scoring_database(postgres: TestPostgres) -> Iterator[str]:
    """A new database of scoring."""
    with postgres.migrated("scoring") as url:
        yield url


@pytest.fixture
def crisis_database(postgres: TestPostgres) -> Iterator[str]:
    """A new database of crisis."""
    with postgres.migrated("crisis") as url:
        yield url


@pytest.fixture
def notify_database(postgres: TestPostgres) -> Iterator[str]:
    """A new database of notify."""
    with postgres.migrated("notify") as url:
        yield url
