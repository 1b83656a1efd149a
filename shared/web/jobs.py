"""Jobs over HTTP: `202` with `Location: /v1/jobs/{id}` where one is asked for; looking and cancelling there."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import Field

from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.store import COLUMNS, JobRecord, State, get, record, request_cancel
from shared.web.idempotency import Answer, OnceIfKeyed
from shared.web.kernel import ReadDatabase
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing, Out


class JobOut(Out):
    """A job."""

    id: str
    kind: str
    state: State = Field(description="`queued` and `running` are open; the others are final.")
    done: int = Field(description="Items done so far.")
    total: int | None = Field(description="Items to do, once known.")
    result: Any = Field(description="What came of it, when it succeeded.")
    problem: dict[str, Any] | None = Field(description="Why it failed.")
    requested_by: str
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: JobRecord) -> "JobOut":
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            done=int(job.progress.get("done", 0)),
            total=job.progress.get("total"),
            result=job.result,
            problem=dict(job.problem) if job.problem else None,
            requested_by=job.requested_by,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


EXAMPLE = {
    "id": "0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    "kind": "recompute",
    "state": "running",
    "done": 12000,
    "total": 23570,
    "result": None,
    "problem": None,
    "requested_by": "key:0199a1b2-0000-7000-8000-000000000001",
    "cancel_requested": False,
    "created_at": "2026-03-01T08:00:00Z",
    "started_at": "2026-03-01T08:00:00Z",
    "finished_at": None,
}
_ANSWER: dict[str, Any] = {"content": {"application/json": {"example": EXAMPLE}}}
_COLUMNS: list[sa.ColumnClause[Any]] = [sa.column(name.strip()) for name in COLUMNS.split(",")]
JobId = Annotated[str, Path(description="Id of the job.", examples=[EXAMPLE["id"]])]


def accepted(job: JobRecord) -> Answer:
    """The answer to a request that began a job."""
    return Answer(JobOut.of(job), 202, {"Location": f"/v1/jobs/{job.id}"})


def jobs_router(*, read_scope: str, cancel_scope: str) -> Router:
    """List, look at and cancel the jobs of a service."""
    router = Router(prefix="/v1/jobs", tags=["jobs"], dependencies=[require(read_scope)])
    example: Any = {200: _ANSWER}
    router.get("", summary="List jobs, the newest first")(list_jobs)
    router.get("/{job_id}", summary="Look at a job", responses=example)(read_job)
    router.post(
        "/{job_id}/cancel",
        summary="Cancel a job",
        response_model=JobOut,
        dependencies=[require(cancel_scope)],
        responses=example,
    )(cancel_job)
    return router


async def list_jobs(
    page: PageRequest,
    database: ReadDatabase,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    kind: Annotated[str | None, Query(description="Only those of this kind.", examples=["recompute"])] = None,
) -> Listing[JobOut]:
    """Ended jobs are kept for thirty days."""
    created, job_id = sa.column("created_at", sa.TIMESTAMP(timezone=True)), sa.column("id", sa.Text)
    statement = sa.select(*_COLUMNS).select_from(sa.table("job"))
    if state is not None:
        statement = statement.where(sa.column("state") == state)
    if kind is not None:
        statement = statement.where(sa.column("kind") == kind)
    statement = page.apply(statement, Order(created, descending=True), Order(job_id, descending=True))
    async with database.read() as connection:
        rows = (await connection.execute(statement)).mappings().all()
    jobs = [record(dict(row)) for row in rows]
    return page.listing(jobs, key=lambda job: (job.created_at, job.id), item=JobOut.of)


async def read_job(job_id: JobId, database: ReadDatabase) -> JobOut:
    """State, progress and, at the end, result or problem."""
    async with database.read() as connection:
        return JobOut.of(await get(await raw_connection(connection), job_id))


async def cancel_job(job_id: JobId, once: OnceIfKeyed) -> Response:
    """A queued job ends at once, a running one at its next step; what its steps have done stays done."""

    async def cancel(work: UnitOfWork) -> JobOut:
        return JobOut.of(await request_cancel(work, job_id))

    return await once(cancel)
