"""The report of waits: who waited for whom, how often, how long, and beyond which limits."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import Query, Response

from services.crisis.api.csv_answers import Titles, WantsCsv, csv_answer, documented, json_answer
from services.crisis.api.report_shapes import period
from services.crisis.api.reports import MOST_GROUPS, ThePeriod, refuse_too_many
from services.crisis.api.wait_shapes import WAIT_DEFINITION, WAIT_FIGURES, WaitingOut, WaitRow
from services.crisis.store.wait_reports import AskedWaits, WaitDimension, count_waits
from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.web.kernel import ReadDatabase
from shared.web.routing import Router

router = Router(prefix="/v1/reports", tags=["reports"], dependencies=[require("crisis:read")])
_BY: Final[tuple[WaitDimension, ...]] = ("reason", "who", "for_whom")
_CSV: Final = (
    "reason,who,for_whom,name_zh,name_en,waits,ended,open,…\r\n"
    "waiting_for_customer,us,customer,等待客户,Waiting for the customer,41,38,2,…\r\n"
)


@router.get(
    "/waiting",
    summary="Report who waited for whom, and how long",
    response_model=WaitingOut,
    responses=documented(_CSV),
)
async def report_waiting(
    asked: ThePeriod,
    database: ReadDatabase,
    csv: WantsCsv,
    lang: Titles = "en",
    by: Annotated[
        list[WaitDimension] | None, Query(description="What to group by; reason and parties without it.")
    ] = None,
    reason: Annotated[list[str] | None, Query(description="One of these reasons, by code.")] = None,
    who: Annotated[list[str] | None, Query(description="Who waits: us, customer or third_party.")] = None,
    for_whom: Annotated[list[str] | None, Query(description="Who has to move: us, customer or third_party.")] = None,
    policy: Annotated[list[str] | None, Query(description="Of cases under one of these policies, by key.")] = None,
) -> Response:
    r"""Every wait that began in the period, in exactly one of three states, with the lengths of waits.

    Lengths are real time; how much of it the clocks stood still is told by each clock (`paused_by_reason`). What is
    open now, for whom, by class, as a table with Chinese headings:

        curl -H "X-API-Key: $KEY" -G http://127.0.0.1:8002/v1/reports/waiting \
          -d by=reason -d by=service_class -d format=csv -d lang=zh-CN

    A period is looked up by index; without one everything is counted.
    """
    dimensions = list(dict.fromkeys(by if by is not None else _BY))
    wanted = AskedWaits(replace(asked, policies=policy), dimensions, reason, who, for_whom)
    async with database.read() as connection:
        counted = await count_waits(await raw_connection(connection), wanted, most=MOST_GROUPS)
    refuse_too_many(counted)
    total, *groups = [WaitRow.of(row) for row in counted]
    if csv:
        keys = [*dimensions, *(["cohort"] if asked.cohort else [])]
        return csv_answer("waiting", [*keys, *WAIT_FIGURES], (row.model_dump() for row in groups), lang=lang)
    return json_answer(
        WaitingOut.model_validate(
            {
                "as_of": asked.as_of,
                **period(asked.since, asked.until),
                "by": dimensions,
                "cohort": asked.cohort,
                "zone": asked.zone,
                "definition": WAIT_DEFINITION,
                "total": total,
                "groups": groups,
            }
        )
    )
