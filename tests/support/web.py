"""A small service of things, with everything around it that a real one has, and a client that speaks to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import Body, Query, Response
from pydantic import Field

from shared.auth.guard import require
from shared.auth.keys import create_key
from shared.bus.consumer import ConsumerSpec, Delivery
from shared.contracts import CloudEvent, event_of
from shared.contracts.facts.voice import ComplaintReceived
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.documents import Document, InvalidDocument
from shared.documents.kind import DocumentKind
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.jobs.runner import RunningJob
from shared.jobs.store import submit
from shared.service import Foundation, Parts, Service, build_service
from shared.settings import ServiceSettings
from shared.timers.plan import Timer
from shared.web.app import About
from shared.web.etags import IfMatch, set_etag
from shared.web.idempotency import Answer, Once, OnceIfKeyed
from shared.web.jobs import JobOut, accepted
from shared.web.kernel import Caller, ReadDatabase, Uow
from shared.web.pages import PageRequest
from shared.web.routing import Router, body_limit, time_limit
from shared.web.schema import In, Listing, Out

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "contracts/golden/customer.complaint.received.v1.json").read_text(encoding="utf-8")
)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class ThingSold(Conflict):
    """The thing was sold and cannot change."""

    slug = "thing-sold"
    zh = "物品已售出，不能更改。"


class ThingIn(In):
    name: str = Field(min_length=1, max_length=40)
    grams: int = Field(0, ge=0, le=1_000_000)


class ThingOut(Out):
    id: int
    name: str
    version: int


router = Router(prefix="/v1/things", tags=["things"], dependencies=[require("crisis:read")])
ThingBody = Annotated[ThingIn, Body(examples=[{"name": "lamp", "grams": 250}])]


@router.post("", status_code=201, response_model=ThingOut, dependencies=[require("crisis:write")], summary="Make")
async def make_thing(body: ThingBody, caller: Caller, once: Once) -> Response:
    async def make(work: UnitOfWork) -> Answer:
        id_ = await work.raw.fetchval("insert into thing (name) values ($1) returning id", body.name)
        if body.name == "slow":
            await asyncio.sleep(0.3)
        if body.name == "broken":
            raise RuntimeError("the wheel came off at 13812345678")
        work.publish("moat.crisis.v1", an_event("customer-1", new_id()))
        return Answer(ThingOut(id=id_, name=body.name, version=1), headers={"Location": f"/v1/things/{id_}"})

    return await once(make, status=201)


@router.get("", summary="List")
async def list_things(
    page: PageRequest, database: ReadDatabase, starts: Annotated[str, Query()] = ""
) -> Listing[ThingOut]:
    after = page.after[0] if page.after else 0
    async with database.read() as connection:
        rows = await (await raw_connection(connection)).fetch(
            "select id, name, version from thing where id > $1 and name like $2 || '%' order by id limit $3",
            after,
            starts,
            page.limit,
        )
    return page.listing(rows, key=lambda row: (row["id"],), item=lambda row: ThingOut(**row))


@router.put("/{thing_id}", dependencies=[require("crisis:write")], summary="Change")
async def change_thing(thing_id: int, body: ThingBody, expected: IfMatch, uow: Uow, response: Response) -> ThingOut:
    async with uow() as work:
        row = await work.raw.fetchrow("select name, version from thing where id = $1 for update", thing_id)
        if row is None:
            raise NotFound(f"there is no thing {thing_id}")
        expected.check(row["version"])
        if row["name"] == "sold":
            raise ThingSold("it went yesterday", state="sold", version=row["version"])
        version = await work.raw.fetchval(
            "update thing set name = $2, version = version + 1 where id = $1 returning version", thing_id, body.name
        )
    set_etag(response, version)
    return ThingOut(id=thing_id, name=body.name, version=version)


@router.post("/large", summary="Large", dependencies=[require("crisis:write")])
@body_limit(3_000_000)
async def large(body: Annotated[dict[str, Any], Body(examples=[{"a": 1}])], once: OnceIfKeyed) -> Response:
    async def length(_: UnitOfWork) -> dict[str, int]:
        return {"names": len(body)}

    return await once(length)


@router.get("/slow", summary="Slow")
@time_limit(0.1)
async def slow() -> None:
    await asyncio.sleep(5)


@router.post("/count", status_code=202, response_model=JobOut, summary="Count", dependencies=[require("crisis:write")])
async def count_things(to: Annotated[int, Body(embed=True, examples=[10])], caller: Caller, once: Once) -> Response:
    async def ask(work: UnitOfWork) -> Answer:
        return accepted(await submit(work, "count", {"to": to}, by=caller.id, exclusive_key="things"))

    return await once(ask, status=202)


@router.post("/ring", status_code=202, summary="Plan", dependencies=[require("crisis:write")])
async def ring(at: Annotated[datetime, Body(embed=True, examples=["2026-03-02T09:00:00Z"])], uow: Uow) -> None:
    async with uow() as work:
        work.plan(Timer("ring", "bell", "customer-1", at))


async def count_to(job: RunningJob) -> dict[str, int]:
    """Insert 1, 2, 3 … in steps of one; a number that is there twice means that a step was repeated."""
    while job.done < job.request["to"]:
        async with job.step() as work:
            await work.raw.execute("insert into counted (n) values ($1)", job.done + 1)
            job.advance(done=job.done + 1, total=job.request["to"])
        await asyncio.sleep(0.002)
    return {"counted": job.done}


async def note(work: UnitOfWork, deliveries: Any) -> None:
    for delivery in deliveries:
        await work.raw.execute("insert into heard (event_id) values ($1)", delivery.event.id)
        work.publish("moat.crisis.v1", an_event(delivery.event.subject, new_id()))


async def rang(work: UnitOfWork, timers: Any) -> None:
    for timer in timers:
        work.publish("moat.crisis.v1", an_event(timer.subject, new_id()))


def an_event(subject: str, id_: str) -> CloudEvent:
    return CloudEvent(id=id_, source="/things", type="thing.made.v1", subject=subject, time=MORNING, data={"n": 1})


def a_complaint(subject: str, id_: str | None = None) -> CloudEvent:
    """A fact that the service of things listens to."""
    complaint = ComplaintReceived.model_validate_json(json.dumps({**GOLDEN["data"], "complaint_id": subject}))
    return event_of(complaint, id=id_ or new_id(), source="/crm", subject=subject, time=MORNING)


class Recipe(Document):
    key: str
    minutes: int = Field(ge=1)


def check_recipe(body: dict[str, Any]) -> Recipe:
    try:
        return Recipe.model_validate(body)
    except ValueError as error:
        raise InvalidDocument.of(error) from None  # type: ignore[arg-type]


RECIPES = DocumentKind(
    name="recipe",
    path="/v1/recipes",
    title="recipes",
    validate=check_recipe,
    example={"key": "soup", "minutes": 20},
    read_scope="crisis:read",
    write_scope="crisis:policy",
)
TABLES = """
create table if not exists thing (id int generated always as identity primary key, name text, version int default 1);
create table if not exists counted (seq int generated always as identity, n int);
create table if not exists heard (event_id text primary key);
"""


def a_service(database_url: str, bus_url: str, *, pace: float = 0.0, **settings: Any) -> Service:
    given = {
        "profile": "test",
        "clock": f"stepped:{MORNING.isoformat()}",
        "port": 0,
        "shutdown_seconds": 5.0,
        "access_log": 0,
        **settings,
    }
    base = Foundation.lay("crisis", ServiceSettings(database_url=database_url, bus_url=bus_url, **given))
    parts = Parts(
        about=About("Things", "A service of things."),
        routers=[router],
        documents=[RECIPES],
        consumers=[ConsumerSpec("things-test", ("moat.facts.v1",), note, pace=pace)],
        timers={"ring": rang},
        jobs={"count": count_to},
    )
    return build_service(base, parts)


@dataclass
class Running:
    """A running service and a client with a key for everything; `keys` makes others."""

    service: Service
    client: httpx.AsyncClient
    keys: Callable[..., Awaitable[dict[str, str]]] = field(repr=False)

    async def rows(self, statement: str) -> list[Any]:
        async with self.service.base.database.read() as connection:
            return list((await connection.exec_driver_sql(statement)).all())


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Running]:
    database = service.base.database
    async with database.begin() as connection:
        raw = await raw_connection(connection)
        await raw.execute(TABLES)

    async def keys(*scopes: str, **more: Any) -> dict[str, str]:
        async with database.begin() as connection:
            raw = await raw_connection(connection)
            made = await create_key(raw, name="test", scopes=scopes, now=datetime.now(UTC), **more)
        return {"Authorization": f"Bearer {made.plain}"}

    all_of_it = await keys("crisis:read", "crisis:write", "crisis:policy", "admin", "facts:write")
    transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
    async with (
        service.app.router.lifespan_context(service.app),
        httpx.AsyncClient(transport=transport, base_url="http://things", headers=all_of_it) as client,
    ):
        yield Running(service, client, keys)


def keyed() -> dict[str, str]:
    """A fresh Idempotency-Key."""
    return {"Idempotency-Key": new_id()}


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60.0) -> None:
    """Return when it holds; fail when it does not in time, which is long: machines may be slow."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


__all__ = ["Delivery", "Running", "a_service", "keyed", "running", "until"]
