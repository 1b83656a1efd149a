"""A replica of crisis as S1 runs it: it follows customers' snapshots alone, and tells how many it has done."""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime

import uvloop

from services.crisis.app import build
from services.crisis.settings import CrisisSettings
from shared.bus.consumer import Consumer
from shared.clock import SteppedClock
from shared.service import Service
from tests.bench.streams import a_bus, collector_as_served


def a_service(database_url: str, clock: SteppedClock) -> Service:
    """Crisis, built but not started."""
    settings = CrisisSettings(database_url=database_url, bus_url="kafka://127.0.0.1:1", profile="local")
    return build(settings, clock=clock)


async def _run(database_url: str, bootstrap: str, topic: str, group: str, now: str) -> None:
    """Until it is ended: a line with the number of records handled so far, whenever that has grown."""
    service = a_service(database_url, SteppedClock(datetime.fromisoformat(now)))
    spec = next(spec for spec in service.parts.consumers if spec.group == "crisis-customers")
    told = 0
    async with a_bus(bootstrap) as bus:
        consumer = Consumer(bus, service.base.uow, replace(spec, topics=(topic,), group=group))
        running = asyncio.create_task(consumer.run())
        with collector_as_served():
            while not running.done():
                if consumer.handled > told:
                    told = consumer.handled
                    print(told, flush=True)
                await asyncio.sleep(0.002)
        running.result()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(*sys.argv[1:]))
