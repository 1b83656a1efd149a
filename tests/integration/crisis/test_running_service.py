"""The service as it runs: facts from the bus, events onto the bus, timers by themselves, quiet in between."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import orjson

from services.crisis.app import build
from services.crisis.settings import CrisisSettings
from shared.auth.keys import create_key
from shared.bus.port import Record
from shared.clock import SystemClock
from shared.contracts import encode
from shared.db.database import raw_connection
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, an_event

BREACHED, WARNED = "crisis.clock.breached.v1", "crisis.clock.warned.v1"
SCOPES = ("crisis:read", "crisis:write", "admin")


async def published(service, count):
    """Types and data on the crisis topic, once there are `count`."""
    async with asyncio.timeout(60):
        while True:
            records = await service.bus.read("moat.crisis.v1", limit=1000)
            if len(records) >= count:
                return [(dict(r.headers)["ce_type"].decode(), orjson.loads(r.value)) for r in records]
            await asyncio.sleep(0.05)


async def known(service, customer):
    """Return when the snapshot of a customer has been projected."""
    async with asyncio.timeout(60):
        while True:
            async with service.base.database.read() as connection:
                raw = await raw_connection(connection)
                if await raw.fetchval("select exists (select from customer where id = $1)", customer):
                    return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(crisis_database, database_url):
    """The whole service and a client of it; the customer C-1 is known."""
    settings = CrisisSettings(
        database_url=crisis_database,
        bus_url=database_url,
        profile="test",
        clock=f"stepped:{MONDAY.isoformat()}",
        log_level="ERROR",
    )
    service = build(settings)
    transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
    async with service.app.router.lifespan_context(service.app):
        async with service.base.database.begin() as connection:
            key = await create_key(
                await raw_connection(connection), name="test", scopes=SCOPES, now=SystemClock().now()
            )
        headers = {"Authorization": f"Bearer {key.plain}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://crisis", headers=headers) as client:
            await service.bus.publish([Record("moat.customers.v1", *encode(a_snapshot("C-1", "key")))])
            await known(service, "C-1")
            yield service, client


async def test_a_complaint_on_the_bus_becomes_events_on_the_bus_and_breaches_when_the_clock_is_moved(
    crisis_database, database_url
):
    async with running(crisis_database, database_url) as (service, client):
        junk = an_event("customer.complaint.received.v1", "C-2", MONDAY, {"complaint_id": "CMP-2"})
        await service.bus.publish([Record("moat.facts.v1", *encode(event)) for event in (junk, a_complaint("C-1"))])
        opened = await published(service, 7)
        moved = await client.post("/v1/admin/clock", json={"now": (MONDAY + timedelta(minutes=30)).isoformat()})
        async with asyncio.timeout(60):
            while not (await client.get("/v1/admin/quiescence")).json()["quiet"]:
                await asyncio.sleep(0.02)
        later = await published(service, len(opened))
        customers = [case["customer_id"] for case in (await client.get("/v1/cases")).json()["items"]]

    assert opened[0][0] == "crisis.case.opened.v1"
    assert moved.status_code == 200, moved.text
    since = [(type_, data.get("target"), data.get("threshold")) for type_, data in later[len(opened) :]]
    assert ("crisis.clock.breached.v1", "acknowledge", None) in since
    assert any(type_ == "crisis.escalation.raised.v1" for type_, _, _ in since)
    assert customers == ["C-1"]


async def test_a_complaint_that_comes_late_and_a_call_that_ends_a_wait_go_the_same_way(crisis_database, database_url):
    yesterday = MONDAY - timedelta(hours=22)
    call = {"interaction_id": "A-1", "kind": "call", "at": MONDAY.isoformat()}
    async with running(crisis_database, database_url) as (service, client):
        await service.bus.publish([Record("moat.facts.v1", *encode(a_complaint("C-1", at=yesterday)))])
        opened = await published(service, 10)
        path = f"/v1/cases/{opened[0][1]['case_id']}"
        tag = (await client.get(path)).headers["ETag"]
        waiting = await client.post(f"{path}/wait", json={"by": "E-1042"}, headers={"If-Match": tag})
        spoken = an_event("customer.interaction.logged.v1", "C-1", MONDAY, call)
        await service.bus.publish([Record("moat.facts.v1", *encode(spoken))])
        async with asyncio.timeout(60):
            while (await client.get(path)).json()["waits"]:
                await asyncio.sleep(0.02)

    late = [(d["clock_id"], d["at_attach"]) for t, d in opened if t in {BREACHED, WARNED}]
    assert late
    assert len(set(late)) == len(late)
    assert all(is_attached for _, is_attached in late)
    assert [wait["reason"] for wait in waiting.json()["waits"]] == ["waiting_for_customer"]
