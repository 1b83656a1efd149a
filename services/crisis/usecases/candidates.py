"""Candidates: events that a person has to confirm before they become a case; and the breakers that made them so."""

from collections.abc import Sequence
from dataclasses import replace

from services.crisis.domain.books import Books
from services.crisis.domain.intake import Breakers, Desk, Taken, confirm_candidate
from services.crisis.domain.rules import Trigger
from services.crisis.library import Library
from services.crisis.publishing import publish_tripped
from services.crisis.store.aliases import who_is_meant
from services.crisis.store.load import load_customers, load_open_files
from services.crisis.store.rows import text_of
from services.crisis.store.tables import CANDIDATE
from services.crisis.store.triggers import trigger_json, trigger_of
from services.crisis.usecases.desks import add_past
from services.crisis.usecases.early import load_early
from services.crisis.usecases.merging import also_locked
from services.crisis.usecases.session import case_numbers, finish, tools_for
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.ids import new_id


async def keep_candidates(work: UnitOfWork, taken: Sequence[Taken]) -> None:
    """Keep the events that wait for a person, whole, so that they can still become cases."""
    await CANDIDATE.insert(
        work.raw,
        [
            (
                new_id(),
                one.trigger.source,
                one.trigger.event_id,
                one.trigger.customer_id,
                one.rule.key,
                one.rule.version,
                text_of(trigger_json(one.trigger)),
                "waiting",
                work.now,
            )
            for one in taken
            if one.outcome == "candidate" and one.rule is not None
        ],
    )


async def tell_of_tripped(work: UnitOfWork, breakers: Breakers, books: Books) -> None:
    """Tell the team lead of a rule whose breaker tripped, once until it has been quiet for the breaker's window."""
    for rule in books.rules:
        if rule.key not in breakers.tripped or rule.breaker is None:
            continue
        tripped_before = await work.raw.fetchval(
            "insert into tripped_breaker as b values ($1, $2) on conflict (rule) do update set tripped_at = $2"
            " returning (select tripped_at from tripped_breaker where rule = $1)",
            rule.key,
            work.now,
        )
        if tripped_before is None or work.now - tripped_before > rule.breaker.within:
            publish_tripped(work, rule)


class CandidateDecided(Conflict):
    """The candidate was confirmed or rejected before."""

    slug = "candidate-decided"
    zh = "该候选事件已被确认或驳回。"


async def confirm(work: UnitOfWork, candidate_id: str, *, by: str, reason: str | None, library: Library) -> str:
    """Open a case for a candidate, or join the open one; answers its id. Raises NotFound, CandidateDecided."""
    trigger = await _waiting(work, candidate_id)
    meant = await who_is_meant(work.raw, [trigger.customer_id])
    trigger = replace(trigger, customer_id=meant.get(trigger.customer_id, trigger.customer_id))
    books = await library.books(work.raw)
    row = await work.raw.fetchrow("select rule, rule_version from candidate where id = $1", candidate_id)
    assert row is not None
    rule = await library.rule(work.raw, row["rule"], row["rule_version"])
    customers = await load_customers(work.raw, [trigger.customer_id])
    early = await load_early(work, [trigger])
    with_clocks = customers if books.severity_chooses_policies or early.customers else ()
    files = await load_open_files(work.raw, customers, clocks_for=with_clocks)
    await library.know(work.raw, files.values())
    tools = tools_for(work, books, files.values())
    desk = Desk(customers[trigger.customer_id], files.get(trigger.customer_id))
    await add_past(work, [desk])
    numbers = await case_numbers(work, 1)
    taken = confirm_candidate(desk, trigger, rule, books=books, tools=tools, number=next(numbers))
    early.put(desk, trigger, books=books, tools=tools)
    assert desk.file is not None
    await finish(work, [desk.file], books)
    await work.raw.execute(
        "update trigger_event set customer_id = $6, outcome = $3, case_id = $4, matter_id = $5"
        " where source = $1 and event_id = $2",
        trigger.source,
        trigger.event_id,
        taken.outcome,
        taken.case_id,
        taken.matter_id,
        trigger.customer_id,
    )
    await early.save(work)
    await _decide(work, candidate_id, "confirmed", by, reason)
    return desk.file.case.id


async def reject(work: UnitOfWork, candidate_id: str, *, by: str, reason: str) -> None:
    """Mute a candidate for good. Raises NotFound, CandidateDecided."""
    trigger = await _waiting(work, candidate_id)
    await work.raw.execute(
        "update trigger_event set outcome = 'muted', reason = $3 where source = $1 and event_id = $2",
        trigger.source,
        trigger.event_id,
        "rejected",
    )
    await _decide(work, candidate_id, "rejected", by, reason)


async def _waiting(work: UnitOfWork, candidate_id: str) -> Trigger:
    customer = await work.raw.fetchval("select customer_id from candidate where id = $1", candidate_id)
    if customer is None:
        raise NotFound(f"there is no candidate {candidate_id}")
    await work.lock_all([customer], also_locked)
    row = await work.raw.fetchrow("select event, state from candidate where id = $1", candidate_id)
    assert row is not None
    if row["state"] != "waiting":
        raise CandidateDecided(f"it was {row['state']}", state=row["state"])
    return trigger_of(row["event"])


async def _decide(work: UnitOfWork, candidate_id: str, state: str, by: str, reason: str | None) -> None:
    await work.raw.execute(
        "update candidate set state = $2, decided_at = $3, decided_by = $4, reason = $5 where id = $1",
        candidate_id,
        state,
        work.now,
        by,
        reason,
    )
