"""Reports: attainment with its denominator, handling time against the yardstick, fairness towards low classes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Response

from services.crisis.api.csv_answers import Language, Titles, WantsCsv, csv_answer, documented, json_answer
from services.crisis.api.report_shapes import (
    ATTAINMENT_DEFINITION,
    ATTAINMENT_FIGURES,
    YARDSTICK_BEFORE_HOURS,
    YARDSTICK_TARGET_HOURS,
    AttainmentOut,
    AttainmentRow,
    FairnessOut,
    FairnessRow,
    HandlingOut,
    HandlingRow,
    YardstickOut,
    period,
)
from services.crisis.api.shapes import ServiceClass
from services.crisis.domain.service_class import CLASSES
from services.crisis.store import reports
from services.crisis.store.reports import Asked, Cohort, Counted, Dimension
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.contracts.fields import Instant
from shared.db.database import Database, raw_connection
from shared.errors import Unprocessable
from shared.web.kernel import ReadDatabase, TheClock
from shared.web.routing import Router
from shared.worktime.zones import is_zone

router = Router(prefix="/v1/reports", tags=["reports"], dependencies=[require("crisis:read")])
MOST_GROUPS: Final = 5000
_NOTHING: Final = Counted(True, 0, 0, 0, 0, 0, 0, 0, 0, None, None, None, None, 0.0, 0.0)


async def _asked(
    clock: TheClock,
    since: Annotated[Instant | None, Query(alias="from", description="The period begins here.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="The period ends here.")] = None,
    service_class: Annotated[list[ServiceClass] | None, Query(description="One of these classes.")] = None,
    cohort: Annotated[Cohort | None, Query(description="Also group by day, week or month.")] = None,
    zone: Annotated[str, Query(description="IANA zone of the cohorts.", examples=["Asia/Shanghai"])] = "UTC",
) -> Asked:
    errors = []
    if since is not None and until is not None and since >= until:
        errors.append(FieldError("/query/from", "order", "the period begins before it ends"))
    if not is_zone(zone):
        errors.append(FieldError("/query/zone", "unknown-zone", "there is no IANA time zone of this name"))
    if errors:
        raise Unprocessable(errors=errors)
    return Asked(clock.now(), since, until, service_class, cohort=cohort, zone=zone)


ThePeriod = Annotated[Asked, Depends(_asked)]
_ATTAINMENT_CSV: Final = (
    "service_class,target,clocks,met,breached_closed,breached_open,running,cancelled,void,excluded,ratio_ended,…\r\n"
    "key,first_response,132,120,9,1,2,0,0,0,0.930233,…\r\n"
)


@router.get(
    "/attainment", summary="Report how promises were kept", response_model=AttainmentOut,
    responses=documented(_ATTAINMENT_CSV),
)  # fmt: skip
async def report_attainment(
    asked: ThePeriod,
    database: ReadDatabase,
    csv: WantsCsv,
    lang: Titles = "en",
    by: Annotated[list[Dimension] | None, Query(description="What to group by; class and target without it.")] = None,
    target: Annotated[list[str] | None, Query(description="One of these targets.")] = None,
    policy: Annotated[list[str] | None, Query(description="Of one of these policies, by key.")] = None,
    department: Annotated[list[str] | None, Query(description="Owed by one of these departments.")] = None,
) -> Response:
    r"""Every clock and cycle due in the period, in exactly one of seven states, with two ratios.

    One ratio is over those that ended, the other over those that were due: ended, or breached and still open. Promises
    of February by week, in Shanghai's weeks, as a table:

        curl -H "X-API-Key: $KEY" -G http://127.0.0.1:8002/v1/reports/attainment -d format=csv \
          -d from=2026-02-01T00:00:00Z -d to=2026-03-01T00:00:00Z -d cohort=week -d zone=Asia/Shanghai

    A limit at 24:00 belongs to the day that ends there: in a period is what is due after `from` and at the latest at
    `to`. A period is looked up by index; without one everything is counted.
    """
    dimensions = list(dict.fromkeys(by if by is not None else ("service_class", "target")))
    wanted = replace(asked, by=dimensions, targets=target, policies=policy, departments=department)
    total, *groups = await _counted(database, wanted)
    if csv:
        keys = [*dimensions, *(["cohort"] if asked.cohort else [])]
        rows = (AttainmentRow.of(row).model_dump() for row in groups)
        return csv_answer("attainment", [*keys, *ATTAINMENT_FIGURES], rows, lang=lang)
    return json_answer(
        AttainmentOut.model_validate(
            {
                "as_of": asked.as_of,
                **period(asked.since, asked.until),
                "by": dimensions,
                "cohort": asked.cohort,
                "zone": asked.zone,
                "definition": ATTAINMENT_DEFINITION,
                "total": AttainmentRow.of(total),
                "groups": [AttainmentRow.of(row) for row in groups],
            }
        )
    )


@router.get(
    "/handling-time", summary="Report handling time against the yardstick", response_model=HandlingOut,
    responses=documented("service_class,cohort,matters,mean_hours,p50_hours,p90_hours,within_yardstick\r\nkey,,41,9.5,7,21,true\r\n"),
)  # fmt: skip
async def report_handling_time(
    asked: ThePeriod,
    database: ReadDatabase,
    csv: WantsCsv,
    lang: Titles = "en",
    type: Annotated[str, Query(description="Kind of matter; `all` is every kind.")] = "complaint",  # noqa: A002
) -> Response:
    """Mean, median and 90th percentile, by class, of the matters resolved in the period.

    Real hours from receipt to resolution, pauses and nights included. Drills, dismissed cases and what was withdrawn do
    not count; what is still open is not in it. The yardstick is the mean over all complaints: 72 h before, 12 h wanted.

        curl -H "X-API-Key: $KEY" "http://127.0.0.1:8002/v1/reports/handling-time?cohort=month"
    """
    kind = None if type == "all" else type
    async with database.read() as connection:
        raw = await raw_connection(connection)
        rows = await reports.handling_time(raw, asked, matter_type=kind, most=MOST_GROUPS)
    refuse_too_many(rows)
    found = [HandlingRow.of(row) for row in rows]
    if csv:
        cells = (row.model_dump() for row in found[1:])
        return csv_answer("handling-time", list(HandlingRow.model_fields), cells, lang=lang)
    empty = dict.fromkeys(("service_class", "cohort", "mean_hours", "p50_hours", "p90_hours", "within_yardstick"))
    total = found[0] if found else HandlingRow.model_validate({**empty, "matters": 0})
    yardstick = YardstickOut(
        before_hours=YARDSTICK_BEFORE_HOURS,
        target_hours=YARDSTICK_TARGET_HOURS,
        of="mean handling time over all complaints",
        reached=total.within_yardstick,
    )
    return json_answer(
        HandlingOut.model_validate(
            {
                "as_of": asked.as_of,
                **period(asked.since, asked.until),
                "type": kind,
                "definition": "Real hours from receipt to resolution of the matters resolved in the period.",
                "yardstick": yardstick,
                "total": total,
                "groups": found[1:],
            }
        )
    )


@router.get(
    "/fairness", summary="Report whether the law's limits hold for every class", response_model=FairnessOut,
    responses=documented("service_class,statutory_clocks,statutory_met,…\r\nbasic,12,12,…\r\n"),
)  # fmt: skip
async def report_fairness(asked: ThePeriod, database: ReadDatabase, csv: WantsCsv, lang: Titles = "en") -> Response:
    """Statutory clocks by class, beside what the class is promised.

    A class may be promised less than another; by law every customer is owed the same.

        curl -H "X-API-Key: $KEY" "http://127.0.0.1:8002/v1/reports/fairness?from=2026-01-01T00:00:00Z"
    """
    # The best of all classes is the measure, also where only some are asked for.
    everybody = replace(asked, by=("service_class", "statutory"), cohort=None, service_classes=None)
    _, *groups = await _counted(database, everybody)
    rows = {(group.keys["service_class"], group.keys["statutory"]): AttainmentRow.of(group) for group in groups}
    none = AttainmentRow.of(_NOTHING)
    ratios = [row.ratio_due for (_, statutory), row in rows.items() if statutory and row.ratio_due is not None]
    classes = [
        _fairness(name, rows.get((name, True), none), rows.get((name, False), none), max(ratios, default=None))
        for name in CLASSES
        if not asked.service_classes or name in asked.service_classes
    ]
    if csv:
        return _fairness_csv(classes, lang)
    return json_answer(
        FairnessOut.model_validate(
            {
                "as_of": asked.as_of,
                **period(asked.since, asked.until),
                "definition": ATTAINMENT_DEFINITION,
                "classes": classes,
            }
        )
    )


def _fairness(name: str, statutory: AttainmentRow, promised: AttainmentRow, best: float | None) -> FairnessRow:
    ratio = statutory.ratio_due
    keys = {"service_class": name}
    return FairnessRow(
        service_class=name,
        statutory=statutory.model_copy(update={**keys, "statutory": True}),
        promised=promised.model_copy(update={**keys, "statutory": False}),
        statutory_kept=None if ratio is None else statutory.breached_closed + statutory.breached_open == 0,
        statutory_gap=None if ratio is None or best is None else round(best - ratio, 6),
    )


def _fairness_csv(classes: list[FairnessRow], lang: Language) -> Response:
    columns = [f"{kind}_{name}" for kind in ("statutory", "promised") for name in ATTAINMENT_FIGURES]
    rows: list[dict[str, Any]] = []
    for row in classes:
        cells = {f"{kind}_{name}": getattr(getattr(row, kind), name)
                 for kind in ("statutory", "promised") for name in ATTAINMENT_FIGURES}  # fmt: skip
        rows.append({**row.model_dump(include={"service_class", "statutory_kept", "statutory_gap"}), **cells})
    return csv_answer("fairness", ["service_class", "statutory_kept", "statutory_gap", *columns], rows, lang=lang)


async def _counted(database: Database, asked: Asked) -> list[Counted]:
    async with database.read() as connection:
        rows = await reports.attainment(await raw_connection(connection), asked, most=MOST_GROUPS)
    refuse_too_many(rows)
    return rows


def refuse_too_many(rows: Sequence[object]) -> None:
    """Raise Unprocessable for more groups than are answered."""
    if len(rows) > MOST_GROUPS:
        raise Unprocessable(
            errors=[FieldError("/query/cohort", "too-many-groups", f"at most {MOST_GROUPS} groups: shorten the period")]
        )
