"""Recalculating clocks by other versions: a dry run, its approval, what changed, what was superseded."""

from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Path, Query, Response

from services.crisis.api.bodies import example
from services.crisis.api.csv_answers import WantsCsv, csv_answer, documented, json_answer
from services.crisis.api.recalculation_shapes import (
    COLUMNS,
    ApproveIn,
    ChangeOut,
    Outcome,
    RecalculateIn,
    SupersededOut,
)
from services.crisis.store.queries import CASES
from services.crisis.store.recalculations import FINDINGS, SUPERSEDED, clocks_ever_of
from services.crisis.usecases.ask_recalculation import KINDS, approve, ask_dry_run
from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.jobs.store import get
from shared.web.idempotency import Answer, Once
from shared.web.jobs import JobId, JobOut, accepted
from shared.web.kernel import Caller, ReadDatabase
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing

router = Router(prefix="/v1/sla", tags=["sla"], dependencies=[require("crisis:read")])
cases_router = Router(prefix="/v1/cases", tags=["clocks"], dependencies=[require("crisis:read")])
_EXAMPLE: Final = example(
    RecalculateIn,
    to={"calendars": {"cn-office": 2}},
    select={"service_class": ["key"], "opened_from": "2026-01-01T00:00:00Z", "include_closed": True},
    reason="the holidays of 2026 had been entered wrongly",
    dry_run=True,
)
_CSV: Final = (
    "case_id,number,clock_id,…,outcome,policy_before,policy_version_before,calendars_before,due_at_before,…\r\n"
)


@router.post(
    "/recalculate",
    status_code=202,
    summary="See what other versions would change",
    response_model=JobOut,
    openapi_extra=_EXAMPLE,
    dependencies=[require("crisis:policy")],
)
async def recalculate_clocks(body: RecalculateIn, caller: Caller, once: Once) -> Response:
    """A dry run, as a job: every clock of the selected cases is folded by the versions named, and nothing is changed.

    Its result counts what would change (`due_earlier`, `breaches_more`, `results_changed` …); the clocks are listed at
    `/v1/sla/recalculations/{job_id}/changes`. Limits by law are left alone, but for provisional ones on a calendar.
    """
    wanted = body.to_wanted()

    async def ask(work: UnitOfWork) -> Answer:
        return accepted(await ask_dry_run(work, wanted, by=caller.id))

    return await once(ask, status=202)


@router.post(
    "/recalculations/{job_id}/approve",
    status_code=202,
    summary="Approve a dry run and apply it",
    response_model=JobOut,
    openapi_extra=example(ApproveIn, reason="the board decided so on 3 March"),
    dependencies=[require("crisis:approve")],
)
async def approve_recalculation(job_id: JobId, body: ApproveIn, caller: Caller, once: Once) -> Response:
    """Another job, which applies what the dry run found and tells it by `crisis.clock.corrected.v1`.

    A clock that changed meanwhile is recalculated, reported as `moved_on` and left alone: make another dry run of it.
    A policy version is applied to what runs then, and told by `crisis.clock.retargeted.v1`.
    Only a dry run that succeeded can be approved, once, and not by whom asked for it (403 `four-eyes`).
    """

    async def ask(work: UnitOfWork) -> Answer:
        return accepted(await approve(work, job_id, by=caller.id, reason=body.reason))

    return await once(ask, status=202)


@router.get(
    "/recalculations/{job_id}/changes",
    summary="List what a recalculation found",
    response_model=Listing[ChangeOut],
    responses=documented(_CSV),
)
async def list_changes(
    job_id: JobId,
    page: PageRequest,
    database: ReadDatabase,
    csv: WantsCsv,
    outcome: Annotated[Outcome | None, Query(description="Only those with this outcome.")] = None,
    case_id: Annotated[str | None, Query(description="Only those of this case.")] = None,
) -> Response:
    """Each clock and cycle that says something else, before and after; of a running job what it has found so far.

    As CSV a page, too; its `X-Next-Page-Token` header is the `page_token` of the next. Kept as long as the job.

        curl -H "X-API-Key: $KEY" "http://127.0.0.1:8002/v1/sla/recalculations/$JOB/changes?format=csv&page_size=1000"
    """
    c = FINDINGS.c
    statement = sa.select(FINDINGS, CASES.c.number).join(CASES, CASES.c.id == c.case_id).where(c.job_id == job_id)
    for column, wanted in ((c.outcome, outcome), (c.case_id, case_id)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    statement = page.apply(statement, Order(c.case_id), Order(c.clock_id), Order(c.cycle))
    async with database.read() as connection:
        await _require_recalculation(connection, job_id)
        rows: Any = (await connection.execute(statement)).mappings().all()
    found = page.listing(rows, key=lambda row: (row["case_id"], row["clock_id"], row["cycle"]), item=ChangeOut.of)
    if not csv:
        return json_answer(found)
    answer = csv_answer("recalculation", COLUMNS, (item.as_row() for item in found.items))
    if found.next_page_token is not None:
        answer.headers["X-Next-Page-Token"] = found.next_page_token
    return answer


@cases_router.get("/{case_id}/sla/superseded", summary="Read the superseded results of a case")
async def list_superseded(
    case_id: Annotated[str, Path(max_length=128, description="The case.")], page: PageRequest, database: ReadDatabase
) -> Listing[SupersededOut]:
    """What its clocks said until a recalculation, the newest first; kept for ever, counted by no report.

    With what was superseded of clocks that came from a case that was merged into it.
    """
    c = SUPERSEDED.c
    statement = page.apply(
        sa.select(SUPERSEDED).where(c.clock_id.in_(clocks_ever_of(case_id))),
        Order(c.superseded_at, descending=True),
        Order(c.clock_id, descending=True),
        Order(c.cycle, descending=True),
    )
    async with database.read() as connection:
        rows: Any = (await connection.execute(statement)).mappings().all()
    return page.listing(
        rows, key=lambda row: (row["superseded_at"], row["clock_id"], row["cycle"]), item=SupersededOut.of
    )


async def _require_recalculation(connection: Any, job_id: str) -> None:
    job = await get(await raw_connection(connection), job_id)
    if job.kind not in KINDS:
        raise NotFound(f"there is no recalculation {job_id!r}")
