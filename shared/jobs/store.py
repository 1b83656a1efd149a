"""The rows of jobs: asked for, begun, saved, ended. Every change of a running job names the attempt that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg
import orjson

from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.ids import new_id

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
COLUMNS: Final = (
    "id, kind, state, request, progress, result, problem, requested_by, cancel_requested, attempt,"
    " created_at, started_at, finished_at"
)


class JobAlreadyOpen(Conflict):
    """A job of this kind for the same object is open already."""

    slug = "job-already-open"
    zh = "同一对象已有未完成的同类作业。"


class JobEnded(Conflict):
    """The job has ended."""

    slug = "job-ended"
    zh = "作业已结束。"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it stands. `progress` holds `done`, `total` and what the handler needs to go on."""

    id: str
    kind: str
    state: State
    request: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Any
    problem: Mapping[str, Any] | None
    requested_by: str
    cancel_requested: bool
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


async def submit(
    work: UnitOfWork, kind: str, request: Mapping[str, Any], *, by: str, exclusive_key: str | None = None
) -> JobRecord:
    """Ask for a job with this transaction. Raises JobAlreadyOpen while one with the same exclusive key is open."""
    row = await work.raw.fetchrow(
        f"insert into job (id, kind, state, request, requested_by, exclusive_key, created_at)"  # noqa: S608
        f" values ($1, $2, 'queued', $3::jsonb, $4, $5, $6)"
        f" on conflict (kind, exclusive_key) where state in ('queued', 'running') do nothing returning {COLUMNS}",
        new_id(),
        kind,
        orjson.dumps(dict(request)).decode(),
        by,
        exclusive_key,
        work.now,
    )
    if row is None:
        open_id = await work.raw.fetchval(
            "select id from job where kind = $1 and exclusive_key = $2 and state in ('queued', 'running')",
            kind,
            exclusive_key,
        )
        raise JobAlreadyOpen(f"wait for /v1/jobs/{open_id}, or cancel it", job=open_id)
    work.touch("job")
    return record(row)


async def get(raw: "asyncpg.Connection[asyncpg.Record]", job_id: str) -> JobRecord:
    """The job; raises NotFound."""
    row = await raw.fetchrow(f"select {COLUMNS} from job where id = $1", job_id)  # noqa: S608
    if row is None:
        raise NotFound(f"there is no job {job_id!r}")
    return record(row)


async def request_cancel(work: UnitOfWork, job_id: str) -> JobRecord:
    """End a queued job, or ask a running one to stop at its next step. Raises NotFound and JobEnded."""
    row = await work.raw.fetchrow(
        f"update job set cancel_requested = true,"  # noqa: S608
        f" finished_at = case state when 'queued' then $2::timestamptz end,"
        f" state = case state when 'queued' then 'cancelled' else state end"
        f" where id = $1 and state in ('queued', 'running') returning {COLUMNS}",
        job_id,
        work.now,
    )
    if row is not None:
        return record(row)
    ended = await get(work.raw, job_id)
    raise JobEnded(f"it has {ended.state}", state=ended.state)


async def open_jobs(raw: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How many jobs are queued or running."""
    return int(await raw.fetchval("select count(*) from job where state in ('queued', 'running')"))


async def forget_ended(raw: "asyncpg.Connection[asyncpg.Record]", before: datetime, *, limit: int = 1000) -> int:
    """Delete up to `limit` jobs that ended before an instant; answers how many."""
    status = await raw.execute(
        "delete from job where id in (select id from job where finished_at < $1 order by finished_at limit $2)",
        before,
        limit,
    )
    return int(status.rsplit(" ", 1)[1])


def record(row: Mapping[str, Any]) -> JobRecord:
    """A row of COLUMNS as a record."""
    return JobRecord(**dict(row))
