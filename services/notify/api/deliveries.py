"""Deliveries: one recipient over one channel each, and the whole story of why it went as it did."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Path, Query
from pydantic import Field

from services.notify.api.editing import Row
from services.notify.domain.message import DeliveryState
from services.notify.store.explanations import explain
from services.notify.store.tables import delivery, message
from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.errors import NotFound
from shared.web.kernel import ReadDatabase
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing, Out

router = Router(prefix="/v1/deliveries", tags=["deliveries"], dependencies=[require("notify:read")])

DeliveryId = Annotated[str, Path(min_length=1, max_length=128)]


class DeliveryOut(Out):
    """One delivery. Instants are business time, those ending in `_wall` real time."""

    id: str
    message_id: str
    event_id: str
    rule: str
    person: str | None
    recipient: str = Field(description="`person:<id>`, or `team:<id>` for a team's own channel.")
    channel: str
    step: int = Field(description="Place in the order of channels, from 0.")
    masked_address: str | None
    state: DeliveryState
    reason: str | None
    attempts: int
    last_outcome: str | None
    last_detail: str | None
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    created_wall: datetime
    ended_wall: datetime | None
    retry_wall: datetime | None = Field(description="When it is tried again, in real time.")

    @classmethod
    def of(cls, row: Row) -> "DeliveryOut":
        return cls(**{name: row[name] for name in cls.model_fields})


class AttemptOut(Out):
    """One try, in real time."""

    number: int
    started_wall: datetime
    ended_wall: datetime
    outcome: str
    detail: str
    reference: str | None


class AlternativeOut(Out):
    """Another recipient or channel of the same event, and what became of it."""

    delivery_id: str
    rule: str
    recipient: str
    channel: str
    step: int
    state: str
    reason: str | None


class WhyOut(Out):
    """Why a delivery was made, how its recipient and channel were chosen, and what was tried."""

    delivery: DeliveryOut
    event: dict[str, Any] = Field(description="The event that it tells of.")
    routes: list[dict[str, Any]] = Field(description="Routes for this type of event: which matched, and why not.")
    rule: str
    audience: str
    role_resolution: list[str] = Field(description="From the audience to the people, step by step.")
    channel_choice: list[str] = Field(description="Route, contact rule and contact points.")
    conditions: list[str] = Field(description="What has to hold when it is sent.")
    checks: list[dict[str, Any]] = Field(description="The conditions as they stood at the last send.")
    attempts: list[AttemptOut]
    alternatives: list[AlternativeOut]


@router.get("", summary="List deliveries")
async def list_deliveries(
    page: PageRequest,
    database: ReadDatabase,
    message_id: Annotated[str | None, Query()] = None,
    case_id: Annotated[str | None, Query()] = None,
    person: Annotated[str | None, Query()] = None,
    channel: Annotated[str | None, Query()] = None,
    state: Annotated[DeliveryState | None, Query()] = None,
) -> Listing[DeliveryOut]:
    """The newest first."""
    statement = sa.select(delivery)
    filters = {"message_id": message_id, "person": person, "channel": channel, "state": state}
    for column, value in filters.items():
        if value is not None:
            statement = statement.where(delivery.c[column] == str(value))
    if case_id is not None:
        mine = sa.select(message.c.id).where(message.c.case_id == case_id)
        statement = statement.where(delivery.c.message_id.in_(mine))
    async with database.read() as connection:
        paged = page.apply(statement, Order(delivery.c.id, descending=True))
        rows = (await connection.execute(paged)).mappings().all()
    return page.listing(rows, key=lambda row: (row["id"],), item=DeliveryOut.of)


@router.get("/{delivery_id}", summary="Read a delivery")
async def read_delivery(delivery_id: DeliveryId, database: ReadDatabase) -> DeliveryOut:
    """As it stands now."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(delivery).where(delivery.c.id == delivery_id))).mappings().first()
    if row is None:
        raise NotFound
    return DeliveryOut.of(row)


@router.get("/{delivery_id}/why", summary="Why was this sent, to whom, and how did it go?")
async def why(delivery_id: DeliveryId, database: ReadDatabase) -> WhyOut:
    """Rule, resolution of the role, preference, chosen channel, each alternative, checks and attempts."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(delivery).where(delivery.c.id == delivery_id))).mappings().first()
        story = None if row is None else await explain(await raw_connection(connection), delivery_id)
    if row is None or story is None:
        raise NotFound
    return WhyOut(
        delivery=DeliveryOut.of(row),
        event=story.event,
        routes=story.routes,
        rule=row["rule"],
        audience=story.audience,
        role_resolution=story.role_resolution,
        channel_choice=story.channel_choice,
        conditions=story.conditions,
        checks=story.checks,
        attempts=[AttemptOut(**attempt) for attempt in story.attempts],
        alternatives=[AlternativeOut(**alternative) for alternative in story.alternatives],
    )
