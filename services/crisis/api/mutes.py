"""Mute records: why an event did not become a case."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Query

from services.crisis.store.queries import MUTED
from shared.auth.guard import require
from shared.web.kernel import ReadDatabase
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing, Out

router = Router(prefix="/v1/mutes", tags=["mutes"], dependencies=[require("crisis:read")])


class MuteOut(Out):
    """An event that no case came of."""

    source: str
    event_id: str
    type: str
    customer_id: str
    recorded_at: datetime
    reason: str
    rule: str | None


@router.get("", summary="Find events that did not become cases")
async def list_mutes(
    page: PageRequest,
    database: ReadDatabase,
    customer_id: Annotated[str | None, Query(description="Events about this customer.")] = None,
    event_id: Annotated[str | None, Query(description="The event with this id.")] = None,
) -> Listing[MuteOut]:
    """The newest first."""
    c = MUTED.c
    statement = sa.select(MUTED).where(c.outcome == "muted")
    if customer_id is not None:
        statement = statement.where(c.customer_id == customer_id)
    if event_id is not None:
        statement = statement.where(c.event_id == event_id)
    ordered = page.apply(
        statement,
        Order(c.recorded_at, descending=True),
        Order(c.source, descending=True),
        Order(c.event_id, descending=True),
    )
    async with database.read() as connection:
        rows: Any = (await connection.execute(ordered)).all()
    return page.listing(rows, key=lambda row: (row.recorded_at, row.source, row.event_id), item=MuteOut.model_validate)
