"""Clocks of a case, folded at this instant."""

from typing import Annotated, Any

from fastapi import Path

from services.crisis.api.explain import add_explain
from services.crisis.library import Library
from services.crisis.usecases.look import clocks_of_case
from shared.auth.guard import require
from shared.web.kernel import Uow, part
from shared.web.routing import Router

router = Router(prefix="/v1/cases", tags=["clocks"], dependencies=[require("crisis:read")])


@router.get("/{case_id}/clocks", summary="Read the clocks of a case")
async def read_clocks(
    case_id: Annotated[str, Path(max_length=128, description="The case.")],
    uow: Uow,
    library: Annotated[Library, part(Library)],
) -> dict[str, Any]:
    """One item for each clock and cycle, with every counted and uncounted stretch and its reason.

    `waiting` names the reasons for which a clock stands still: since when, who waits for whom, and when it ends by
    itself; `paused_by_reason` how many seconds each has held it. `waits` are the waits of the case, open and ended.
    """
    async with uow() as work:
        view = await clocks_of_case(work, case_id, library=library)
    return view.as_json()


add_explain(router)
