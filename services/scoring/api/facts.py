"""`POST /v1/facts`: the public door for facts over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Request
from pydantic import Field

from services.scoring.usecases.door import TOPIC, Door
from shared.auth.guard import require
from shared.contracts import (
    CloudEvent,
    ContractError,
    UnknownType,
    parse_structured,
    refuse_future,
    registry,
    validate,
)
from shared.errors import Unprocessable
from shared.web.kernel import TheClock, part
from shared.web.problems import problem
from shared.web.routing import MIB, Router, body_limit
from shared.web.schema import Out

MOST_FACTS: Final = 500
router = Router(prefix="/v1/facts", tags=["facts"], dependencies=[require("facts:write")])

_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "erp-4711",
    "source": "erp/orders",
    "type": "customer.order.placed.v1",
    "subject": "C-10001",
    "time": "2026-03-05T08:00:00Z",
    "data": {"order_id": "4711", "amount": "1280.00", "currency": "CNY", "placed_at": "2026-03-05T08:00:00Z"},
}


class RejectedOut(Out):
    """A fact that was not let in."""

    index: int = Field(description="Its place in the request, from 0.")
    problem: dict[str, Any] = Field(description="Problem details: every field that is wrong, and what would be right.")


class AcceptedOut(Out):
    """What became of the facts: accepted ones are durable and on their way to grading."""

    accepted: int
    duplicates: int = Field(description="Seen before under the same source and id; not an error.")
    rejected: list[RejectedOut]


@router.post(
    "",
    status_code=202,
    summary="Tell facts",
    response_model=AcceptedOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "examples": {
                        "one": {"summary": "One CloudEvent", "value": _EXAMPLE},
                        "many": {"summary": "1 to 500 of them", "value": {"facts": [_EXAMPLE]}},
                    },
                }
            },
        }
    },
)
@body_limit(4 * MIB)
async def tell_facts(request: Request, clock: TheClock, door: Annotated[Door, part(Door)]) -> Any:
    """One CloudEvent in structured form, or `{"facts": [...]}` with 1 to 500.

    The answer is durable: what is accepted is never lost and counts once, by source and id, however often it is
    sent. 422 only when every one was rejected.
    """
    facts = _facts_of(await request.json())
    sound: list[CloudEvent] = []
    rejected: list[RejectedOut] = []
    for index, item in enumerate(facts):
        try:
            sound.append(_sound(item, now=clock.now()))
        except (ContractError, UnknownType) as error:
            if len(facts) == 1:
                raise
            rejected.append(RejectedOut(index=index, problem=problem(error)))
    if not sound:
        raise Unprocessable("every fact was rejected", rejected=[item.model_dump() for item in rejected])
    passed = await door.let_in(sound)
    return AcceptedOut(accepted=passed.accepted, duplicates=passed.duplicates, rejected=rejected)


def _sound(item: Any, *, now: datetime) -> CloudEvent:
    event = parse_structured(item)
    entry = registry[event.type]
    if entry.topic != TOPIC:
        raise ContractError.at("/type", "choice", f"{event.type} is published by {entry.producer}; it is no fact")
    refuse_future(event, validate(event), now=now)
    return event


def _facts_of(body: Any) -> list[Any]:
    if isinstance(body, dict) and "facts" not in body:
        return [body]
    facts = body.get("facts") if isinstance(body, dict) else None
    if not isinstance(facts, list) or not 1 <= len(facts) <= MOST_FACTS or len(body) > 1:
        raise Unprocessable(
            "the body is one CloudEvent, or an object with nothing but `facts`",
            errors=ContractError.at("/facts", "length", f"a list of 1 to {MOST_FACTS} CloudEvents").errors,
        )
    return facts
