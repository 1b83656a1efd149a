"""Running jobs: each by one process at a time, in steps, every step one transaction that also saves the progress.

The runner of a job holds a session advisory lock; a killed process loses it at once and another takes the job up at the
last saved step. A runner that was cut off and wakes up again notices by the attempt's number and saves nothing more.

    async def recompute(job: RunningJob) -> dict[str, int]:
        while batch := await next_batch(job.cursor):
            async with job.step() as work:
                await apply(work, batch)
                job.advance(done=job.done + len(batch), cursor=batch[-1].id)
        return {"customers": job.done}
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import asyncpg
import orjson
import structlog

from shared.db.database import Database, is_transient
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory
from shared.jobs.store import COLUMNS, JobRecord, record
from shared.observability.metrics import JOBS
from shared.web.problems import problem
from shared.worker import Heartbeat, backoff

log = structlog.get_logger(__name__)

_LOCK_CLASS: Final = 0x4D4F_4A42  # "MOJB"
_MOST_FRUITLESS: Final = 20
_CANDIDATES: Final = """
select id from job where state in ('queued', 'running') and kind = any($1::text[]) order by created_at, id limit 50
"""
_BEGIN: Final = f"""
update job set state = 'running', attempt = attempt + 1, attempts_without_progress = attempts_without_progress + 1,
    started_at = coalesce(started_at, $2)
where id = $1 and state in ('queued', 'running') returning {COLUMNS}, attempts_without_progress as fruitless
"""  # noqa: S608 - a constant of ours


class JobLost(Exception):  # noqa: N818
    """Another process runs the job now; what this one was doing is rolled back."""


class JobCancelled(Exception):  # noqa: N818
    """Somebody asked for the job to stop."""


class Run(Protocol):
    """Does one kind of job; what it returns is the job's result. It is begun again with the saved progress."""

    async def __call__(self, job: "RunningJob", /) -> Any: ...


class RunningJob:
    """A job in the hands of its handler."""

    def __init__(self, job: JobRecord, uow: UnitOfWorkFactory, heartbeat: Heartbeat) -> None:
        self.id = job.id
        self.request = job.request
        self.requested_by = job.requested_by
        self.progress: dict[str, Any] = dict(job.progress)
        self._attempt = job.attempt
        self._uow = uow
        self._heartbeat = heartbeat

    @property
    def done(self) -> int:
        """How many items have been done, as saved or advanced to."""
        return int(self.progress.get("done", 0))

    @property
    def cursor(self) -> Any:
        """Where to go on; None at the beginning."""
        return self.progress.get("cursor")

    def advance(self, *, done: int, total: int | None = None, cursor: Any = None) -> None:
        """Note progress; it is saved when the step ends. `total` is kept until it is given anew."""
        self.progress.update(done=done, cursor=cursor)
        if total is not None:
            self.progress["total"] = total

    @asynccontextmanager
    async def step(self) -> AsyncIterator[UnitOfWork]:
        """One transaction of the job; leaving the block saves the progress with the effect.

        Raises JobCancelled when the job is to stop and JobLost when another process has it.
        """
        self._heartbeat.beat()
        before = dict(self.progress)
        try:
            async with self._uow() as work:
                await self.require_mine(work)
                yield work
                await work.raw.execute(
                    "update job set progress = $2::jsonb, attempts_without_progress = 0 where id = $1",
                    self.id,
                    orjson.dumps(self.progress).decode(),
                )
        except BaseException:
            self.progress = before  # what was not committed has not been done
            raise

    async def require_mine(self, work: UnitOfWork) -> None:
        """Lock the job's row and make sure that it is still ours and wanted."""
        row = await work.raw.fetchrow(
            "select state, attempt, cancel_requested from job where id = $1 for update", self.id
        )
        if row is None or row["state"] != "running" or row["attempt"] != self._attempt:
            raise JobLost(self.id)
        if row["cancel_requested"]:
            raise JobCancelled(self.id)


class JobRunner:
    """Runs the jobs of one service, one after the other; the processes of a service share them out."""

    def __init__(self, database: Database, uow: UnitOfWorkFactory, handlers: Mapping[str, Run]) -> None:
        self._database = database
        self._uow = uow
        self._handlers = handlers
        self._woken = asyncio.Event()
        self.heartbeat = Heartbeat("jobs", allowed_silence=600.0)
        self.finished = 0

    def wake(self) -> None:
        """Say that a job was asked for."""
        self._woken.set()

    async def run(self) -> None:
        """Run jobs for ever."""
        attempt = 0
        while True:
            self.heartbeat.beat()
            self._woken.clear()
            try:
                ran = await self.turn()
                attempt = 0
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("jobs.retry", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(backoff(attempt))
                continue
            if not ran:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), 1.0)

    async def turn(self) -> bool:
        """Take one job that nobody runs and run it; answers whether there was one."""
        async with self._database.engine.connect() as connection:
            adapted = await connection.get_raw_connection()
            raw = adapted.driver_connection
            assert raw is not None
            for row in await raw.fetch(_CANDIDATES, list(self._handlers)):
                if await raw.fetchval("select pg_try_advisory_lock($1, hashtext($2))", _LOCK_CLASS, row["id"]):
                    try:
                        if await self._run(row["id"]):
                            return True
                    finally:
                        await _unlock(raw, row["id"])
        return False

    async def _run(self, job_id: str) -> bool:
        async with self._uow() as work:
            row = await work.raw.fetchrow(_BEGIN, job_id, work.now)
        if row is None:
            return False  # it ended between the look and the lock
        values = dict(row)
        fruitless = values.pop("fruitless")
        job = record(values)
        running = RunningJob(job, self._uow, self.heartbeat)
        if fruitless > _MOST_FRUITLESS:
            await self._end(job, running, "failed", error=RuntimeError("begun too often without any progress"))
            return True
        try:
            result = await self._handlers[job.kind](running)
        except JobLost:
            log.warning("job.lost", job=job.id, kind=job.kind)
        except JobCancelled:
            await self._end(job, running, "cancelled")
        except Exception as error:
            if is_transient(error):
                raise  # it is taken up again from the last saved step
            log.exception("job.failed", job=job.id, kind=job.kind)
            await self._end(job, running, "failed", error=error)
        else:
            await self._end(job, running, "succeeded", result=result)
        return True

    async def _end(
        self, job: JobRecord, running: RunningJob, state: str, *, result: Any = None, error: Exception | None = None
    ) -> None:
        with contextlib.suppress(JobLost):
            async with self._uow() as work:
                with contextlib.suppress(JobCancelled):  # too late to cancel what has come to its end
                    await running.require_mine(work)
                await work.raw.execute(
                    "update job set state = $2, result = $3::jsonb, problem = $4::jsonb, finished_at = $5"
                    " where id = $1",
                    job.id,
                    state,
                    None if result is None else orjson.dumps(result).decode(),
                    None if error is None else orjson.dumps(problem(error)).decode(),
                    work.now,
                )
            self.finished += 1
            JOBS.labels(job.kind, state).inc()
            log.info("job.ended", job=job.id, kind=job.kind, state=state, done=running.done)


async def _unlock(raw: "asyncpg.Connection[asyncpg.Record]", job_id: str) -> None:
    """Give the lock back with the connection; a lost connection has lost its lock already."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(raw.execute("select pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, job_id), 2)
