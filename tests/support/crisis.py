"""A crisis service without its background: events are handed to its consumers, time is stepped, HTTP is real."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from services.crisis.app import build
from services.crisis.consumers import Handlers
from services.crisis.kinds import SHIPPED
from services.crisis.library import Library
from services.crisis.settings import CrisisSettings
from services.crisis.usecases.merging import also_locked
from shared.auth.keys import create_key
from shared.bus.consumer import Delivery
from shared.bus.port import Received
from shared.clock import SteppedClock
from shared.contracts import CloudEvent, format_instant, validate
from shared.db.database import raw_connection
from shared.ids import new_id
from shared.service import Service
from tests.support.documents import install

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in Shanghai: the office is open."""


@dataclass
class Crisis:
    """The service and everything a test asks it."""

    service: Service
    client: httpx.AsyncClient
    handlers: Handlers
    clock: SteppedClock
    colleague: dict[str, str] = field(default_factory=dict)
    """The credential of somebody else than the one who asks."""
    seen: dict[str, int] = field(default_factory=dict)

    async def deliver(self, *events: CloudEvent) -> None:
        """Hand events to the group that reads them, one batch a group, as the consumer runtime does."""
        groups = {"scoring.customer": self.handlers.snapshots, "scoring.tier": self.handlers.tiers}
        groups |= {"customer": self.handlers.facts, "notify": self.handlers.answers}
        for prefix, handle in groups.items():
            batch = [e for e in events if _group(e.type) == prefix]
            if batch:
                async with self.service.base.uow() as work:
                    told = {e.subject for e in batch}
                    remaining = {(e.data or {}).get("into_customer_id", e.subject) for e in batch}
                    await work.lock({*told, *remaining, *await also_locked(work, told)})
                    await handle(work, [a_delivery(event) for event in batch])

    async def step(self, to: datetime) -> None:
        """Move the clock from one due instant to the next, firing what is due, until `to`."""
        while True:
            upcoming = await self.value("select min(due_at) from timer")
            if upcoming is None or upcoming > to:
                break
            self.clock.move(max(upcoming, self.clock.now()))
            while (await self.service.timers.turn())[1]:
                pass
        self.clock.move(to)

    async def after(self, **span: float) -> None:
        await self.step(self.clock.now() + timedelta(**span))

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        async with self.service.base.database.read() as connection:
            return list(await (await raw_connection(connection)).fetch(statement, *values))

    async def value(self, statement: str, *values: Any) -> Any:
        async with self.service.base.database.read() as connection:
            return await (await raw_connection(connection)).fetchval(statement, *values)

    async def execute(self, statement: str, *values: Any) -> None:
        async with self.service.base.database.begin() as connection:
            await (await raw_connection(connection)).execute(statement, *values)

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """What was published, in order: type and data; only of these types (without `crisis.` and `.v1`)."""
        rows = await self.rows("select type, payload from outbox order by seq")
        found = [
            (row["type"].removeprefix("crisis.").removesuffix(".v1"), orjson.loads(row["payload"])) for row in rows
        ]
        return [{"event": name, **data} for name, data in found if not types or name in types]

    async def case_of(self, customer: str) -> dict[str, Any]:
        """The customer's newest case, over HTTP."""
        answer = await self.client.get("/v1/cases", params={"customer_id": customer})
        return dict(answer.raise_for_status().json()["items"][0])

    async def clocks(self, case_id: str) -> dict[str, dict[str, Any]]:
        """The newest cycle of each clock by target, over HTTP."""
        answer = await self.client.get(f"/v1/cases/{case_id}/clocks")
        return {item["target"]: item for item in answer.raise_for_status().json()["items"]}

    async def act(self, case_id: str, action: str, *, version: int | None = None, **body: Any) -> httpx.Response:
        """An action at the present version, unless another is said."""
        if version is None:
            version = await self.value("select version from crisis_case where id = $1", case_id)
        return await self.client.post(
            f"/v1/cases/{case_id}/{action}", json={"by": "E-1042", **body}, headers={"If-Match": f'"{version}"'}
        )

    async def timeline(self, case_id: str) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/v1/cases/{case_id}/timeline", params={"page_size": 1000})
        return list(answer.raise_for_status().json()["items"])


def _service(database_url: str, clock: SteppedClock) -> Service:
    settings = CrisisSettings(database_url=database_url, bus_url="postgresql://nobody@127.0.0.1:1/none", profile="test")
    return build(settings, clock=clock)


async def install_documents(database_url: str) -> None:
    """Install the shipped documents in a migrated database."""
    service = _service(database_url, SteppedClock(MONDAY))
    await install(service, SHIPPED)
    await service.base.database.close()


@asynccontextmanager
async def a_crisis(database_url: str, *, now: datetime = MONDAY) -> AsyncIterator[Crisis]:
    """A crisis service on a migrated database; quicker where that has the shipped documents already."""
    clock = SteppedClock(now)
    service = _service(database_url, clock)
    await install(service, SHIPPED)
    service.page_tokens.secret = b"of this test"
    async with service.base.database.begin() as connection:
        scopes = ("crisis:read", "crisis:write", "crisis:command", "crisis:policy", "crisis:approve", "admin")
        raw, made_at = await raw_connection(connection), datetime.now(UTC)
        key, other = [await create_key(raw, name=name, scopes=scopes, now=made_at) for name in ("test", "colleague")]
    library = service.app.state.kernel.parts[Library]
    transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
    headers, colleague = ({"Authorization": f"Bearer {one.plain}"} for one in (key, other))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://crisis", headers=headers) as client:
            yield Crisis(service, client, Handlers(library), clock, colleague)
    finally:
        await service.base.database.close()


def _group(type_: str) -> str:
    for prefix in ("scoring.customer", "scoring.tier", "notify"):
        if type_.startswith(prefix):
            return prefix
    return "customer"


def a_delivery(event: CloudEvent) -> Delivery:
    return Delivery(event, validate(event), Received("test", 0, 0, 0, event.subject.encode(), b"", ()))


def an_event(
    type_: str, customer: str, at: datetime, data: dict[str, Any], *, event_id: str | None = None
) -> CloudEvent:
    return CloudEvent(id=event_id or new_id(), source="/crm", type=type_, subject=customer, time=at, data=data)


def a_complaint(
    customer: str = "C-1", *, at: datetime = MONDAY, event_id: str | None = None, **fields: Any
) -> CloudEvent:
    data = {
        "complaint_id": fields.pop("complaint_id", None) or f"CMP-{new_id()}",
        "received_at": format_instant(at),
        "channel": "hotline",
        "subject": "Third late delivery in a row",
        **fields,
    }
    return an_event("customer.complaint.received.v1", customer, at, data, event_id=event_id)


def a_mention(customer: str = "C-1", *, at: datetime = MONDAY, **fields: Any) -> CloudEvent:
    data = {
        "mention_id": f"weibo-{new_id()}",
        "platform": "weibo",
        "published_at": format_instant(at),
        "sentiment": -0.8,
        "reach": 52_000,
        **fields,
    }
    return an_event("customer.opinion.mentioned.v1", customer, at, data)


def a_snapshot(
    customer: str = "C-1", service_class: str = "key", *, version: int = 1, at: datetime = MONDAY, **fields: Any
) -> CloudEvent:
    data = {
        "customer_id": customer,
        "version": version,
        "name": "Hua Xin Pumps Co., Ltd.",
        "segment": "manufacturing",
        "region": "CN-JS",
        "account_manager": "E-1042",
        "service_class": service_class,
        "service_class_source": "graded",
        "primary_model": "rfm-lifecycle",
        "tiers": {"rfm-lifecycle": "potential"},
        "risk_flags": [],
        "revenue_at_risk": None,
        "parent_customer_id": None,
        "merged_into": None,
        "erased": False,
        "as_of": format_instant(at),
        **fields,
    }
    return an_event("scoring.customer.snapshot.v1", customer, at, data)


def a_tier_change(
    customer: str = "C-1",
    before: str = "key",
    after: str = "basic",
    *,
    version: int = 2,
    at: datetime = MONDAY,
    **fields: Any,
) -> CloudEvent:
    data = {
        "customer_id": customer,
        "version": version,
        "name": "Hua Xin Pumps Co., Ltd.",
        "account_manager": "E-1042",
        "segment": "manufacturing",
        "region": "CN-JS",
        "model": "rfm-lifecycle",
        "model_version": 1,
        "primary": True,
        "from_tier": "potential",
        "to_tier": "churn_risk",
        "direction": "downgrade",
        "previous_service_class": before,
        "service_class": after,
        "cause": "data",
        "effective_at": format_instant(at),
        "as_of": format_instant(at),
        "emergency": False,
        "score": 5,
        "reasons": [],
        **fields,
    }
    return an_event("scoring.tier.changed.v1", customer, at, data)


def a_message_event(type_: str, case: dict[str, Any], *, at: datetime, **fields: Any) -> CloudEvent:
    data = {
        "message_id": new_id(),
        "event_id": new_id(),
        "event_type": "crisis.case.opened.v1",
        "customer_id": case["customer_id"],
        "case_id": case["id"],
        "matter_id": None,
        "audience": "account_manager",
        "urgency": "high",
        "template": "case-opened",
        "at": format_instant(at),
        **fields,
    }
    return an_event(f"notify.message.{type_}.v1", case["customer_id"], at, data)


async def activate(crisis: Crisis, path: str, key: str, body: dict[str, Any]) -> None:
    """Draft and activate a version of a document."""
    made = await crisis.client.post(f"/v1/{path}/{key}/versions", json=body, headers={"Idempotency-Key": new_id()})
    assert made.status_code == 201, made.text
    url = f"/v1/{path}/{key}/versions/{made.json()['version']}/activate"
    answer = await crisis.client.post(url, headers={"If-Match": made.headers["ETag"]})
    assert answer.status_code == 200, answer.text


def kinds(entries: Sequence[dict[str, Any]]) -> list[str]:
    return [entry["kind"] for entry in entries]
