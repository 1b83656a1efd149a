"""Every test of this tier runs on both buses."""

import uuid
from collections.abc import AsyncIterator

import pytest

from shared.bus.open import open_bus
from shared.bus.port import Bus, TopicSpec


@pytest.fixture(params=["postgresql", pytest.param("kafka", marks=pytest.mark.kafka)])
def bus_url(request: pytest.FixtureRequest) -> str:
    """The address of a bus: the embedded one in an empty database, or a real Kafka."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka')}"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    bus = await open_bus(bus_url, client_id="conformance")
    yield bus
    await bus.close()


@pytest.fixture
def name() -> str:
    """A name that no other test has, for topics and groups."""
    return f"test.{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def topic(bus: Bus, name: str) -> str:
    """A new topic of 12 partitions."""
    await bus.ensure_topics([TopicSpec(name)])
    return name
