"""The platform that the journeys share, once on each bus."""

import pytest

from tests.support.platform import World, a_platform


@pytest.fixture(scope="session")
def on_the_embedded_bus(tmp_path_factory):
    with a_platform(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture(scope="session")
def on_kafka(tmp_path_factory, kafka):
    with a_platform(tmp_path_factory.mktemp("platform-kafka"), bus=f"kafka://{kafka}") as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def running(request):
    """The platform on each bus in turn."""
    return request.getfixturevalue("on_the_embedded_bus" if request.param == "embedded" else "on_kafka")


@pytest.fixture
async def world(running):
    made = World(running)
    yield made
    await made.close()
