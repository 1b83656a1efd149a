"""Writing case files: what changed, set-based, with the timers that follow from it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.customer import Customer
from services.crisis.domain.intake import Taken
from services.crisis.domain.timeline import instant_text
from services.crisis.store.past_cycles import save_past_cycles
from services.crisis.store.rows import text_of
from services.crisis.store.tables import (
    CASE,
    CLOCK,
    CLOCK_EVENT,
    MATTER,
    RUN,
    TIMELINE,
    TRIGGER_EVENT,
    WAIT,
    case_row,
    clock_event_row,
    clock_row,
    entry_row,
    matter_row,
    run_row,
    wait_row,
)
from shared.db.unit_of_work import UnitOfWork
from shared.timers.plan import Timer

CLOCKS_TIMER: Final = "clocks"
ESCALATION_TIMER: Final = "escalation"
CONTINUE_TIMER: Final = "continue"
"""One timer per case for each of the first two: it stands at the next instant at which time alone changes something."""


async def save_files(work: UnitOfWork, files: Iterable[CaseFile]) -> None:
    """Write everything that changed in these files and plan their timers. A file is saved once."""
    touched = [file for file in files if file.is_new or file.entries or file.facts or _changed(file)]
    for file in touched:
        _plan(work, file)
    raw = work.raw
    await CASE.insert(raw, [case_row(file) for file in touched if file.is_new])
    # The tail of the timeline and the next instant of the clocks live on the case.
    await CASE.update(raw, [case_row(file) for file in touched if not file.is_new])
    new_matters = [(f, m) for f in touched for m, is_new in f.changed_matters.items() if is_new]
    old_matters = [(f, m) for f in touched for m, is_new in f.changed_matters.items() if not is_new]
    await MATTER.insert(raw, [matter_row(file.matters[matter]) for file, matter in new_matters])
    await MATTER.update(raw, [matter_row(file.matters[matter]) for file, matter in old_matters])
    clocks = [clock for file in touched for clock in file.clocks]
    await CLOCK.insert(raw, [clock_row(clock) for clock in clocks if clock.is_new])
    await CLOCK.update(
        raw, [clock_row(clock) for clock in clocks if not clock.is_new and (clock.has_changed or clock.unsaved)]
    )
    await CLOCK_EVENT.insert(raw, [clock_event_row(clock, record) for clock in clocks for record in clock.unsaved])
    await save_past_cycles(raw, [clock for clock in clocks if clock.past is not None])
    new_waits = [(f, w) for f in touched for w, is_new in f.changed_waits.items() if is_new]
    old_waits = [(f, w) for f in touched for w, is_new in f.changed_waits.items() if not is_new]
    await WAIT.update(raw, [wait_row(file.waits[wait]) for file, wait in old_waits])
    await WAIT.insert(raw, [wait_row(file.waits[wait]) for file, wait in new_waits])
    await TIMELINE.insert(raw, [entry_row(file.case.id, entry) for file in touched for entry in file.entries])
    await _save_runs(raw, [file for file in touched if file.run_changed])


def _changed(file: CaseFile) -> bool:
    return bool(
        file.has_changed
        or file.changed_matters
        or file.changed_waits
        or file.run_changed
        or any(clock.has_changed or clock.unsaved for clock in file.clocks)
    )


def _plan(work: UnitOfWork, file: CaseFile) -> None:
    case = file.case
    upcoming = file.plan_clocks()
    if file.is_new or upcoming != file.next_clock_at:
        file.next_clock_at = upcoming
        if upcoming is not None:
            work.plan(Timer(CLOCKS_TIMER, case.id, case.customer_id, upcoming))
        elif not file.is_new:
            work.cancel(CLOCKS_TIMER, case.id)
    for wait in sorted((file.waits[id_] for id_ in file.changed_waits), key=lambda wait: wait.is_open):
        # Ended ones first: another for the same reason has the same timer.
        key = f"{case.id}/{wait.matter_id or '-'}/{wait.reason}"
        details = {"case_id": case.id, "matter_id": wait.matter_id, "waiting_for": wait.reason}
        if wait.is_open:
            work.plan(Timer(CONTINUE_TIMER, key, case.customer_id, wait.ends_at, details))
        else:
            work.cancel(CONTINUE_TIMER, key)
    if file.run_changed and file.run is not None:
        if file.run.next_at is not None:
            work.plan(Timer(ESCALATION_TIMER, case.id, case.customer_id, file.run.next_at))
        else:
            work.cancel(ESCALATION_TIMER, case.id)


async def _save_runs(raw: "asyncpg.Connection[asyncpg.Record]", files: Sequence[CaseFile]) -> None:
    fresh = [file.run for file in files if file.run is not None and file.run_is_new]
    known = [file.run for file in files if file.run is not None and not file.run_is_new]
    await RUN.insert(raw, [run_row(run) for run in fresh])
    await RUN.update(raw, [run_row(run) for run in known])


async def save_taken(work: UnitOfWork, taken: Sequence[Taken]) -> None:
    """Write what became of trigger events."""
    await TRIGGER_EVENT.insert(
        work.raw,
        [
            (
                one.trigger.source,
                one.trigger.event_id,
                one.trigger.type,
                one.trigger.customer_id,
                one.trigger.at,
                work.now,
                one.trigger.summary,
                one.outcome,
                one.case_id,
                one.matter_id,
                one.rule.key if one.rule else None,
                one.rule.version if one.rule else None,
                one.reason,
            )
            for one in taken
        ],
    )


async def save_customers(work: UnitOfWork, customers: Sequence[Customer]) -> None:
    """Write customers whose version rose; an older one never replaces a newer."""
    ordered = sorted(customers, key=lambda customer: customer.id)
    if not ordered:
        return
    columns: list[list[Any]] = [
        [c.id for c in ordered],
        [c.version for c in ordered],
        [c.name for c in ordered],
        [c.segment for c in ordered],
        [c.region for c in ordered],
        [c.account_manager for c in ordered],
        [c.service_class for c in ordered],
        [c.class_source for c in ordered],
        [c.revenue_currency for c in ordered],
        [c.revenue_at_least for c in ordered],
        [text_of(c.risk_flags) for c in ordered],
        [
            text_of([{"service_class": s.service_class, "since": instant_text(s.since)} for s in c.history])
            for c in ordered
        ],
    ]
    await work.raw.execute(_UPSERT_CUSTOMERS, *columns, work.now)


_UPSERT_CUSTOMERS = """
insert into customer as c (id, version, name, segment, region, account_manager, service_class, class_source,
                           revenue_currency, revenue_at_least, risk_flags, history, updated_at)
select id, version, name, segment, region, account_manager, service_class, class_source, revenue_currency,
       revenue_at_least, risk_flags::jsonb, history::jsonb, $13
from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::numeric[], $11::text[], $12::text[])
    as n (id, version, name, segment, region, account_manager, service_class, class_source, revenue_currency,
          revenue_at_least, risk_flags, history)
on conflict (id) do update set
    version = excluded.version, name = excluded.name, segment = excluded.segment, region = excluded.region,
    account_manager = excluded.account_manager, service_class = excluded.service_class,
    class_source = excluded.class_source, revenue_currency = excluded.revenue_currency,
    revenue_at_least = excluded.revenue_at_least, risk_flags = excluded.risk_flags, history = excluded.history,
    updated_at = excluded.updated_at
where c.version <= excluded.version
"""
