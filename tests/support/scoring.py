"""A scoring service without its background: records are handed to its consumer, time is stepped, HTTP is real."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from services.scoring.app import build
from services.scoring.settings import ScoringSettings
from services.scoring.store.models import Models
from services.scoring.usecases.sweep import sweep
from shared.auth.keys import create_key
from shared.auth.scopes import SCOPES
from shared.bus.consumer import Consumer
from shared.bus.port import Received
from shared.clock import SteppedClock
from shared.contracts import CloudEvent, encode
from shared.db.database import raw_connection
from shared.documents import store
from shared.service import Service
from tests.support.documents import install
from tests.support.facts import MONDAY
from tests.support.tier_models import document

RFM = "rfm-lifecycle"


@dataclass
class Scoring:
    """The service and everything a test asks it."""

    service: Service
    client: httpx.AsyncClient
    clock: SteppedClock
    models: Models

    @property
    def consumer(self) -> Consumer:
        return self.service.consumers[0]

    async def deliver(self, *events: CloudEvent, batch: int = 10_000) -> None:
        """Hand events to the consumer as records of the fact topic, so many in one transaction."""
        await self.deliver_records([a_record(event, offset) for offset, event in enumerate(events)], batch=batch)

    async def deliver_records(self, records: Sequence[Received], *, batch: int = 10_000) -> None:
        for start in range(0, len(records), batch):
            await self.consumer._settle(records[start : start + batch])

    async def let_in(self) -> int:
        """Deliver what the HTTP door has put into the outbox; answers how many facts that were."""
        rows = await self.rows(
            "delete from outbox where aggregatetype = 'moat.facts.v1'"
            " returning seq, aggregateid, payload, header_names, header_values"
        )
        records = [
            Received("moat.facts.v1", 0, seq, 0, key, value, tuple(zip(names, values, strict=True)))
            for seq, key, value, names, values in sorted(rows)
        ]
        await self.deliver_records(records)
        return len(records)

    async def step(self, to: datetime) -> int:
        """Move the clock from one due instant to the next, sweeping who is due, until `to`; answers how many stops."""
        stops = 0
        while True:
            upcoming = await self.value("select min(next_change_at) from standing")
            if upcoming is None or upcoming > to:
                break
            stops += 1
            self.clock.move(max(upcoming, self.clock.now()))
            await self.sweep()
        self.clock.move(to)
        return stops

    async def sweep(self) -> int:
        """Sweep until nobody is due; answers how many customers were looked at."""
        total = 0
        while True:
            done, due = await sweep(self.service.base.database, self.service.base.uow, self.models, self.clock.now())
            total += done
            if not due:
                return total

    async def run_jobs(self) -> None:
        while await self.service.jobs.turn():
            pass

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        async with self.service.base.database.begin() as connection:
            return list(await (await raw_connection(connection)).fetch(statement, *values))

    async def value(self, statement: str, *values: Any) -> Any:
        async with self.service.base.database.begin() as connection:
            return await (await raw_connection(connection)).fetchval(statement, *values)

    async def activate(self, body: dict[str, Any]) -> int:
        """Make this document the active version of its key; answers the version."""
        async with self.service.base.uow() as work:
            draft = await store.create_draft(work, "tier-model", body["key"], body, by="test")
            return (await store.activate(work, draft)).version

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """What was published, in order: type and data; only of these types (without `scoring.` and `.v1`)."""
        rows = await self.rows("select type, payload from outbox where aggregatetype <> 'moat.facts.v1' order by seq")
        named = [(r["type"].removeprefix("scoring.").removesuffix(".v1"), orjson.loads(r["payload"])) for r in rows]
        return [{"event": name, **data} for name, data in named if not types or name in types]

    async def dead_letters(self) -> list[dict[str, str]]:
        """The marks of dead letters, in order."""
        rows = await self.rows(
            "select header_names, header_values from outbox where aggregatetype like 'moat.dead.%' order by seq"
        )
        marks = [dict(zip(row[0], row[1], strict=True)) for row in rows]
        return [{n[4:]: v.decode() for n, v in one.items() if n.startswith("dlq-")} for one in marks]

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = await self.client.get(path, params=parameters)
        return dict(answer.raise_for_status().json())

    async def tier(self, customer: str, **parameters: Any) -> dict[str, Any]:
        return await self.get(f"/v1/customers/{customer}/tier", **parameters)

    async def metrics(self, customer: str, **parameters: Any) -> dict[str, Any]:
        """Values by key."""
        told = await self.get(f"/v1/customers/{customer}/metrics", **parameters)
        return {key: metric["value"] for key, metric in told["metrics"].items()}

    async def standing(self, customer: str, model: str = RFM) -> Any:
        (row,) = await self.rows("select * from standing where customer_id = $1 and model = $2", customer, model)
        return row


def a_record(event: CloudEvent, offset: int = 0) -> Received:
    key, value, headers = encode(event)
    return Received("moat.facts.v1", 0, offset, 0, key, value, headers)


def _service(database_url: str, clock: SteppedClock, lanes: int = 1) -> Service:
    settings = ScoringSettings(
        database_url=database_url, bus_url="postgresql://nobody@127.0.0.1:1/none", profile="test", lanes=lanes
    )
    return build(settings, clock=clock)


async def install_documents(database_url: str) -> None:
    """Install the shipped documents in a migrated database."""
    service = _service(database_url, SteppedClock(MONDAY))
    await install(service, service.parts.presets)
    await service.base.database.close()


@asynccontextmanager
async def a_scoring(
    database_url: str, *, now: datetime = MONDAY, lanes: int = 1, model: dict[str, Any] | None = None
) -> AsyncIterator[Scoring]:
    """A scoring service on a migrated database, with the shipped documents; `model` instead of the shipped models."""
    clock = SteppedClock(now)
    service = _service(database_url, clock, lanes)
    service.page_tokens.secret = b"of this test"
    await install(service, service.parts.presets if model is None else service.parts.presets[1:])
    async with service.base.database.begin() as connection:
        key = await create_key(await raw_connection(connection), name="test", scopes=[*SCOPES], now=datetime.now(UTC))
    transport = httpx.ASGITransport(service.app, client=("127.0.0.1", 5000))
    headers = {"Authorization": f"Bearer {key.plain}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://scoring", headers=headers) as client:
            scoring = Scoring(service, client, clock, service.app.state.kernel.parts[Models])
            if model is not None:
                await scoring.activate(model)
            # Activation and presets are not what tests of customers look at.
            await scoring.rows("delete from outbox")
            yield scoring
    finally:
        await service.base.database.close()


def rfm(**changes: Any) -> dict[str, Any]:
    """The shipped rfm-lifecycle document with changes at its top level."""
    return {**document(RFM), **changes}
