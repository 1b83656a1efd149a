"""The story of one delivery, put together from what each step wrote down."""

from dataclasses import dataclass
from typing import Any

import asyncpg


@dataclass(frozen=True, slots=True)
class Story:
    """What `deliveries/{id}/why` answers."""

    event: dict[str, Any]
    routes: list[dict[str, Any]]
    audience: str
    role_resolution: list[str]
    channel_choice: list[str]
    conditions: list[str]
    checks: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    alternatives: list[dict[str, Any]]


_MESSAGE = """
select m.event_id, m.event_type, m.subject, m.case_id, m.matter_id, m.happened_at, m.audience, m.conditions,
       m.explanation as told, d.explanation as chosen
from delivery d join message m on m.id = d.message_id where d.id = $1
"""
_ATTEMPTS = """
select number, started_wall, ended_wall, outcome, detail, reference from attempt
where delivery_id = $1 order by number, id
"""
_ALTERNATIVES = """
select id as delivery_id, rule, recipient, channel, step, state, reason from delivery
where event_id = $1 and id <> $2 order by id
"""


async def explain(raw: "asyncpg.Connection[asyncpg.Record]", delivery_id: str) -> Story | None:
    """The story of a delivery; None where there is none with this id."""
    row = await raw.fetchrow(_MESSAGE, delivery_id)
    if row is None:
        return None
    attempts = await raw.fetch(_ATTEMPTS, delivery_id)
    alternatives = await raw.fetch(_ALTERNATIVES, row["event_id"], delivery_id)
    told, chosen = row["told"], row["chosen"]
    return Story(
        event={
            "id": row["event_id"],
            "type": row["event_type"],
            "subject": row["subject"],
            "case_id": row["case_id"],
            "matter_id": row["matter_id"],
            "at": row["happened_at"],
        },
        routes=told.get("routes", []),
        audience=row["audience"],
        role_resolution=told.get("audience", []),
        channel_choice=chosen.get("channels", []),
        conditions=list(row["conditions"]),
        checks=chosen.get("checks", []),
        attempts=[dict(attempt) for attempt in attempts],
        alternatives=[dict(alternative) for alternative in alternatives],
    )
