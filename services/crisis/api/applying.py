"""Applying the active version of an SLA policy to promises that run."""

from typing import Final, Literal

from fastapi import Response
from pydantic import Field

from services.crisis.api.bodies import Line, example
from services.crisis.api.cases import TheLibrary
from services.crisis.api.recalculation_shapes import SelectIn
from services.crisis.domain.clocks import Behaviour
from services.crisis.usecases.apply_policy import WantedApplication, ask_application
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.documents.router import Key, Version
from shared.errors import Unprocessable
from shared.web.idempotency import Answer, Once
from shared.web.jobs import JobOut, accepted
from shared.web.kernel import Caller
from shared.web.routing import Router
from shared.web.schema import In

router = Router(prefix="/v1/sla-policies", tags=["sla-policy"], dependencies=[require("crisis:read")])
BehaviourName = Literal["keep", "retarget_from_start", "restart_now", "prorate", "tighten_only"]


class ApplyIn(In):
    """How a version is applied to what runs, in which cases, and why."""

    behaviour: BehaviourName | None = Field(
        None, description="For all of them; without it each clock changes as the policy that it stands under says."
    )
    select: SelectIn = Field(default_factory=SelectIn)
    reason: Line = Field(description="Why; written into the timeline of every case that changes.")
    dry_run: Literal[True] = Field(
        default=True, description="Always a dry run; what it finds is applied by approving it."
    )

    def to_wanted(self, key: str, version: int) -> WantedApplication:
        """Raises Unprocessable where closed cases are asked for: nothing runs there."""
        if self.select.include_closed:
            why = "nothing runs in closed cases; a recalculation reads them by another version"
            raise Unprocessable(errors=[FieldError("/select/include_closed", "only-open", why)])
        behaviour = None if self.behaviour is None else Behaviour(self.behaviour)
        return WantedApplication(key, version, behaviour, self.select.to_selection(), self.reason)


_EXAMPLE: Final = example(
    ApplyIn,
    behaviour="tighten_only",
    select={"service_class": ["key"]},
    reason="the shorter promise of version 2 is for everybody from now on",
)


@router.post(
    "/{key}/versions/{version}/apply",
    status_code=202,
    summary="See what applying a policy version to running promises would change",
    response_model=JobOut,
    openapi_extra={**_EXAMPLE, "x-path-examples": {"key": "key", "version": "1"}},
    dependencies=[require("crisis:policy")],
)
async def apply_policy(
    key: Key, version: Version, body: ApplyIn, caller: Caller, library: TheLibrary, once: Once
) -> Response:
    """A dry run, as a job. Activating a version changes nothing that runs; this says what would if it were applied.

    Each clock that runs on another version of the policy changes as `behaviour` says, from the instant at which it is
    applied. The clocks are listed at `/v1/sla/recalculations/{job_id}/changes`; somebody else approves it at
    `/v1/sla/recalculations/{job_id}/approve`, and each change is told by `crisis.clock.retargeted.v1` with the cause
    `policy_changed`. Limits by law are left alone. 409 for a version that is not the active one.
    """
    wanted = body.to_wanted(key, version)

    async def ask(work: UnitOfWork) -> Answer:
        return accepted(await ask_application(work, wanted, by=caller.id, library=library))

    return await once(ask, status=202)
