"""Take in events that may be a crisis: a batch in one transaction, set-based in and out."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.amending import NO_OPEN_MATTER, Amendment, amend
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import Tools
from services.crisis.domain.intake import Breakers, Desk, Taken, take_in
from services.crisis.domain.pausing import customer_answered
from services.crisis.domain.rules import Trigger
from services.crisis.library import Library
from services.crisis.store.aliases import who_is_meant
from services.crisis.store.load import customers_waiting, load_customers, load_open_files
from services.crisis.store.save import save_taken
from services.crisis.usecases.candidates import keep_candidates, tell_of_tripped
from services.crisis.usecases.desks import add_past, add_seen
from services.crisis.usecases.early import load_early
from services.crisis.usecases.session import case_numbers, finish, tools_for
from shared.db.unit_of_work import UnitOfWork

News = Trigger | Amendment
ALWAYS_TAKEN: Final = frozenset(
    {"customer.complaint.received.v1", "customer.opinion.mentioned.v1", "scoring.tier.changed.v1"}
)
"""Types that leave a mute record even where no rule names them; others are none of our business without a rule."""


async def receive(work: UnitOfWork, news: Sequence[News], *, library: Library) -> list[Taken]:
    """Turn events into cases, matters, candidates or mute records; events seen before have no effect.

    The customers have to be locked. Where a wait is open, events that no rule names are heard, too: they may end it.
    Answers what became of each event that was new.
    """
    news = await _of_those_who_remain(work, news)
    books = await library.books(work.raw)
    named = ALWAYS_TAKEN | {rule.event_type for rule in books.rules}
    waiting = await customers_waiting(work.raw, {_trigger(one).customer_id for one in news})
    heard = [one for one in news if _is_named(one, named) or _trigger(one).customer_id in waiting]
    fresh = await _never_seen(work, heard)
    if not fresh:
        return []
    early = await load_early(work, fresh)
    desks = await _desks(work, fresh, books, library, waiting | early.customers)
    tools = tools_for(work, books, [desk.file for desk in desks.values() if desk.file is not None])
    openers = {t.customer_id for t in map(_trigger, fresh) if desks[t.customer_id].file is None}
    numbers = await case_numbers(work, len(openers))
    breakers = await _breakers(work, fresh, books)
    taken: list[Taken] = []
    for one in fresh:
        desk = desks[_trigger(one).customer_id]
        if isinstance(one, Amendment):
            amended = amend(desk, one, books=books, tools=tools)
            if amended.reason == NO_OPEN_MATTER:
                early.keep(one)
            else:
                taken.append(amended)
        elif one.type in named:
            taken.append(take_in(desk, one, books=books, tools=tools, numbers=numbers, breakers=breakers))
            taken += early.put(desk, one, books=books, tools=tools)
        if desk.file is not None:
            told = customer_answered(desk.file, _trigger(one), books, tools)
            follow_up(desk.file, told, books, tools)
    await finish(work, [desk.file for desk in desks.values() if desk.file is not None], books)
    taken += await early.save(work)
    await save_taken(work, taken)
    await keep_candidates(work, taken)
    await tell_of_tripped(work, breakers, books)
    return taken


async def _of_those_who_remain(work: UnitOfWork, news: Sequence[News]) -> Sequence[News]:
    """News of customers that turned out to be others are news of those, unless only the old one has an open case."""
    meant = await who_is_meant(work.raw, {_trigger(one).customer_id for one in news})
    return [_about(one, meant) for one in news] if meant else news


def _about(one: News, meant: Mapping[str, str]) -> News:
    trigger = _trigger(one)
    if trigger.customer_id not in meant:
        return one
    trigger = replace(trigger, customer_id=meant[trigger.customer_id])
    return replace(one, trigger=trigger) if isinstance(one, Amendment) else trigger


def _is_named(one: News, types: AbstractSet[str]) -> bool:
    return isinstance(one, Amendment) or one.type in types


def _trigger(one: News) -> Trigger:
    return one.trigger if isinstance(one, Amendment) else one


async def _never_seen(work: UnitOfWork, news: Sequence[News]) -> list[News]:
    """Those whose (source, event id) has never been taken in, each once."""
    unique = {(t.source, t.event_id): one for one in reversed(news) for t in [_trigger(one)]}
    pairs = list(unique)
    rows = await work.raw.fetch(
        "select source, event_id from trigger_event"
        " where (source, event_id) in (select * from unnest($1::text[], $2::text[]))",
        [source for source, _ in pairs],
        [event_id for _, event_id in pairs],
    )
    for row in rows:
        unique.pop((row["source"], row["event_id"]))
    return list(reversed(unique.values()))


async def _desks(
    work: UnitOfWork, news: Sequence[News], books: Books, library: Library, waiting: AbstractSet[str]
) -> dict[str, Desk]:
    ids = {_trigger(one).customer_id for one in news}
    # Withdrawing ends clocks, an answer lets them go on, more that is said begins some, and where another policy is for
    # a graver case, what makes it graver changes all of them.
    with_clocks = waiting & ids | {
        _trigger(one).customer_id for one in news if books.severity_chooses_policies or isinstance(one, Amendment)
    }
    customers = await load_customers(work.raw, ids)
    files = await load_open_files(work.raw, customers, clocks_for=with_clocks)
    await library.know(work.raw, files.values())
    desks = {id_: Desk(customer, files.get(id_)) for id_, customer in customers.items()}
    await add_past(work, desks.values())
    await add_seen(work, [one for one in news if isinstance(one, Trigger)], desks, books.rules)
    return desks


async def _breakers(work: UnitOfWork, news: Sequence[News], books: Books) -> Breakers:
    """How many cases each rule with a breaker opened lately. Its row is locked, so that replicas count as one."""
    types = {one.type for one in news if isinstance(one, Trigger)}
    watched = [rule for rule in books.rules if rule.breaker is not None and rule.event_type in types]
    if not watched:
        return Breakers({})
    # After the customers: whoever waits here holds no customer that the holder of the rule still wants.
    await work.lock(f"rule:{rule.key}" for rule in watched)
    opened: dict[str, int] = {}
    for rule in watched:
        assert rule.breaker is not None
        opened[rule.key] = await work.raw.fetchval(
            "select count(*) from crisis_case where rule = $1 and opened_at > $2",
            rule.key,
            work.now - rule.breaker.within,
        )
    return Breakers(opened)


__all__ = ["News", "Tools", "receive"]
