"""What-if for promises: the same fold as the live clocks, with nothing stored."""

import asyncio
from typing import Annotated, Any

from fastapi import Body

from services.crisis.api.simulate_examples import EXAMPLES
from services.crisis.documents.simulation import UnreachableTargetProblem, simulate
from services.crisis.library import Library
from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.documents import InvalidDocument
from shared.errors import Unprocessable
from shared.web.kernel import ReadDatabase, part
from shared.web.routing import MIB, Router, body_limit

router = Router(prefix="/v1/sla", tags=["sla"], dependencies=[require("crisis:read")])
_OPENAPI_EXAMPLES: Any = EXAMPLES


class TargetUnreachable(Unprocessable):
    """A target is not reached within twenty years: its calendar has too little open time."""

    slug = "unreachable-target"
    zh = "目标在二十年内无法到期：日历的开放时间太少。"


@router.post("/simulate", summary="Simulate the clocks of a policy")
@body_limit(4 * MIB)
async def simulate_clocks(
    body: Annotated[dict[str, Any], Body(openapi_examples=_OPENAPI_EXAMPLES)],
    database: ReadDatabase,
    library: Annotated[Library, part(Library)],
) -> dict[str, Any]:
    """Policy, calendars and events in; every clock at `until` out. Active documents need not be sent along.

    At most 10,000 events over a hundred years, 4 MiB.
    """
    async with database.read() as connection:
        calendars, policies = await library.for_simulation(await raw_connection(connection))
    try:
        return await asyncio.to_thread(simulate, body, calendars=calendars, policies=policies)
    except UnreachableTargetProblem as refusal:
        raise TargetUnreachable(errors=refusal.errors) from None
    except InvalidDocument as refusal:
        raise Unprocessable(errors=refusal.errors) from None
