"""Reading case files: everything that a transaction may change of some customers, in a few statements."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.crisis.domain.case import Case, Matter
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import BreachCause, Result, Stage
from services.crisis.domain.customer import ClassSince, Customer
from services.crisis.domain.escalation import About, Run
from services.crisis.domain.sla.clock import Clock, State
from services.crisis.domain.timeline import Tail
from services.crisis.domain.waiting import Wait
from services.crisis.store.clock_events import load_records
from services.crisis.store.rows import read
from services.crisis.store.tables import CASE_COLUMNS, MATTER, STATE_COLUMNS, WAIT

Raw = "asyncpg.Connection[asyncpg.Record]"
ClockFilter = Callable[[Clock], bool]
"""Which clocks are loaded with their events; the others cannot be changed."""
_CASE: Final = """
select c.*, (select recorded_at from timeline where case_id = c.id and seq = c.timeline_seq) from crisis_case c
"""
_CUSTOMERS: Final = "select c.id as asked, c.* from customer c where c.id = any($1::text[])"
_REMAINING: Final = """
select a.id as asked, c.* from customer_alias a join customer c on c.id = a.into_id where a.id = any($1::text[])
"""
_STATES: Final = len(STATE_COLUMNS)
"""The columns of the state come first, in the order of its fields."""
_CLOCKS: Final = (
    f"select {', '.join(STATE_COLUMNS)}, id, case_id, matter_id, customer_id, target, pin, policy, recorded, told,"
    " round from clock where case_id = any($1::text[]) order by id"
)
_STAGES: Final = {stage.value: stage for stage in Stage}
_RESULTS: Final = {result.value: result for result in Result}
_NOTHING: Final[frozenset[str]] = frozenset()


async def load_customers(raw: "asyncpg.Connection[asyncpg.Record]", ids: Iterable[str]) -> dict[str, Customer]:
    """The customers as they are known; one that is not is there at version 0, with the default class.

    One that was merged into another is what is known of that one: whatever is open under the old id follows it.
    """
    known = await load_projections(raw, ids)
    return known | {row["asked"]: _customer(row) for row in await raw.fetch(_REMAINING, list(known))}


async def load_projections(raw: "asyncpg.Connection[asyncpg.Record]", ids: Iterable[str]) -> dict[str, Customer]:
    """What was told of exactly these ids; nothing yet is version 0."""
    wanted = list(ids)
    found = {row["asked"]: _customer(row) for row in await raw.fetch(_CUSTOMERS, wanted)}
    return {customer: found.get(customer) or Customer(customer) for customer in wanted}


async def load_open_files(
    raw: "asyncpg.Connection[asyncpg.Record]",
    customers: Mapping[str, Customer],
    *,
    clocks_for: Iterable[str] = (),
    events_of: ClockFilter = lambda _: True,
) -> dict[str, CaseFile]:
    """The open cases by customer id; with clocks for those in `clocks_for`, and where all matters are resolved."""
    rows = await raw.fetch(f"{_CASE} where customer_id = any($1::text[]) and status = 'open'", list(customers))
    wanted = set(clocks_for)
    files = await _files(raw, rows, customers, clocks_for=wanted, events_of=events_of)
    return {file.case.customer_id: file for file in files}


async def load_file(raw: "asyncpg.Connection[asyncpg.Record]", case_id: str) -> CaseFile | None:
    """One case whatever its status, with all its clocks and their events; None where there is none."""
    return next(iter(await load_files(raw, [case_id])), None)


async def load_files(raw: "asyncpg.Connection[asyncpg.Record]", case_ids: Sequence[str]) -> list[CaseFile]:
    """These cases whatever their status, in order of their ids, with all their clocks and events."""
    rows = await raw.fetch(f"{_CASE} where c.id = any($1::text[]) order by c.id", list(case_ids))
    ids = {row["customer_id"] for row in rows}
    customers = await load_customers(raw, ids)
    return await _files(raw, rows, customers, clocks_for=ids, events_of=lambda _: True)


async def customer_of_case(raw: "asyncpg.Connection[asyncpg.Record]", case_id: str) -> str | None:
    """Whom to lock before a case is touched."""
    found: str | None = await raw.fetchval("select customer_id from crisis_case where id = $1", case_id)
    return found


async def load_clocks(
    raw: "asyncpg.Connection[asyncpg.Record]", case_ids: Sequence[str], events_of: ClockFilter
) -> dict[str, list[Clock]]:
    """Clocks by case id, in the order in which they were made."""
    clocks = [_clock(row) for row in await raw.fetch(_CLOCKS, list(case_ids))]
    await load_records(raw, [clock for clock in clocks if events_of(clock)])
    by_case: dict[str, list[Clock]] = defaultdict(list)
    for clock in clocks:
        by_case[clock.case_id].append(clock)
    return by_case


async def customers_waiting(raw: "asyncpg.Connection[asyncpg.Record]", ids: Iterable[str]) -> set[str]:
    """Those of these customers in whose case a wait is open."""
    rows = await raw.fetch(
        "select asked.id from unnest($1::text[]) as asked (id), lateral"
        " (select from wait where customer_id = asked.id and ended_at is null limit 1) as found",
        list(ids),
    )
    return {row["id"] for row in rows}


async def load_waits(
    raw: "asyncpg.Connection[asyncpg.Record]", customers: Sequence[str], case_ids: Sequence[str]
) -> list[Wait]:
    """The open waits of these cases, in the order in which they were made."""
    rows = await raw.fetch(
        "select * from wait where customer_id = any($1::text[]) and case_id = any($2::text[]) and ended_at is null"
        " order by id",
        list(customers),
        list(case_ids),
    )
    return [wait_of(row) for row in rows]


def wait_of(row: asyncpg.Record) -> Wait:
    fields: dict[str, Any] = {name: row[name] for name in WAIT.columns}
    fields["name"] = read(fields["name"])
    return Wait(**fields)


async def _files(
    raw: "asyncpg.Connection[asyncpg.Record]",
    rows: Sequence[asyncpg.Record],
    customers: Mapping[str, Customer],
    *,
    clocks_for: set[str],
    events_of: ClockFilter,
) -> list[CaseFile]:
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    matters: dict[str, dict[str, Matter]] = defaultdict(dict)
    for row in await raw.fetch(
        "select * from matter where customer_id = any($1::text[]) and case_id = any($2::text[]) order by id",
        [row["customer_id"] for row in rows],
        ids,
    ):
        matter = Matter(**{name: row[name] for name in MATTER.columns})
        matters[matter.case_id][matter.id] = matter
    runs = {
        row["case_id"]: _run(row)
        for row in await raw.fetch("select * from escalation_run where case_id = any($1::text[])", ids)
    }
    waits: dict[str, dict[str, Wait]] = defaultdict(dict)
    for wait in await load_waits(raw, [row["customer_id"] for row in rows], ids):
        waits[wait.case_id][wait.id] = wait
    # Whatever joins a case whose matters are all resolved makes its own clocks run again.
    complete = {row["id"] for row in rows if row["customer_id"] in clocks_for or row["resolved_at"] is not None}
    with_clocks = [row["id"] for row in rows if row["id"] in complete]
    clocks = await load_clocks(raw, with_clocks, events_of) if with_clocks else {}
    return [
        CaseFile(
            case=_case(row),
            customer=customers[row["customer_id"]],
            matters=matters[row["id"]],
            clocks=clocks.get(row["id"], []),
            clocks_loaded=row["id"] in complete,
            run=runs.get(row["id"]),
            waits=waits.get(row["id"], {}),
            tail=Tail(row["timeline_seq"], row["timeline_hash"]),
            next_clock_at=row["next_clock_at"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
    ]


def _case(row: asyncpg.Record) -> Case:
    fields: dict[str, Any] = {name: row[name] for name in CASE_COLUMNS}
    fields["explanation"] = read(fields["explanation"])
    fields["assessment"] = read(fields["assessment"])
    return Case(**fields)


def _clock(row: asyncpg.Record) -> Clock:
    cycle, stage, result, has_breached, breach_cause, *rest = row[:_STATES]
    id_, case_id, matter_id, customer_id, target, pin, policy, recorded, told, round_ = row[_STATES:]
    state = State(
        cycle,
        _STAGES[stage],
        _RESULTS[result],
        has_breached,
        None if breach_cause is None else BreachCause(breach_cause),
        *rest,
    )
    return Clock(
        id=id_,
        case_id=case_id,
        matter_id=matter_id,
        customer_id=customer_id,
        target=target,
        pin=pin,
        policy=policy,
        recorded=recorded,
        state=state,
        told=_NOTHING if told == "[]" else frozenset(read(told)),
        round=round_,
    )


def _run(row: asyncpg.Record) -> Run:
    about = read(row["about"])
    due = about["due_at"]
    return Run(
        id=row["id"],
        case_id=row["case_id"],
        state=row["state"],
        level=row["level"],
        step=row["step"],
        repeat=row["repeat"],
        started_at=row["started_at"],
        raised_at=row["raised_at"],
        next_at=row["next_at"],
        reason=row["reason"],
        about=About(
            about["clock_id"], about["matter_id"], about["target"], None if due is None else datetime.fromisoformat(due)
        ),
    )


def _customer(row: asyncpg.Record) -> Customer:
    return Customer(
        id=row["asked"],
        version=row["version"],
        name=row["name"],
        segment=row["segment"],
        region=row["region"],
        account_manager=row["account_manager"],
        service_class=row["service_class"],
        class_source=row["class_source"],
        revenue_currency=row["revenue_currency"],
        revenue_at_least=row["revenue_at_least"],
        risk_flags=tuple(read(row["risk_flags"])),
        history=tuple(
            ClassSince(step["service_class"], datetime.fromisoformat(step["since"])) for step in read(row["history"])
        ),
    )
