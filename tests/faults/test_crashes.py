"""A run under crashes: whatever dies at whatever moment, nothing promised is lost and nothing happens twice.

The seed is in the failure; `MOAT_FAULTS_SEED` repeats it, as far as a run with real crashes can be repeated.
"""

import os
from random import SystemRandom

import pytest

from services.commands.names import ServiceName
from tests.support.faults.run import Pace, crash_run

S, C, N = ServiceName


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request):
    """The broker of the run, its own so that it may be killed; None on the embedded bus."""
    return request.getfixturevalue("own_kafka") if request.param == "kafka" else None


@pytest.mark.timeout(560)
async def test_nothing_is_lost_or_done_twice_when_services_broker_and_database_crash(broker, tmp_path):
    pace = Pace(facts=20_000, seconds=30, kills=(S, C, N, S, C, N), postgres=2, broker=1)

    report = await crash_run(seed=_seed(), pace=pace, broker=broker, logs=tmp_path)

    print(report.figures())
    assert not report.wrong, report.text()


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_nothing_is_lost_or_done_twice_in_minutes_of_crashes_and_freezes_with_two_replicas(broker, tmp_path):
    pace = Pace(
        facts=60_000,
        seconds=240,
        kills=(S, C, N) * 8,
        postgres=6,
        broker=4,
        freezes=(S, C, N, C),
        replicas=True,
        patience=240,
    )

    report = await crash_run(seed=_seed(), pace=pace, broker=broker, logs=tmp_path)

    print(report.figures())
    assert not report.wrong, report.text()


def _seed() -> int:
    return int(os.environ.get("MOAT_FAULTS_SEED", "0")) or SystemRandom().randrange(1, 10**6)
