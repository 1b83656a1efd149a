"""Recomputing everybody by the models as they are now: a job in steps, resumed wherever it stopped."""

from typing import Any, Final

from services.scoring.store import customers
from services.scoring.store.models import KIND, Models
from services.scoring.usecases.regrade import Occasion, regrade
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.jobs.runner import Run, RunningJob
from shared.jobs.store import JobRecord, submit

JOB: Final = "recompute"
CHUNK: Final = 2000


class ModelNotActive(Conflict):
    """The model does not grade now: none of its versions is active."""

    slug = "model-not-active"
    zh = "该模型没有启用的版本。"


async def ask_recompute(work: UnitOfWork, key: str, *, by: str) -> JobRecord:
    """Queue a recompute of all customers. Raises NotFound, ModelNotActive, and JobAlreadyOpen while one is open."""
    states = [row[0] for row in await work.raw.fetch(_STATES, KIND, key)]
    if not states:
        raise NotFound(f"there is no model {key!r}")
    if "active" not in states:
        raise ModelNotActive(f"activate a version of {key!r} first", state=states[0])
    return await submit(work, JOB, {"model": key}, by=by, exclusive_key=key)


_STATES: Final = "select distinct state from document where kind = $1 and key = $2 order by state"


def recompute_job(models: Models) -> Run:
    """The handler of the job: all customers in the order of their ids."""

    async def run(job: RunningJob) -> dict[str, Any]:
        while True:
            async with job.step() as work:
                ids = await customers.ids_after(work.raw, job.cursor or "", limit=CHUNK)
                if not ids:
                    break
                await work.lock(ids)
                done = await regrade(work, models, ids, Occasion(first_cause="model"))
                total = job.progress.get("total") or await customers.count(work.raw)
                job.progress["changed"] = job.progress.get("changed", 0) + done.changed
                job.advance(done=job.done + len(ids), total=max(total, job.done + len(ids)), cursor=ids[-1])
        return {"customers": job.done, "changed": job.progress.get("changed", 0)}

    return run
