"""Candidates: events that wait for a person before they become a case."""

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import Field

from services.crisis.api.bodies import Id, Line, Text, example
from services.crisis.api.shapes import CaseOut
from services.crisis.library import Library
from services.crisis.store.queries import CANDIDATES, cases_by_id
from services.crisis.usecases.candidates import confirm, reject
from shared.auth.guard import require
from shared.db.unit_of_work import UnitOfWork
from shared.web.etags import etag
from shared.web.idempotency import Answer, OnceIfKeyed
from shared.web.kernel import Caller, ReadDatabase, part
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/candidates", tags=["candidates"], dependencies=[require("crisis:read")])
CandidateId = Annotated[str, Path(max_length=128, description="The candidate.")]
State = Literal["waiting", "confirmed", "rejected"]


class CandidateOut(Out):
    """An event that may become a case."""

    id: str
    customer_id: str
    rule: str
    event_id: str
    event: dict[str, Any] = Field(description="The event, whole.")
    state: State
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


class ConfirmIn(In):
    """Who says that it is a crisis."""

    by: Id | None = None
    reason: Text | None = None


class RejectIn(In):
    """Who says that it is none, and why."""

    reason: Line = Field(examples=["A spam wave, not our customer"])
    by: Id | None = None


@router.get("", summary="Find candidates")
async def list_candidates(
    page: PageRequest,
    database: ReadDatabase,
    state: Annotated[State, Query(description="waiting, confirmed or rejected.")] = "waiting",
) -> Listing[CandidateOut]:
    """The oldest first."""
    c = CANDIDATES.c
    statement = page.apply(sa.select(CANDIDATES).where(c.state == state), Order(c.created_at), Order(c.id))
    async with database.read() as connection:
        rows: Any = (await connection.execute(statement)).all()
    return page.listing(rows, key=lambda row: (row.created_at, row.id), item=CandidateOut.model_validate)


@router.post(
    "/{candidate_id}/confirm",
    summary="Confirm a candidate",
    response_model=CaseOut,
    openapi_extra=example(ConfirmIn, by="E-0007", reason="the third this week"),
    dependencies=[require("crisis:write")],
)
async def confirm_candidate(
    candidate_id: CandidateId,
    body: ConfirmIn,
    caller: Caller,
    once: OnceIfKeyed,
    library: Annotated[Library, part(Library)],
) -> Response:
    """It opens a case, or joins the customer's open one."""

    async def effect(work: UnitOfWork) -> Answer:
        case_id = await confirm(work, candidate_id, by=body.by or caller.id, reason=body.reason, library=library)
        (row,) = await cases_by_id(work.raw, [case_id])
        return Answer(CaseOut.of(row), headers={"ETag": etag(row["version"])})

    return await once(effect)


@router.post(
    "/{candidate_id}/reject", status_code=204, summary="Reject a candidate", dependencies=[require("crisis:write")]
)
async def reject_candidate(candidate_id: CandidateId, body: RejectIn, caller: Caller, once: OnceIfKeyed) -> Response:
    """It becomes a mute record."""

    async def effect(work: UnitOfWork) -> Answer:
        await reject(work, candidate_id, by=body.by or caller.id, reason=body.reason)
        return Answer(None, status=204)

    return await once(effect, status=204)
