"""Reading for people: one statement a list, flat rows, no case files."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from services.crisis.domain.sla.statutes import Obligation, Owed, obligations
from services.crisis.domain.timeline import Entry
from services.crisis.domain.waiting import Wait
from services.crisis.store.load import load_waits, wait_of
from services.crisis.store.rows import read

_INSTANT = TIMESTAMP(timezone=True)
CASES: Final = sa.table(
    "crisis_case",
    sa.column("id", sa.Text),
    sa.column("number", sa.Text),
    sa.column("customer_id", sa.Text),
    sa.column("type", sa.Text),
    sa.column("severity", sa.Text),
    sa.column("stage", sa.Text),
    sa.column("status", sa.Text),
    sa.column("service_class", sa.Text),
    sa.column("owner", sa.Text),
    sa.column("opened_at", _INSTANT),
    sa.column("explanation", JSONB),
)
MUTED: Final = sa.table(
    "trigger_event",
    sa.column("source", sa.Text),
    sa.column("event_id", sa.Text),
    sa.column("type", sa.Text),
    sa.column("customer_id", sa.Text),
    sa.column("recorded_at", _INSTANT),
    sa.column("outcome", sa.Text),
    sa.column("reason", sa.Text),
    sa.column("rule", sa.Text),
)
CANDIDATES: Final = sa.table(
    "candidate",
    sa.column("id", sa.Text),
    sa.column("event_id", sa.Text),
    sa.column("customer_id", sa.Text),
    sa.column("rule", sa.Text),
    sa.column("event", JSONB),
    sa.column("state", sa.Text),
    sa.column("created_at", _INSTANT),
    sa.column("decided_at", _INSTANT),
    sa.column("decided_by", sa.Text),
    sa.column("reason", sa.Text),
)
_MOST_TRIGGERS: Final = 100


async def cases_by_id(raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str]) -> list[dict[str, Any]]:
    """Whole cases in the order of `ids`, each with its matters, first triggers, escalation and open waits."""
    rows = await raw.fetch("select * from crisis_case where id = any($1::text[])", list(ids))
    cases = {row["id"]: dict(row) for row in rows}
    customers = [row["customer_id"] for row in rows]
    matters = await raw.fetch(
        "select * from matter where customer_id = any($1::text[]) and case_id = any($2::text[]) order by id",
        customers,
        list(cases),
    )
    triggers = await _triggers(raw, customers, list(cases))
    owed = await _obligations(raw, [row["case_id"] for row in matters if row["regulated"] is not None])
    runs = await raw.fetch("select * from escalation_run where case_id = any($1::text[])", list(cases))
    waits: dict[str, list[Wait]] = defaultdict(list)
    for wait in await load_waits(raw, customers, list(cases)):
        waits[wait.case_id].append(wait)
    into, merged = await _links(raw, rows)
    grouped: Mapping[str, list[dict[str, Any]]] = _grouped(matters)
    calls = {row["case_id"]: dict(row) for row in runs}
    for id_, case in cases.items():
        case["explanation"] = read(case["explanation"])
        case["assessment"] = read(case["assessment"])
        case["matters"] = grouped.get(id_, [])
        case["triggers"] = triggers.get(id_, [])
        case["escalation"] = calls.get(id_)
        case["obligations"] = owed.get(id_, [])
        case["merged_into"] = into.get(case["merged_into"])
        case["merged_cases"] = merged.get(id_, [])
        case["waits"] = waits.get(id_, [])
    return [cases[id_] for id_ in ids if id_ in cases]


async def _links(
    raw: "asyncpg.Connection[asyncpg.Record]", cases: Sequence[asyncpg.Record]
) -> tuple[Mapping[str, dict[str, Any]], Mapping[str, list[dict[str, Any]]]]:
    """The cases that go on for some of these, by their ids; and those that went up in some of them, by these."""
    rows = await raw.fetch(
        "select id, number, customer_id, merged_into from crisis_case"
        " where id = any($1::text[]) or merged_into = any($2::text[]) order by closed_at, id",
        [row["merged_into"] for row in cases if row["merged_into"] is not None],
        [row["id"] for row in cases],
    )
    link = {row["id"]: {name: row[name] for name in ("id", "number", "customer_id")} for row in rows}
    merged: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["merged_into"] is not None:
            merged[row["merged_into"]].append(link[row["id"]])
    return link, merged


async def _obligations(raw: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[str]) -> Mapping[str, list[Obligation]]:
    """What is owed by contract and by statute in these cases, by case."""
    if not ids:
        return {}
    rows = await raw.fetch(
        "select case_id, id, matter_id, target, policy, due_if_resumed_now, statutory from clock"
        " where case_id = any($1::text[]) and stage in ('in_progress', 'paused') order by id",
        list(set(ids)),
    )
    by_case: dict[str, list[Owed]] = defaultdict(list)
    for row in rows:
        by_case[row["case_id"]].append(
            Owed(
                clock_id=row["id"],
                matter_id=row["matter_id"],
                target=row["target"],
                policy=row["policy"],
                due_at=row["due_if_resumed_now"],
                statutory=row["statutory"],
            )
        )
    return {case: list(obligations(clocks)) for case, clocks in by_case.items()}


async def _triggers(
    raw: "asyncpg.Connection[asyncpg.Record]", customers: Sequence[str], ids: Sequence[str]
) -> Mapping[str, list[dict[str, Any]]]:
    rows = await raw.fetch(
        """
        select * from (
            select case_id, source, event_id, type, at, summary, outcome, matter_id, rule,
                   row_number() over (partition by case_id order by recorded_at, event_id) as place
            from trigger_event where customer_id = any($1::text[]) and case_id = any($2::text[])
        ) as numbered where place <= $3 order by case_id, place
        """,
        list(customers),
        list(ids),
        _MOST_TRIGGERS,
    )
    return _grouped(rows)


def _grouped(rows: Sequence[asyncpg.Record]) -> Mapping[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["case_id"]].append(dict(row))
    return grouped


async def waits_of(raw: "asyncpg.Connection[asyncpg.Record]", case_id: str) -> list[Wait]:
    """All waits of a case, open and ended, in the order in which they began."""
    rows = await raw.fetch("select * from wait where case_id = $1 order by since, id", case_id)
    return [wait_of(row) for row in rows]


async def timeline_of(
    raw: "asyncpg.Connection[asyncpg.Record]",
    case_id: str,
    *,
    after: int = 0,
    limit: int | None = None,
    kind: str | None = None,
) -> list[Entry]:
    """Entries of a case in their order, those after a sequence number."""
    rows = await raw.fetch(
        "select * from timeline where case_id = $1 and seq > $2 and ($4::text is null or kind = $4)"
        " order by seq limit $3",
        case_id,
        after,
        limit,
        kind,
    )
    return [
        Entry(
            seq=row["seq"],
            at=row["at"],
            recorded_at=row["recorded_at"],
            kind=row["kind"],
            actor=row["actor"],
            summary=row["summary"],
            data=read(row["data"]),
            salt=row["salt"],
            digest=row["digest"],
            previous_hash=row["previous_hash"],
            hash=row["hash"],
        )
        for row in rows
    ]


class Correction(NamedTuple):
    """The entry that says that another no longer holds, and in the timeline of which case it is."""

    seq: int
    case_id: str


_CORRECTIONS: Final = """
with recursive path (id, depth) as (
    select $1::text, 0 union all
    select c.merged_into, depth + 1 from path join crisis_case c using (id) where c.merged_into is not null
)
select distinct on (said.seq) said.seq, c.seq as by_seq, c.case_id as by_case
from path join timeline c on c.case_id = path.id and c.kind = 'clock.corrected'
join timeline said on said.case_id = $1 and said.seq = any($2::bigint[]) and (path.depth > 0 or c.seq > said.seq)
    and c.data->>'clock_id' = said.data->>'clock_id' and c.data->'cycle' = said.data->'cycle'
where said.kind = 'clock.breached' and c.data->>'corrects' = 'breached'
    or said.kind = 'clock.warned' and c.data->'thresholds' ? (said.data->>'threshold')
order by said.seq, path.depth, c.seq
"""


async def corrections_of(
    raw: "asyncpg.Connection[asyncpg.Record]", case_id: str, seqs: Sequence[int]
) -> dict[int, Correction]:
    """Warnings and breaches among these entries that no longer hold, each with the first entry that corrects it.

    What was told before a merge may be corrected in the case that goes on, or in one on the way to it.
    """
    rows = await raw.fetch(_CORRECTIONS, case_id, list(seqs))
    return {row["seq"]: Correction(row["by_seq"], row["by_case"]) for row in rows}


async def case_exists(raw: "asyncpg.Connection[asyncpg.Record]", case_id: str) -> bool:
    return bool(await raw.fetchval("select exists (select from crisis_case where id = $1)", case_id))
