"""Recomputing everybody by a model, as a job."""

from typing import Annotated

from fastapi import Path, Response

from services.scoring.usecases.recompute import ask_recompute
from shared.auth.guard import require
from shared.db.unit_of_work import UnitOfWork
from shared.web.idempotency import Answer, Once
from shared.web.jobs import JobOut, accepted
from shared.web.kernel import Caller
from shared.web.routing import Router

router = Router(prefix="/v1/models", tags=["tiers"], dependencies=[require("scoring:model")])


@router.post("/{key}/recompute", status_code=202, summary="Recompute all customers", response_model=JobOut)
async def recompute(
    key: Annotated[str, Path(max_length=64, description="Key of the model.", examples=["rfm-lifecycle"])],
    caller: Caller,
    once: Once,
) -> Response:
    """Grade everybody by the models that are active now; only what changed is written and published.

    The job reports its progress, goes on after a restart where it stopped, and there is one at a time for a model.
    """

    async def ask(work: UnitOfWork) -> Answer:
        return accepted(await ask_recompute(work, key, by=caller.id))

    return await once(ask, status=202)
