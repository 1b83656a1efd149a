"""Fixtures of every tier."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shared.db.embedded import EmbeddedPostgres
from tests.support.kafka import kafka, own_kafka, pytest_sessionfinish, pytest_unconfigure
from tests.support.platform import RunningPlatform, World, a_platform
from tests.support.postgres import TestPostgres, free_port, server_directory

__all__ = ["kafka", "own_kafka", "pytest_sessionfinish", "pytest_unconfigure"]

# How long one example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs for minutes, unless markers were asked for; begin with the files that take longest.

    Two processes share the files out: a long one begun last would leave the other process with nothing to do.
    """
    patience: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        if mark and mark.args:
            patience[item.path] = max(patience.get(item.path, 0.0), float(mark.args[0]))
    items.sort(key=lambda item: -patience.get(item.path, 0.0))
    if config.option.markexpr:
        return
    long = [item for item in items if "long" in item.keywords]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if "long" not in item.keywords]


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestPostgres]:
    """The PostgreSQL of this run. Durability is off: crash tests start servers of their own."""
    with server_directory() as directory:
        server = TestPostgres(directory)
        yield server
        server.close()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL for one test, durable, to be killed; it comes back on the same port."""
    with server_directory() as directory:
        server = EmbeddedPostgres(directory, port=free_port())
        server.start()
        yield server
        server.stop_immediately()


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


@pytest.fixture(scope="session")
def on_the_embedded_bus() -> Iterator[RunningPlatform]:
    """A whole platform on the embedded bus, with stepped clocks."""
    with server_directory() as directory, a_platform(directory) as running:
        yield running


@pytest.fixture(scope="session")
def on_kafka(kafka: str) -> Iterator[RunningPlatform]:
    """A whole platform on Kafka. No other may run on the broker that the tests share: they would be one group."""
    with server_directory() as directory, a_platform(directory, bus=f"kafka://{kafka}") as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def running(request: pytest.FixtureRequest) -> RunningPlatform:
    """The platform on each bus in turn."""
    found: RunningPlatform = request.getfixturevalue(
        "on_the_embedded_bus" if request.param == "embedded" else "on_kafka"
    )
    return found


@pytest.fixture
async def world(running: RunningPlatform) -> AsyncIterator[World]:
    """What a person does with the platform, step by step."""
    made = World(running)
    yield made
    await made.close()
