"""Cases: opening, finding, reading."""

from collections.abc import Sequence
from typing import Annotated, Any

import asyncpg
import sqlalchemy as sa
from fastapi import Depends, Path, Query, Response

from services.crisis.api.actions import add_actions, add_merge
from services.crisis.api.bodies import NoteIn, OpenCaseIn
from services.crisis.api.shapes import (
    CaseOut,
    CaseStatus,
    ServiceClass,
    Severity,
    Stage,
    TimelineEntryOut,
    VerificationOut,
)
from services.crisis.domain.timeline import Entry, first_break
from services.crisis.library import Library
from services.crisis.store.queries import CASES, case_exists, cases_by_id, corrections_of, timeline_of
from services.crisis.usecases.manual import OpenByHand, add_note, open_by_hand
from shared.auth.guard import require
from shared.contracts.fields import Instant
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.web.etags import etag, set_etag
from shared.web.idempotency import Answer, Once
from shared.web.kernel import Caller, ReadDatabase, part
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing

router = Router(prefix="/v1/cases", tags=["cases"], dependencies=[require("crisis:read")])
TheLibrary = Annotated[Library, part(Library)]
CaseId = Annotated[str, Path(max_length=128, description="The case.")]


@router.post(
    "", status_code=201, summary="Open a case by hand", response_model=CaseOut, dependencies=[require("crisis:write")]
)
async def open_case(body: OpenCaseIn, caller: Caller, library: TheLibrary, once: Once) -> Response:
    """The customer's open case is joined if there is one (200); else a case opens (201)."""

    async def effect(work: UnitOfWork) -> Answer:
        wanted = OpenByHand(**body.model_dump(exclude={"by"}), by=body.by or caller.id)
        case_id, opened = await open_by_hand(work, wanted, library=library)
        (row,) = await cases_by_id(work.raw, [case_id])
        headers = {"Location": f"/v1/cases/{case_id}", "ETag": etag(row["version"])}
        return Answer(CaseOut.of(row), status=201 if opened else 200, headers=headers)

    return await once(effect, status=201)


async def case_filters(
    customer_id: Annotated[str | None, Query(description="Cases of this customer.")] = None,
    status: Annotated[CaseStatus | None, Query(description="open, closed, dismissed or merged.")] = None,
    stage: Annotated[Stage | None, Query(description="Stage of the loop.")] = None,
    severity: Annotated[list[Severity] | None, Query(description="One of these severities.")] = None,
    service_class: Annotated[ServiceClass | None, Query(description="The class that is served.")] = None,
    type: Annotated[str | None, Query(description="Kind of crisis.")] = None,  # noqa: A002 - the field's own name
    owner: Annotated[str | None, Query(description="Directory id of the owner.")] = None,
    number: Annotated[str | None, Query(description="The case with this number.")] = None,
    opened_from: Annotated[Instant | None, Query(description="Opened at or after this instant.")] = None,
    opened_before: Annotated[Instant | None, Query(description="Opened before this instant.")] = None,
) -> list[sa.ColumnElement[bool]]:
    """The conditions of a search."""
    c = CASES.c
    equal = {
        c.customer_id: customer_id,
        c.status: status,
        c.stage: stage,
        c.service_class: service_class,
        c.type: type,
        c.owner: owner,
        c.number: number,
    }
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if severity:
        found.append(c.severity.in_(severity))
    if opened_from is not None:
        found.append(c.opened_at >= opened_from)
    if opened_before is not None:
        found.append(c.opened_at < opened_before)
    return found


@router.get("", summary="Find cases")
async def list_cases(
    page: PageRequest,
    database: ReadDatabase,
    where: Annotated[list[sa.ColumnElement[bool]], Depends(case_filters)],
) -> Listing[CaseOut]:
    """The newest first."""
    c = CASES.c
    statement = page.apply(
        sa.select(c.id, c.opened_at).where(*where), Order(c.opened_at, descending=True), Order(c.id, descending=True)
    )
    async with database.read() as connection:
        keys: Sequence[Any] = (await connection.execute(statement)).all()
        rows = await cases_by_id(await raw_connection(connection), [key.id for key in keys])
    return page.listing(rows, key=lambda row: (row["opened_at"], row["id"]), item=CaseOut.of)


@router.get("/{case_id}", summary="Read a case")
async def read_case(case_id: CaseId, database: ReadDatabase, response: Response) -> CaseOut:
    """The case with its matters. Its ETag is what actions send back as If-Match; a timer does not change it."""
    async with database.read() as connection:
        rows = await cases_by_id(await raw_connection(connection), [case_id])
    if not rows:
        raise NotFound(f"there is no case {case_id}")
    set_etag(response, rows[0]["version"])
    return CaseOut.of(rows[0])


@router.get("/{case_id}/timeline", summary="Read the timeline of a case")
async def read_timeline(
    case_id: CaseId,
    page: PageRequest,
    database: ReadDatabase,
    kind: Annotated[str | None, Query(description="Only entries of this kind.")] = None,
) -> Listing[TimelineEntryOut]:
    """Everything that happened, from the beginning; each entry carries the hash of the one before.

    A warning or breach that no longer holds stays where it is, and names the entry that corrects it.
    """
    after = int(page.after[0]) if page.after else 0
    async with database.read() as connection:
        raw = await raw_connection(connection)
        entries = await _entries(raw, case_id, after=after, limit=page.limit, kind=kind)
        said = [entry.seq for entry in entries if entry.kind in {"clock.warned", "clock.breached"}]
        corrected = await corrections_of(raw, case_id, said) if said else {}
    return page.listing(
        entries,
        key=lambda entry: (entry.seq,),
        item=lambda entry: TimelineEntryOut.of(entry, corrected.get(entry.seq)),
    )


@router.get("/{case_id}/timeline/verification", summary="Verify the timeline of a case")
async def verify_timeline(case_id: CaseId, database: ReadDatabase) -> VerificationOut:
    """Computes every hash again."""
    async with database.read() as connection:
        entries = await _entries(await raw_connection(connection), case_id)
    broken_at = first_break(entries)
    return VerificationOut(valid=broken_at is None, entries=len(entries), broken_at=broken_at)


@router.get("/{case_id}/notes", summary="Read the notes on a case")
async def read_notes(case_id: CaseId, page: PageRequest, database: ReadDatabase) -> Listing[TimelineEntryOut]:
    """What people wrote down."""
    after = int(page.after[0]) if page.after else 0
    async with database.read() as connection:
        raw = await raw_connection(connection)
        entries = await _entries(raw, case_id, after=after, limit=page.limit, kind="case.note")
    return page.listing(entries, key=lambda entry: (entry.seq,), item=TimelineEntryOut.of)


@router.post(
    "/{case_id}/notes",
    status_code=201,
    summary="Write a note on a case",
    response_model=TimelineEntryOut,
    dependencies=[require("crisis:write")],
)
async def write_note(case_id: CaseId, body: NoteIn, caller: Caller, once: Once, library: TheLibrary) -> Response:
    """Appends to the timeline. A note stops no clock and does not change the case's version."""

    async def effect(work: UnitOfWork) -> TimelineEntryOut:
        entry = await add_note(work, case_id, body.text, by=body.by or caller.id, library=library)
        return TimelineEntryOut.of(entry)

    return await once(effect, status=201)


async def _entries(
    raw: "asyncpg.Connection[asyncpg.Record]",
    case_id: str,
    *,
    after: int = 0,
    limit: int | None = None,
    kind: str | None = None,
) -> list[Entry]:
    entries = await timeline_of(raw, case_id, after=after, limit=limit, kind=kind)
    if not entries and not await case_exists(raw, case_id):
        raise NotFound(f"there is no case {case_id}")
    return entries


add_actions(router)
add_merge(router)
