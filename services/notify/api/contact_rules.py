"""Contact rules: over which channels, in order, somebody wants to be told of messages of one urgency."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field

from services.notify.api.contact_points import ChannelName
from services.notify.api.editing import IfMatchWhenThere, answer
from services.notify.domain.urgency import Urgency
from services.notify.store import records
from services.notify.store.tables import contact_rule as rules
from services.notify.usecases.people import put_contact_rule
from shared.auth.guard import require
from shared.web.etags import IfMatch
from shared.web.kernel import ReadDatabase, Uow
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/contact-rules", tags=["contact rules"], dependencies=[require("notify:read")])
_WRITE = [require("notify:write")]
_PATH = {"x-path-examples": {"person": "E-1042", "urgency": "critical"}}

PersonPath = Annotated[str, Path(min_length=1, max_length=128, description="Directory id.")]
UrgencyPath = Annotated[Urgency, Path(description="Of which messages.")]


class ContactRuleIn(In):
    """The next channel is tried when one fails."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channels": ["webhook", "smtp"]}]})

    channels: Annotated[list[ChannelName], Field(min_length=1, max_length=8)]


class ContactRuleOut(Out):
    """One rule."""

    person: str
    urgency: Urgency
    channels: list[str]
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "ContactRuleOut":
        return cls(
            person=row["person_id"],
            urgency=Urgency(row["urgency"]),
            channels=list(row["channels"]),
            version=row["revision"],
            updated_at=row["updated_at"],
        )


@router.get("", summary="List contact rules")
async def list_rules(
    page: PageRequest, database: ReadDatabase, person: Annotated[str | None, Query()] = None
) -> Listing[ContactRuleOut]:
    """By person and urgency. Without a rule the route's order of channels holds."""
    statement = sa.select(rules)
    if person is not None:
        statement = statement.where(rules.c.person_id == person)
    order = (Order(rules.c.person_id), Order(rules.c.urgency))
    async with database.read() as connection:
        rows = (await connection.execute(page.apply(statement, *order))).mappings().all()
    return page.listing(rows, key=lambda row: (row["person_id"], row["urgency"]), item=ContactRuleOut.of)


@router.put("/{person}/{urgency}", summary="Make or change a rule", dependencies=_WRITE, openapi_extra=_PATH)
async def put(
    person: PersonPath,
    urgency: UrgencyPath,
    body: ContactRuleIn,
    expected: IfMatchWhenThere,
    uow: Uow,
    response: Response,
) -> ContactRuleOut:
    """Without `If-Match` a new rule; with it a change of the version that was read."""
    channels = list(dict.fromkeys(body.channels))
    async with uow() as work:
        row, is_new = await put_contact_rule(work, person, urgency.value, channels, expected)
    return answer(response, ContactRuleOut.of(row), revision=row["revision"], is_new=is_new)


@router.delete(
    "/{person}/{urgency}", summary="Remove a rule", status_code=204, dependencies=_WRITE, openapi_extra=_PATH
)
async def remove(person: PersonPath, urgency: UrgencyPath, expected: IfMatch, uow: Uow) -> None:
    """The route's order of channels holds again."""
    async with uow() as work:
        await records.remove(work, "contact_rule", {"person_id": person, "urgency": urgency.value}, expected)
