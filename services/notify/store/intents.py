"""Writing intents: messages and their deliveries, in the transaction of the inbox row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

_MESSAGE_COLUMNS = {
    "id": "text",
    "event_id": "text",
    "event_type": "text",
    "rule": "text",
    "route": "text",
    "route_version": "integer",
    "subject": "text",
    "customer_id": "text",
    "case_id": "text",
    "matter_id": "text",
    "clock_id": "text",
    "escalation_id": "text",
    "escalation_step": "integer",
    "audience": "text",
    "urgency": "text",
    "template": "text",
    "template_version": "integer",
    "asks_acknowledgement": "boolean",
    "conditions": "text",
    "variables": "text",
    "explanation": "text",
    "state": "text",
    "reason": "text",
    "happened_at": "timestamptz",
    "created_at": "timestamptz",
    "created_wall": "timestamptz",
    "ended_at": "timestamptz",
}
_DELIVERY_COLUMNS = {
    "id": "text",
    "message_id": "text",
    "event_id": "text",
    "rule": "text",
    "recipient": "text",
    "channel": "text",
    "step": "integer",
    "person": "text",
    "subject": "text",
    "lane": "text",
    "rank": "smallint",
    "channels": "text",
    "state": "text",
    "reason": "text",
    "explanation": "text",
    "created_at": "timestamptz",
    "created_wall": "timestamptz",
    "due_at": "timestamptz",
    "expires_at": "timestamptz",
    "ended_at": "timestamptz",
}
# Arrays of arrays must be rectangular for unnest: lists of words travel as one text.
_CASTS = {
    "conditions": "coalesce(string_to_array(nullif(conditions, ''), ','), '{}')",
    "channels": "coalesce(string_to_array(nullif(channels, ''), ','), '{}')",
    "variables": "variables::jsonb",
    "explanation": "explanation::jsonb",
}


def _insert(table: str, columns: dict[str, str], conflict: str, returning: str) -> str:
    names = ", ".join(columns)
    chosen = ", ".join(_CASTS.get(name, name) for name in columns)
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), 1))
    return (
        f"insert into {table} ({names}) select {chosen} from unnest({arrays}) as new ({names})"
        f" on conflict on constraint {conflict} do nothing returning {returning}"
    )


_INSERT_MESSAGES = _insert("message", _MESSAGE_COLUMNS, "message_once", "id")
_INSERT_DELIVERIES = _insert("delivery", _DELIVERY_COLUMNS, "delivery_once", "id")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be written; the fields are those of the table."""

    id: str
    event_id: str
    event_type: str
    rule: str
    route: str
    route_version: int
    subject: str
    customer_id: str | None
    case_id: str | None
    matter_id: str | None
    clock_id: str | None
    escalation_id: str | None
    escalation_step: int | None
    audience: str
    urgency: str
    template: str
    template_version: int | None
    asks_acknowledgement: bool
    conditions: Sequence[str]
    variables: dict[str, Any]
    explanation: dict[str, Any]
    state: str
    reason: str | None
    happened_at: datetime
    created_at: datetime
    created_wall: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to be written; the fields are those of the table."""

    id: str
    message_id: str
    event_id: str
    rule: str
    recipient: str
    channel: str
    step: int
    person: str | None
    subject: str
    lane: str
    rank: int
    channels: Sequence[str]
    state: str
    reason: str | None
    explanation: dict[str, Any]
    created_at: datetime
    created_wall: datetime
    due_at: datetime
    expires_at: datetime
    ended_at: datetime | None


async def write_intents(
    raw: "asyncpg.Connection[asyncpg.Record]", messages: Sequence[NewMessage], deliveries: Sequence[NewDelivery]
) -> frozenset[str]:
    """Write what is new; answers the ids of the messages written. An event and rule told before changes nothing."""
    if not messages:
        return frozenset()
    rows = await raw.fetch(_INSERT_MESSAGES, *_arrays(messages, _MESSAGE_COLUMNS))
    written = frozenset(row["id"] for row in rows)
    await write_deliveries(raw, [delivery for delivery in deliveries if delivery.message_id in written])
    return written


async def write_deliveries(raw: "asyncpg.Connection[asyncpg.Record]", deliveries: Sequence[NewDelivery]) -> None:
    """Write deliveries; one with the same event, rule, recipient, channel and step is there once."""
    if deliveries:
        await raw.fetch(_INSERT_DELIVERIES, *_arrays(deliveries, _DELIVERY_COLUMNS))


def _arrays(rows: Sequence[NewMessage] | Sequence[NewDelivery], columns: dict[str, str]) -> list[list[Any]]:
    return [[_plain(getattr(row, name)) for row in rows] for name in columns]


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return orjson.dumps(value).decode()
        case list() | tuple():
            return ",".join(value)
        case _:
            return value
