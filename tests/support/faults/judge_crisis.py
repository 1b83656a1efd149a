"""Crisis after a crash run: every event in one case or mute record, clocks, timers and timelines each once."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import orjson

from services.commands.names import ServiceName
from services.crisis.domain.sla.clock import State, fold_clock
from services.crisis.domain.timeline import Entry, first_break
from services.crisis.library import Library
from services.crisis.store.load import load_customers, load_open_files
from tests.support.faults.evidence import Evidence, Row, Verdict, repeated

CRISIS = ServiceName.CRISIS
TRIGGERS = ("complaint.received", "complaint.updated", "complaint.withdrawn", "opinion.mentioned")


async def judge_crisis(evidence: Evidence, verdict: Verdict, *, written: set[str]) -> None:
    """Look at everything that crisis keeps and has told. `written` are texts that people were promised to find."""
    await _triggers(evidence, verdict)
    await _cases(evidence, verdict)
    await _clocks(evidence, verdict)
    await _folds(evidence, verdict)
    await _timers(evidence, verdict)
    await _timelines(evidence, verdict, written)
    await _told(evidence, verdict)


async def _triggers(evidence: Evidence, verdict: Verdict) -> None:
    """Each complaint and mention, and each change of tier, ended in exactly one place."""
    rows = await evidence.rows(CRISIS, "select * from trigger_event")
    facts = {
        (e.event.source, e.event.id)
        for e in evidence.of_type(*(f"customer.{kind}.v1" for kind in TRIGGERS), "scoring.tier.changed.v1")
    }
    verdict.same("trigger events and their ends", facts, ((row["source"], row["event_id"]) for row in rows))
    cases = {row["id"] for row in await evidence.rows(CRISIS, "select id from crisis_case")}
    matters = {row["id"] for row in await evidence.rows(CRISIS, "select id from matter")}
    verdict.none(
        "trigger event in a case that is not there",
        [row["event_id"] for row in rows if row["case_id"] is not None and row["case_id"] not in cases],
    )
    verdict.none(
        "trigger event in a matter that is not there",
        [row["event_id"] for row in rows if row["matter_id"] is not None and row["matter_id"] not in matters],
    )
    complaints = evidence.of_type("customer.complaint.received.v1")
    references = Counter(
        row["reference"] for row in await evidence.rows(CRISIS, "select reference from matter where type = 'complaint'")
    )
    verdict.none(
        "complaint without exactly one matter",
        [e.data["complaint_id"] for e in complaints if references[e.data["complaint_id"]] != 1],
    )
    opened = Counter(row["case_id"] for row in rows if row["outcome"] == "opened")
    verdict.none("case not opened by exactly one event", [case for case in cases if opened[case] != 1])


async def _cases(evidence: Evidence, verdict: Verdict) -> None:
    rows = await evidence.rows(CRISIS, "select id, number, customer_id, status from crisis_case")
    verdict.none("second open case of a customer", repeated(r["customer_id"] for r in rows if r["status"] == "open"))
    verdict.none("case number given twice", repeated(row["number"] for row in rows))
    verdict.none(
        "case of a customer who has none to have",
        [r["id"] for r in rows if r["status"] not in ("open", "dismissed", "closed")],
    )
    projected = {
        row["id"]: (row["service_class"], row["name"])
        for row in await evidence.rows(CRISIS, "select id, service_class, name from customer")
    }
    last = {id_: event.data for id_, event in evidence.latest("scoring.customer.snapshot.v1").items()}
    verdict.same(
        "customers as crisis knows them and as scoring told",
        ((id_, *fields) for id_, fields in projected.items()),
        ((id_, data["service_class"], data["name"]) for id_, data in last.items()),
    )


async def _clocks(evidence: Evidence, verdict: Verdict) -> None:
    """Clock events are numbered without gap, with one start; each clock was told of once per thing that happened."""
    rows = await evidence.rows(
        CRISIS,
        "select c.id, c.recorded, c.cycle, c.has_breached, c.warnings, count(e.seq) as n, max(e.seq) as last,"
        " count(*) filter (where e.type = 'start') as starts"
        " from clock c left join clock_event e on e.clock_id = c.id group by c.id",
    )
    verdict.none(
        "clock whose events are not numbered 1 to n with one start",
        [row["id"] for row in rows if not (row["recorded"] == row["n"] == row["last"] and row["starts"] == 1)],
    )
    verdict.none(
        "clock event of no clock",
        await evidence.rows(
            CRISIS, "select clock_id from clock_event where not exists (select from clock where id = clock_id)"
        ),
    )
    told: Counter[tuple[str, str, int, str | None]] = Counter()
    for event in evidence.events:
        if event.event.type.startswith("crisis.clock."):
            what = event.event.type.split(".")[2]
            place = (event.data["clock_id"], event.data["cycle"])
            if what == "corrected":  # takes back what was told, after somebody acted in time and we heard of it late
                told["breached", *place, None] -= int(event.data["had_breached"] and not event.data["has_breached"])
                for threshold in event.data["thresholds"]:
                    told["warned", *place, threshold] -= 1
            else:
                told[what, *place, event.data.get("threshold")] += 1
    once = ("started", "warned", "breached", "met", "cancelled")
    verdict.none("clock event told twice", [key for key, n in told.items() if key[0] in once and n > 1])
    verdict.same("clocks and their start as told", (r["id"] for r in rows), (k[1] for k in told if k[0] == "started"))
    verdict.same(
        "breached clocks and breaches told",
        (row["id"] for row in rows if row["has_breached"]),
        (key[1] for key, count in told.items() if key[0] == "breached" and count == 1),
    )


async def _folds(evidence: Evidence, verdict: Verdict) -> None:
    """What stands on a clock's row is what its recorded events fold to."""
    raw = evidence.databases[CRISIS]
    now = await evidence.value(CRISIS, "select clock_timestamp()")
    ids = [row["customer_id"] for row in await evidence.rows(CRISIS, "select customer_id from crisis_case")]
    customers = await load_customers(raw, ids)
    files = await load_open_files(raw, customers, clocks_for=customers)
    library = Library()
    await library.books(raw)
    await library.know(raw, files.values())
    promises = (await library.books(raw)).promises
    wrong: list[Any] = []
    for file in files.values():
        for clock in file.clocks:
            folded = State.of(fold_clock(clock, promises, now)[-1])
            there = clock.state
            assert there is not None
            wrong += [
                (clock.id, clock.target, name, getattr(there, name), getattr(folded, name))
                for name in ("cycle", "stage", "result", "has_breached", "breached_at", "due_at", "stopped_at")
                if getattr(folded, name) != getattr(there, name)
            ]
    verdict.none("clock that stands otherwise than its events say", wrong)


async def _timers(evidence: Evidence, verdict: Verdict) -> None:
    """Each open case has exactly the timers that it waits for; none failed."""
    timers = await evidence.rows(CRISIS, "select kind, key, due_at, last_error, attempts from timer")
    wanted: set[tuple[Any, ...]] = set()
    cases = "select id, next_clock_at from crisis_case where status = 'open' and next_clock_at is not null"
    for row in await evidence.rows(CRISIS, cases):
        wanted.add(("clocks", row["id"], row["next_clock_at"]))
    runs = (
        "select case_id, next_at from escalation_run r join crisis_case c on c.id = r.case_id"
        " where c.status = 'open' and next_at is not null"
    )
    for row in await evidence.rows(CRISIS, runs):
        wanted.add(("escalation", row["case_id"], row["next_at"]))
    for row in await evidence.rows(CRISIS, "select * from wait where ended_at is null"):
        key = f"{row['case_id']}/{row['matter_id'] or '-'}/{row['reason']}"
        wanted.add(("continue", key, row["ends_at"]))
    verdict.same("timers wanted and there", wanted, ((t["kind"], t["key"], t["due_at"]) for t in timers))
    verdict.none("timer that failed", [t for t in timers if t["last_error"] is not None])


async def _timelines(evidence: Evidence, verdict: Verdict, written: set[str]) -> None:
    """Chains verify; nothing was written twice; what people were promised is there once."""
    rows = await evidence.rows(CRISIS, "select * from timeline order by case_id, seq")
    by_case: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_case[row["case_id"]].append(row)
    broken = []
    for case, entries in by_case.items():
        chain = [Entry(**{**_without_case(e), "data": _json(e["data"])}) for e in entries]
        if first_break(chain) is not None:
            broken.append(case)
    verdict.none("timeline whose chain is broken", broken)
    tails = await evidence.rows(CRISIS, "select id, timeline_seq, timeline_hash from crisis_case")
    verdict.same(
        "ends of timelines on the case and in the table",
        ((row["id"], row["timeline_seq"], row["timeline_hash"]) for row in tails),
        ((case, entries[-1]["seq"], entries[-1]["hash"]) for case, entries in by_case.items()),
    )
    data = [(row["case_id"], row["kind"], _json(row["data"]) or {}) for row in rows]
    verdict.none(
        "event that joined a case twice", repeated((c, d["event_id"]) for c, k, d in data if k == "case.joined")
    )
    corrected = {(d["clock_id"], d["cycle"]) for _, k, d in data if k == "clock.corrected"}
    for kind in ("clock.warned", "clock.breached"):
        said_of = [(d["clock_id"], d["cycle"], d["threshold"]) for _, k, d in data if k == kind]
        verdict.none(f"{kind} written twice", [key for key in repeated(said_of) if key[:2] not in corrected])
    back = [
        (case, before["seq"])
        for case, entries in by_case.items()
        for before, after in pairwise(entries)
        if after["recorded_at"] < before["recorded_at"]
    ]
    verdict.none("timeline in which time runs back", back)
    verdict.none(
        "escalation written twice",
        repeated((d["escalation_id"], d["step"], d["repeat"]) for _, k, d in data if k == "escalation.raised"),
    )
    said = Counter(text for row in rows for text in _texts(row) if text in written)
    verdict.none("text of a person not there exactly once", [(t, said[t]) for t in written if said[t] != 1])


async def _told(evidence: Evidence, verdict: Verdict) -> None:
    """Cases, matters and escalations were each told of once."""
    for type_, key, statement in (
        ("crisis.case.opened.v1", "case_id", "select id from crisis_case"),
        ("crisis.matter.opened.v1", "matter_id", "select id from matter"),
    ):
        told = [event.data[key] for event in evidence.of_type(type_)]
        verdict.none(f"{type_} told twice", repeated(told))
        rows = await evidence.rows(CRISIS, statement)
        verdict.same(f"{type_} and what there is", told, (row["id"] for row in rows))
    raised = [
        (e.data["escalation_id"], e.data["step"], e.data["repeat"])
        for e in evidence.of_type("crisis.escalation.raised.v1")
    ]
    verdict.none("escalation told twice", repeated(raised))
    runs = await evidence.rows(CRISIS, "select id, step from escalation_run")
    verdict.none(
        "escalation with steps that were not told",
        [row["id"] for row in runs if {s for i, s, _ in raised if i == row["id"]} != set(range(1, row["step"] + 1))],
    )


def _without_case(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "case_id"}


def _json(value: Any) -> Any:
    return None if value is None else orjson.loads(value)


def _texts(row: Row) -> set[str]:
    """Everything said in an entry, word for word."""
    found = {row["summary"] or ""}
    for value in (_json(row["data"]) or {}).values():
        if isinstance(value, str):
            found.add(value)
    return {part for text in found for part in (text, text.rpartition(": ")[2])}
