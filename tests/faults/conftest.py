"""Platforms for the tests that throw things at them: stepped clocks, so that the future is where the test puts it."""

import pytest

from tests.support.platform import World, a_platform
from tests.support.postgres import server_directory


@pytest.fixture(scope="package")
def on_the_embedded_bus():
    with server_directory() as directory, a_platform(directory) as running:
        yield running


@pytest.fixture(scope="package")
def on_kafka(kafka):
    with server_directory() as directory, a_platform(directory, bus=f"kafka://{kafka}") as running:
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
