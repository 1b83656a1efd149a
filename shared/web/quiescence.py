"""Whether a service has anything left to do at this instant of the business clock.

A driver of the stepped clock moves it when all services were quiet in two looks whose `activity` is the same: between
them nothing was handled, fired, relayed or finished anywhere, so nothing is on its way either.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import Field

from shared.bus.consumer import Consumer
from shared.bus.port import Bus, BusUnavailable
from shared.bus.relay import Relay
from shared.clock import Clock, SteppedClock
from shared.db.database import Database, raw_connection
from shared.jobs.runner import JobRunner
from shared.timers.worker import Pending, TimerWorker
from shared.web.schema import Out

Count = Callable[[], Awaitable[int]]
Agenda = Callable[[datetime], Awaitable[Pending]]
"""Work of a service's own that falls due by the clock, though it is no timer: how much at an instant, and when next."""


@dataclass(frozen=True, slots=True)
class Moving:
    """What can move in a service. `others` are counts of a service's own that keep it from being quiet.

    `agendas` do the same for what falls due by the clock without being a timer, and say when it does next.
    """

    clock: Clock
    database: Database
    bus: Bus
    consumers: Sequence[Consumer]
    groups: Mapping[str, Sequence[str]]
    timers: TimerWorker
    relay: Relay
    jobs: JobRunner
    others: Mapping[str, Count] = field(default_factory=dict)
    agendas: Mapping[str, Agenda] = field(default_factory=dict)

    @property
    def activity(self) -> int:
        """Grows with every handled record, fired timer, relayed row and finished job of this process."""
        return sum(c.handled for c in self.consumers) + self.timers.fired + self.relay.sent + self.jobs.finished

    @property
    def in_flight(self) -> bool:
        """Whether a batch is being worked on in this process."""
        return self.timers.in_flight or any(consumer.in_flight for consumer in self.consumers)


class Quiescence(Out):
    """How far a service has come at this instant of the business clock."""

    now: datetime = Field(description="The business clock.")
    quiet: bool = Field(
        description="Nothing is left to do now; parked records are somebody's to look at and do not count."
    )
    consumer_lag: int | None = Field(description="Records not yet consumed; null while the bus cannot be asked.")
    outbox: int = Field(description="Rows not yet on the bus.")
    due_timers: int = Field(description="Timers that are due and have not fired.")
    jobs: int = Field(description="Jobs queued or running.")
    parked: int = Field(description="Records set aside behind a failing key.")
    others: dict[str, int] = Field(description="What this service counts besides.")
    next_due_at: datetime | None = Field(description="When the next thing falls due by the clock; null without any.")
    activity: int = Field(description="Grows with everything done; equal in two quiet looks means that nothing moved.")


async def look(moving: Moving) -> Quiescence:
    """One look. Something on its way may be missed by one look; it shows in the activity of the next."""
    before = moving.activity
    busy = moving.in_flight
    now = moving.clock.now()
    waiting = await _waiting(moving.database, now)
    agendas = {name: await agenda(now) for name, agenda in moving.agendas.items()}
    others = {name: await count() for name, count in moving.others.items()}
    others.update((name, agenda.due) for name, agenda in agendas.items())
    upcoming = [at for at in (waiting.next_due_at, *(a.next_due_at for a in agendas.values())) if at is not None]
    nothing = not (waiting.jobs or waiting.outbox or waiting.due_timers or any(others.values()))
    lag = await _lag(moving)
    # A stepped clock that was moved meanwhile makes the look worthless; the system's always moves.
    moved = isinstance(moving.clock, SteppedClock) and moving.clock.now() != now
    still = moving.activity == before and not busy and not moving.in_flight and not moved
    return Quiescence(
        now=now,
        quiet=still and nothing and lag == 0,
        consumer_lag=lag,
        outbox=waiting.outbox,
        due_timers=waiting.due_timers,
        jobs=waiting.jobs,
        parked=waiting.parked,
        others=others,
        next_due_at=min(upcoming, default=None),
        activity=moving.activity,
    )


async def rest(moving: Moving, *, seconds: float) -> Quiescence:
    """Look, and look again until this service is quiet or the time is over.

    Between looks it waits for something to have been done: a look costs queries that slow down what is waited for.
    """
    until = time.monotonic() + seconds
    while True:
        mark = moving.activity
        over = time.monotonic() >= until
        if over or not moving.in_flight:
            found = await look(moving)
            if found.quiet or over:
                return found
        for _ in range(_PAUSES):
            await asyncio.sleep(_PAUSE)
            if moving.activity != mark and not moving.in_flight:
                break


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the tables of the kernel hold, counted up to a bound."""

    jobs: int
    outbox: int
    due_timers: int
    parked: int
    next_due_at: datetime | None


_PAUSE: Final = 0.004
_PAUSES: Final = 8
_WAITING: Final = """
select (select count(*) from job where state in ('queued', 'running')),
       (select count(*) from (select from outbox limit 10000) as counted),
       (select count(*) from (select from timer where due_at <= $1 limit 10000) as counted),
       (select count(*) from (select from parked limit 10000) as counted),
       (select min(due_at) from timer where due_at > $1)
"""


async def _waiting(database: Database, now: datetime) -> _Waiting:
    async with database.read() as connection:
        row = await (await raw_connection(connection)).fetchrow(_WAITING, now)
    assert row is not None
    return _Waiting(*row)


async def _lag(moving: Moving) -> int | None:
    try:
        lags = [moving.bus.lag(group, topics) for group, topics in moving.groups.items()]
        return sum(await asyncio.gather(*lags))
    except BusUnavailable:
        return None
