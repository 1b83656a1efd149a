"""Messages: what was to be said to whom, and what became of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.api.editing import Row
from services.notify.domain.message import DeliveryState, MessageState
from services.notify.domain.urgency import Urgency
from services.notify.store.tables import delivery, message
from services.notify.usecases.acknowledge import acknowledge_message
from shared.auth.guard import require
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.web.idempotency import OnceIfKeyed
from shared.web.kernel import ReadDatabase
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/messages", tags=["messages"], dependencies=[require("notify:read")])

MessageId = Annotated[str, Path(min_length=1, max_length=128)]


class NothingToAcknowledge(Conflict):
    """The case is closed: there is nothing left to acknowledge."""

    slug = "nothing-to-acknowledge"
    zh = "个案已关闭，无需确认。"


class DeliverySummary(Out):
    """One delivery of a message."""

    id: str
    person: str | None
    channel: str
    address: str | None = Field(description="Masked; null until it was tried.")
    state: DeliveryState
    attempts: int
    last_outcome: str | None
    at: datetime = Field(description="When it ended, by the business clock; while it is open, when it was made.")


class MessageOut(Out):
    """One message: one event, one line of a route."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0195f3a0-7c00-7000-8000-0000000000a1",
                    "event_id": "0195f3a0-7c00-7000-8000-000000000901",
                    "event_type": "crisis.case.opened.v1",
                    "rule": "case-opened-urgent#0",
                    "customer_id": "C-10001",
                    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
                    "matter_id": None,
                    "audience": "account_manager",
                    "urgency": "critical",
                    "template": "case-opened",
                    "state": "sent",
                    "reason": None,
                    "happened_at": "2026-03-05T08:00:00Z",
                    "created_at": "2026-03-05T08:00:00Z",
                    "acknowledged_at": None,
                    "acknowledged_by": None,
                    "deliveries": [
                        {
                            "id": "0195f3a0-7c00-7000-8000-0000000000a2",
                            "person": "E-1042",
                            "channel": "smtp",
                            "address": "a***@example.com",
                            "state": "accepted",
                            "attempts": 1,
                            "last_outcome": "accepted",
                            "at": "2026-03-05T08:00:00Z",
                        }
                    ],
                }
            ]
        }
    )

    id: str
    event_id: str
    event_type: str
    rule: str = Field(description="The route and its line, e.g. case-opened#0.")
    customer_id: str | None
    case_id: str | None
    matter_id: str | None
    audience: str
    urgency: Urgency
    template: str
    state: MessageState
    reason: str | None = Field(description="Why it is undeliverable.")
    happened_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    deliveries: list[DeliverySummary]

    @classmethod
    def of(cls, row: Row, deliveries: Sequence[DeliverySummary]) -> "MessageOut":
        named = {name: row[name] for name in cls.model_fields if name != "deliveries"}
        return cls(**named, deliveries=list(deliveries))


class AcknowledgeIn(In):
    """Who takes notice."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by": "E-1042"}]})

    by: Annotated[str, Field(min_length=1, max_length=128, description="Directory id.")]


class AcknowledgedOut(Out):
    """How the message stands to this person."""

    message_id: str
    person: str
    means: str
    acknowledged_at: datetime


@router.get("", summary="List messages")
async def list_messages(
    page: PageRequest,
    database: ReadDatabase,
    case_id: Annotated[str | None, Query()] = None,
    customer_id: Annotated[str | None, Query()] = None,
    event_id: Annotated[str | None, Query()] = None,
    state: Annotated[MessageState | None, Query()] = None,
    urgency: Annotated[Urgency | None, Query()] = None,
) -> Listing[MessageOut]:
    """The newest first."""
    statement = sa.select(message)
    filters = {"case_id": case_id, "customer_id": customer_id, "event_id": event_id, "state": state, "urgency": urgency}
    for column, value in filters.items():
        if value is not None:
            statement = statement.where(message.c[column] == str(value))
    async with database.read() as connection:
        paged = page.apply(statement, Order(message.c.id, descending=True))
        rows = (await connection.execute(paged)).mappings().all()
        told = await _deliveries(connection, [row["id"] for row in rows])
    return page.listing(
        rows, key=lambda row: (row["id"],), item=lambda row: MessageOut.of(row, told.get(row["id"], ()))
    )


@router.get("/{message_id}", summary="Read a message")
async def read_message(message_id: MessageId, database: ReadDatabase) -> MessageOut:
    """With all its deliveries."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(message).where(message.c.id == message_id))).mappings().first()
        told = await _deliveries(connection, [message_id])
    if row is None:
        raise NotFound
    return MessageOut.of(row, told.get(message_id, ()))


@router.post(
    "/{message_id}/acknowledge",
    summary="Acknowledge a message in somebody's name",
    response_model=AcknowledgedOut,
    dependencies=[require("notify:send")],
)
async def acknowledge(message_id: MessageId, body: AcknowledgeIn, once: OnceIfKeyed) -> Response:
    """As the link in the message does: crisis is told once per person; a second time changes nothing."""

    async def effect(work: UnitOfWork) -> AcknowledgedOut:
        notice = await acknowledge_message(work, message_id, body.by, means="api", wall=datetime.now(UTC))
        if notice.given is None:
            raise NothingToAcknowledge(state="closed")
        given = notice.given
        return AcknowledgedOut(message_id=message_id, person=given.person, means=given.means, acknowledged_at=given.at)

    return await once(effect)


async def _deliveries(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[DeliverySummary]]:
    statement = sa.select(delivery).where(delivery.c.message_id.in_(ids)).order_by(delivery.c.id)
    found: dict[str, list[DeliverySummary]] = {}
    for row in (await connection.execute(statement)).mappings():
        summary = DeliverySummary(
            id=row["id"],
            person=row["person"],
            channel=row["channel"],
            address=row["masked_address"],
            state=DeliveryState(row["state"]),
            attempts=row["attempts"],
            last_outcome=row["last_outcome"],
            at=row["ended_at"] or row["created_at"],
        )
        found.setdefault(row["message_id"], []).append(summary)
    return found
