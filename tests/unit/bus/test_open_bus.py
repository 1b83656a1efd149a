"""The url decides which bus it is."""

import subprocess
import sys

import pytest

from shared.bus.open import open_bus
from shared.bus.port import BusUnavailable


async def test_a_url_of_no_bus_is_refused():
    with pytest.raises(ValueError, match="kafka:// or postgresql://, not with redis://"):
        await open_bus("redis://localhost", client_id="x")


async def test_an_option_that_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="keep_hours of the bus url"):
        await open_bus("postgresql://localhost/moat_bus?keep_hours=long", client_id="x")


@pytest.mark.parametrize("url", ["kafka://127.0.0.1:1", "postgresql://moat@127.0.0.1:1/moat_bus"])
async def test_a_bus_that_is_not_there_is_unavailable(url: str):
    with pytest.raises(BusUnavailable):
        await open_bus(url, client_id="x")


def test_the_embedded_bus_does_not_cost_the_memory_of_kafkas_client():
    program = "import sys, shared.bus.postgres; sys.exit('aiokafka' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
