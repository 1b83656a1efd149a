"""A running service: everything that the three have in common, started and stopped in order.

A composition root lays a Foundation from settings, makes its own things on it, hands both to `build_service` as Parts,
and gives the service to `shared.serve.run`:

    base = Foundation.lay("crisis", settings)
    service = build_service(base, Parts(about=…, routers=[…], consumers=[…], timers={…}, jobs={…}, presets=[…]))
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI

from shared.auth.authenticators import KeyAuthenticator
from shared.bus.connecting import ConnectingBus
from shared.bus.consumer import Consumer, ConsumerSpec
from shared.bus.relay import Relay, depth
from shared.clock import SteppedClock
from shared.db.database import is_transient, raw_connection
from shared.db.migrations import schema_state
from shared.db.secrets import signing_key
from shared.documents.activation import activations
from shared.documents.presets import load_presets
from shared.documents.router import documents_router
from shared.jobs.runner import JobRunner
from shared.observability.gauges import GaugeRefresher
from shared.observability.metrics import BusMetrics
from shared.parts import Foundation, Parts, topics_of
from shared.timers.worker import TimerWorker
from shared.upkeep import Upkeep
from shared.web.admin import admin_router, follow_clock, restore_clock
from shared.web.app import create_app
from shared.web.docs import docs_router
from shared.web.edge import Door
from shared.web.health import Check, Unhealthy, health_router
from shared.web.jobs import jobs_router
from shared.web.kernel import Kernel
from shared.web.metrics_route import metrics_router
from shared.web.pages import PageTokens
from shared.web.problem_pages import problem_router
from shared.web.quiescence import Moving
from shared.worker import Worker, Workers, backoff

log = structlog.get_logger(__name__)

_DATABASE_PATIENCE: Final = 30.0
_BUS_PATIENCE: Final = 5.0
_RELAY_PATIENCE: Final = 2.0


class Service:
    """One service, built but not started. `app` is what the HTTP server runs; its lifespan starts and stops all."""

    def __init__(self, base: Foundation, parts: Parts) -> None:
        self.base = base
        self.parts = parts
        self.door = Door()
        self._head = ""
        self.page_tokens = PageTokens()
        self.authenticator = KeyAuthenticator(base.database)
        self.bus = ConnectingBus(
            base.settings.bus_url.get_secret_value(),
            client_id=f"moat-{base.name}",
            topics=topics_of(parts),
            observer=BusMetrics(),
        )
        self.relay = Relay(base.database, self.bus, base.clock)
        self.timers = TimerWorker(base.database, base.uow, base.clock, {**parts.timers, **activations(parts.documents)})
        self.jobs = JobRunner(base.database, base.uow, parts.jobs)
        self.consumers = [Consumer(self.bus, base.uow, self._paced(spec)) for spec in parts.consumers]
        self.groups = {spec.group: spec.topics for spec in parts.consumers}
        self.upkeep = Upkeep(base.database, base.clock, self.authenticator)
        base.wakers.update(outbox=self.relay.wake, timer=self.timers.wake, job=self.jobs.wake)
        self._front = Workers(self._front_workers(), stop_seconds=base.settings.shutdown_seconds)
        self._back = Workers(self._back_workers(), stop_seconds=base.settings.shutdown_seconds)
        self.app = self._application()

    def _paced(self, spec: ConsumerSpec) -> ConsumerSpec:
        """Whoever steps the clock waits for each step: nothing is gained by gathering."""
        return replace(spec, pace=0.0, rest=0.0) if isinstance(self.base.clock, SteppedClock) else spec

    @property
    def moving(self) -> Moving:
        """What can move, for whoever waits for quiet."""
        return Moving(
            clock=self.base.clock,
            database=self.base.database,
            bus=self.bus,
            consumers=self.consumers,
            groups=self.groups,
            timers=self.timers,
            relay=self.relay,
            jobs=self.jobs,
            others=self.parts.others,
            agendas=self.parts.agendas,
        )

    async def start(self) -> None:
        """Check the schema, restore the clock, install presets, start the workers. Raises SchemaProblem.

        A database that goes away meanwhile is waited for, half a minute at most.
        """
        base = self.base
        await self._prepare_patiently()
        self._back.start()
        if not await self.bus.connected(at_most=_BUS_PATIENCE):
            log.warning("service.degraded", service=base.name, detail="the bus does not answer; going on without it")
        self._front.start()
        log.info("service.started", service=base.name, profile=base.settings.profile, clock=base.settings.clock)

    async def _prepare_patiently(self) -> None:
        give_up, attempt = time.monotonic() + _DATABASE_PATIENCE, 0
        while True:
            try:
                return await self._prepare()
            except Exception as error:
                if not is_transient(error) or time.monotonic() > give_up or self.door.draining:
                    raise
                log.warning("service.waits_for_database", service=self.base.name, error=type(error).__name__)
            attempt += 1
            await asyncio.sleep(backoff(attempt))

    async def _prepare(self) -> None:
        """What the database must hold before anything moves. Done twice it is the same."""
        base = self.base
        self._head = await require_head(base)
        await restore_clock(base.clock, base.database)
        async with base.database.begin() as connection:
            raw = await raw_connection(connection)
            self.page_tokens.secret = await signing_key(raw, "page-tokens", base.clock.now())
        for kind, directory in self.parts.presets:
            await load_presets(base.uow, kind, directory)
        for kind, directory in self.parts.offered:
            await load_presets(base.uow, kind, directory, as_drafts=True)

    async def stop(self) -> None:
        """Shut the door, let batches end, send what is in the outbox, let go of bus and database."""
        self.door.draining = True
        self.timers.pause()
        for consumer in self.consumers:
            consumer.pause()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.base.settings.shutdown_seconds):
                while self.moving.in_flight:  # noqa: ASYNC110 - several parts, none with an event for this
                    await asyncio.sleep(0.01)
        await self._front.stop()
        await self._empty_outbox()
        await self._back.stop()
        for last in (self.upkeep.write_key_use, self.bus.close, self.base.database.close):
            try:
                await asyncio.wait_for(last(), 5)
            except Exception as error:  # noqa: BLE001 - the other steps are done all the same
                log.warning("service.stop_step_failed", step=last.__qualname__, error=type(error).__name__)
        log.info("service.stopped", service=self.base.name)

    async def _empty_outbox(self) -> None:
        """Give the relay a moment; what stays in the outbox is sent after the next start."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_RELAY_PATIENCE):
                while (await depth(self.base.database)).rows:
                    self.relay.wake()
                    await asyncio.sleep(0.02)

    def _back_workers(self) -> list[Worker]:
        """What the others stand on: started first, stopped last."""
        return [
            Worker("bus", self.bus.run, self.bus.heartbeat),
            Worker("relay", self.relay.run, self.relay.heartbeat),
        ]

    def _front_workers(self) -> list[Worker]:
        base = self.base
        gauges = GaugeRefresher(base.database, self.bus, base.clock, self.groups)
        workers = [
            *(Worker(f"consumer:{c.heartbeat.name}", c.run, c.heartbeat) for c in self.consumers),
            Worker("timers", self.timers.run, self.timers.heartbeat),
            Worker("jobs", self.jobs.run, self.jobs.heartbeat),
            Worker("gauges", gauges.run, gauges.heartbeat),
            Worker("upkeep", self.upkeep.run, self.upkeep.heartbeat),
            *self.parts.workers,
        ]
        if isinstance(base.clock, SteppedClock):
            clock = base.clock
            workers.append(Worker("clock", lambda: follow_clock(clock, base.database, self.timers.wake)))
        return workers

    def _application(self) -> FastAPI:
        base, parts = self.base, self.parts
        kernel = Kernel(
            service=base.name,
            settings=base.settings,
            clock=base.clock,
            database=base.database,
            uow=base.uow,
            authenticator=self.authenticator,
            page_tokens=self.page_tokens,
            parts=parts.reachable,
        )
        read, write = parts.jobs_scopes or (f"{base.name}:read", f"{base.name}:write")
        token = base.settings.metrics_token
        routers: list[APIRouter] = [
            *parts.routers,
            *(documents_router(kind) for kind in parts.documents),
            jobs_router(read_scope=read, cancel_scope=write),
            health_router(self.door, live=[Check("workers", self._turning)], ready=self._readiness()),
            metrics_router(token.get_secret_value() if token else None),
            docs_router(),
            problem_router(),
        ]
        if base.settings.profile != "production":
            routers.append(admin_router(lambda: self.moving, self.timers.wake))
        return create_app(
            kernel,
            parts.about,
            routers,
            door=self.door,
            lifespan=self._lifespan,
            access_log=base.settings.access_log,
        )

    def _readiness(self) -> list[Check]:
        return [
            Check("database", self.base.database.ping),
            Check("migrations", self._at_head),
            Check("bus", self.bus.ping, degrades_only=True),
        ]

    async def _at_head(self) -> None:
        async with self.base.database.read() as connection:
            found = await (await raw_connection(connection)).fetchval("select version_num from alembic_version")
        if found != self._head:
            raise Unhealthy(f"the schema is at {found}, this version needs {self._head}")

    async def _turning(self) -> None:
        silent = [*self._back.silent(), *self._front.silent()]
        if silent:
            raise Unhealthy(f"silent for too long: {', '.join(silent)}")

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        try:
            await self.start()
            yield
        finally:
            await self.stop()


async def require_head(base: Foundation) -> str:
    """The revision in force. Raises SchemaProblem unless the database is the one this code was written for."""
    state = await schema_state(base.settings.database_url.get_secret_value(), base.name)
    state.require_head(base.name)
    return state.head


def build_service(base: Foundation, parts: Parts) -> Service:
    """The service made of its foundation and its own parts; nothing is connected or started yet."""
    return Service(base, parts)


__all__ = ["Foundation", "Parts", "Service", "build_service", "require_head"]
