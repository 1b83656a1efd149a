"""Recalculations in the database: the cases selected, what was found of their clocks, what was superseded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from services.crisis.domain.recalculating import Difference, Past, Reading
from services.crisis.domain.sla.clock import Clock
from services.crisis.store.merges import absorbed_by
from services.crisis.store.rows import Table, columns

_INSTANT = TIMESTAMP(timezone=True)
_READING: Final = ("policy", "due", "held", "breached", "result")
_FINDING: Final = Table(
    "recalculation_finding",
    columns(
        "job_id text, case_id text, clock_id text, cycle integer, target text, matter_id text, recorded integer,"
        "outcome text, policy_before text, due_before timestamptz, held_before boolean, breached_before timestamptz,"
        "result_before text, policy_after text, due_after timestamptz, held_after boolean, breached_after timestamptz,"
        "result_after text"
    ),
    ("job_id", "case_id", "clock_id", "cycle"),
)
_SUPERSEDED: Final = Table(
    "superseded_result",
    columns(
        "case_id text, clock_id text, cycle integer, superseded_by text, superseded_at timestamptz, target text,"
        "policy text, due_at timestamptz, held boolean, breached_at timestamptz, result text"
    ),
    ("clock_id", "cycle", "superseded_by"),
)
_TYPES: Final[dict[str, Any]] = {"timestamptz": _INSTANT, "integer": sa.Integer, "boolean": sa.Boolean}
FINDINGS: Final = sa.table(
    _FINDING.name, *(sa.column(name, _TYPES.get(kind, sa.Text)) for name, kind in _FINDING.columns.items())
)
SUPERSEDED: Final = sa.table(
    _SUPERSEDED.name, *(sa.column(name, _TYPES.get(kind, sa.Text)) for name, kind in _SUPERSEDED.columns.items())
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases. None does not bound; `closed_too` adds closed ones, else only open ones are meant.

    An id of a case that was merged selects the one that goes on.
    `policies` and `calendars` select cases with a clock on any version of one of each; `touching` those with a clock on
    any of these policies or calendars.
    """

    policies: Sequence[str] | None = None
    calendars: Sequence[str] | None = None
    service_classes: Sequence[str] | None = None
    case_ids: Sequence[str] | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    closed_too: bool = False
    touching: tuple[Sequence[str], Sequence[str]] | None = None


_ON_POLICY: Final = "exists (select from unnest({0}::text[]) key where starts_with(c.pin, key || '@')"
_ON_POLICY_NOW: Final = " or starts_with(c.policy, key || '@'))"
_OF_IDS: Final = """
k.id in (
    with recursive meant (id) as (
        select unnest({0}::text[])
        union select c.merged_into from meant join crisis_case c on c.id = meant.id where c.merged_into is not null
    ) select id from meant
)
"""
_ON_CALENDAR: Final = (
    "exists (select from unnest({0}::text[]) key where strpos(c.pin || c.policy, ';' || key || '@') > 0)"
)


async def select_cases(
    raw: "asyncpg.Connection[asyncpg.Record]", selection: Selection, *, after: str, limit: int
) -> list[tuple[str, str]]:
    """Ids of cases and their customers, in order of the cases' ids, those after one."""
    where, values = _condition(selection)
    rows = await raw.fetch(
        f"select k.id, k.customer_id from crisis_case k where {where} and k.id > ${len(values) + 1}"
        f" order by k.id limit ${len(values) + 2}",
        *values,
        after,
        limit,
    )
    return [(row["id"], row["customer_id"]) for row in rows]


async def count_cases(raw: "asyncpg.Connection[asyncpg.Record]", selection: Selection) -> int:
    """How many cases are selected."""
    where, values = _condition(selection)
    return int(await raw.fetchval(f"select count(*) from crisis_case k where {where}", *values))


def _condition(selection: Selection) -> tuple[str, list[Any]]:
    values: list[Any] = []

    def bound(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    terms = ["k.status in ('open', 'closed')" if selection.closed_too else "k.status = 'open'"]
    for column, operator, value in (
        ("k.opened_at", ">=", selection.opened_from),
        ("k.opened_at", "<", selection.opened_to),
    ):
        if value is not None:
            terms.append(f"{column} {operator} {bound(value)}")
    if selection.service_classes is not None:
        terms.append(f"k.service_class = any({bound(list(selection.service_classes))}::text[])")
    if selection.case_ids is not None:
        terms.append(_OF_IDS.format(bound(list(selection.case_ids))))
    clocks = []
    if selection.policies is not None:
        clocks.append((_ON_POLICY + _ON_POLICY_NOW).format(bound(list(selection.policies))))
    if selection.calendars is not None:
        clocks.append(_ON_CALENDAR.format(bound(list(selection.calendars))))
    if selection.touching is not None:
        policies, calendars = (bound(list(keys)) for keys in selection.touching)
        clocks.append(f"({(_ON_POLICY + _ON_POLICY_NOW).format(policies)} or {_ON_CALENDAR.format(calendars)})")
    if clocks:
        terms.append(f"exists (select from clock c where c.case_id = k.id and {' and '.join(clocks)})")
    return " and ".join(terms), values


async def load_past(raw: "asyncpg.Connection[asyncpg.Record]", clocks: Iterable[Clock]) -> dict[str, Past]:
    """What is stored of the cycles before the present one, by clock."""
    wanted = [clock.id for clock in clocks if clock.state is not None and clock.state.cycle > 1]
    found: dict[str, dict[int, Reading]] = defaultdict(dict)
    for row in await raw.fetch("select * from past_cycle where clock_id = any($1::text[])", wanted) if wanted else ():
        found[row["clock_id"]][row["cycle"]] = Reading(
            row["policy"], row["due_at"], is_held=False, breached_at=row["breached_at"], result=row["result"]
        )
    return dict(found)


@dataclass(frozen=True, slots=True)
class Found:
    """A difference of a clock and what became of it."""

    clock: Clock
    difference: Difference
    outcome: str


async def save_findings(raw: "asyncpg.Connection[asyncpg.Record]", job_id: str, found: Sequence[Found]) -> None:
    """Keep what a job found with the job."""
    await _FINDING.insert(
        raw,
        [
            (
                job_id,
                one.clock.case_id,
                one.clock.id,
                one.difference.cycle,
                one.clock.target,
                one.clock.matter_id,
                one.difference.recorded,
                one.outcome,
                *_cells(one.difference.before),
                *_cells(one.difference.after),
            )
            for one in found
        ],
    )


async def save_superseded(
    raw: "asyncpg.Connection[asyncpg.Record]", job_id: str, now: datetime, found: Sequence[Found]
) -> None:
    """Keep for ever what was said of these cycles before."""
    rows = []
    for one in found:
        before = one.difference.before
        if before is not None:
            told = (before.policy, before.due_at, before.is_held, before.breached_at, before.result)
            clock = one.clock
            rows.append((clock.case_id, clock.id, one.difference.cycle, job_id, now, clock.target, *told))
    await _SUPERSEDED.insert(raw, rows)


def clocks_ever_of(case_id: str) -> sa.CompoundSelect[Any]:
    """Ids of the clocks that a case has, and of those whose results were superseded while it had them."""
    clock = sa.table("clock", sa.column("id"), sa.column("case_id"))
    then = sa.select(SUPERSEDED.c.clock_id).where(SUPERSEDED.c.case_id == case_id)
    return sa.select(clock.c.id).where(clock.c.case_id == case_id).union(then)


async def load_findings(
    raw: "asyncpg.Connection[asyncpg.Record]", job_id: str, case_ids: Sequence[str]
) -> Mapping[str, Sequence[Difference]]:
    """What a job found of these cases, and of those for which they go on, by clock, in the order of cycles."""
    found: dict[str, list[Difference]] = defaultdict(list)
    for row in await raw.fetch(
        "select * from recalculation_finding where job_id = $1 and case_id = any($2::text[]) order by clock_id, cycle",
        job_id,
        [*case_ids, *await absorbed_by(raw, case_ids)],
    ):
        found[row["clock_id"]].append(
            Difference(row["clock_id"], row["cycle"], row["recorded"], _reading(row, "before"), _reading(row, "after"))
        )
    return found


def _cells(reading: Reading | None) -> tuple[Any, ...]:
    if reading is None:
        return (None,) * len(_READING)
    return reading.policy, reading.due_at, reading.is_held, reading.breached_at, reading.result


def _reading(row: asyncpg.Record, side: str) -> Reading | None:
    policy, due, held, breached, result = (row[f"{name}_{side}"] for name in _READING)
    return None if policy is None else Reading(policy, due, is_held=held, breached_at=breached, result=result)
