"""A delivery with what its message says, as the sender carries it from claim to record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.notify.domain.routes import While
from services.notify.domain.standing import Basis


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery and its message. Names ending in `_wall` are real time, `_at` business time."""

    id: str
    message_id: str
    event_id: str
    event_type: str
    rule: str
    recipient: str
    person: str | None
    channel: str
    step: int
    channels: Sequence[str]
    contact_point: str | None
    subject: str
    lane: str
    rank: int
    attempts: int
    created_at: datetime
    created_wall: datetime
    expires_at: datetime
    happened_at: datetime
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
    conditions: frozenset[While]
    variables: dict[str, Any]

    @property
    def basis(self) -> Basis:
        return Basis(
            self.conditions,
            self.case_id,
            self.matter_id,
            self.clock_id,
            self.escalation_id,
            self.escalation_step,
            self.created_at,
        )


_LOAD: Final = """
select d.id, d.message_id, d.event_id, m.event_type, d.rule, d.recipient, d.person, d.channel, d.step, d.channels,
       d.contact_point, d.subject, d.lane, d.rank, d.attempts, d.created_at, d.created_wall, d.expires_at,
       m.happened_at, m.customer_id,
       m.case_id, m.matter_id, m.clock_id, m.escalation_id, m.escalation_step, m.audience, m.urgency, m.template,
       m.template_version, m.asks_acknowledgement, m.conditions, m.variables
from delivery d join message m on m.id = d.message_id
where d.id = any($1::text[])
"""


async def load_deliveries(raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str]) -> dict[str, DeliveryRow]:
    """Deliveries by id."""
    rows: dict[str, DeliveryRow] = {}
    for record in await raw.fetch(_LOAD, ids):
        fields = dict(record)
        fields["conditions"] = frozenset(While(condition) for condition in fields["conditions"])
        rows[fields["id"]] = DeliveryRow(**fields)
    return rows
