"""A replica of a service as benchmarks run it: one of its consumers, and nothing else; tells how many it has done."""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

import uvloop

from shared.bus.consumer import Consumer
from shared.clock import Clock, SteppedClock, SystemClock
from shared.service import Service
from tests.bench.streams import a_bus, collector_as_served


def a_service(name: str, database_url: str, clock: Clock | None = None) -> Service:
    """Crisis or scoring, built but not started."""
    wiring: dict[str, Any] = {"database_url": database_url, "bus_url": "kafka://127.0.0.1:1", "profile": "local"}
    if name == "scoring":
        from services.scoring.app import build as build_scoring
        from services.scoring.settings import ScoringSettings

        return build_scoring(ScoringSettings(**wiring), clock=clock)
    from services.crisis.app import build as build_crisis
    from services.crisis.settings import CrisisSettings

    return build_crisis(CrisisSettings(**wiring), clock=clock)


async def _run(name: str, consumer: str, database_url: str, bootstrap: str, topic: str, group: str, now: str) -> None:
    """Until it is ended: a line with the number of records handled so far, whenever that has grown."""
    clock = SteppedClock(datetime.fromisoformat(now)) if now else SystemClock()
    service = a_service(name, database_url, clock)
    spec = next(spec for spec in service.parts.consumers if spec.group == consumer)
    told = 0
    async with a_bus(bootstrap) as bus:
        consuming = Consumer(bus, service.base.uow, replace(spec, topics=(topic,), group=group))
        running = asyncio.create_task(consuming.run())
        with collector_as_served():
            while not running.done():
                if consuming.handled > told:
                    told = consuming.handled
                    print(told, flush=True)
                await asyncio.sleep(0.002)
        running.result()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(*sys.argv[1:]))
