"""Fixtures of every tier."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shared.db.embedded import EmbeddedPostgres
from tests.support.kafka import kafka, own_kafka, pytest_sessionfinish, pytest_unconfigure
from tests.support.platform import Platforms, RunningPlatform, World
from tests.support.postgres import TestPostgres, free_port, server_directory

__all__ = ["kafka", "own_kafka", "pytest_sessionfinish", "pytest_unconfigure"]

# How long one example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_PLATFORMS = pytest.StashKey[Platforms]()
_LONG_SECONDS = 600
"""Between the tests with a whole crash or demo of their own and all others."""


def pytest_configure(config: pytest.Config) -> None:
    """Set up what tests share."""
    config.stash[_PLATFORMS] = platforms = Platforms()
    config.add_cleanup(platforms.stop)


def pytest_collection_finish() -> None:
    """What is there now stays to the end: the collector need not look at it again with every test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop what the next test does not need any more."""
    try:
        yield
    finally:
        if not _wants_platform(nextitem):
            item.config.stash[_PLATFORMS].stop()


def _wants_platform(item: pytest.Item | None) -> bool:
    return "platforms" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs for minutes, unless markers were asked for; begin with the files that take longest.

    Two processes share the files out: a long one begun last would leave the other process with nothing to do.
    """
    patience: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        if mark and mark.args:
            patience[item.path] = max(patience.get(item.path, 0.0), float(mark.args[0]))
        if _wants_platform(item):  # side by side, or each file would start its own
            patience[item.path] = _LONG_SECONDS
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


@pytest.fixture
def platforms(pytestconfig: pytest.Config) -> Platforms:
    """The platforms that tests share: real processes with stepped clocks."""
    return pytestconfig.stash[_PLATFORMS]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def running(request: pytest.FixtureRequest, platforms: Platforms) -> RunningPlatform:
    """The platform on each bus in turn."""
    return platforms.on(None if request.param == "embedded" else f"kafka://{request.getfixturevalue('kafka')}")


@pytest.fixture
async def world(running: RunningPlatform) -> AsyncIterator[World]:
    """What a person does with the platform, step by step."""
    made = World(running)
    yield made
    await made.close()
