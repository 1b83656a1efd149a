"""What a new version of a calendar does to running clocks: said before, and done when it is activated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.crisis.domain.clocks import UnreachableTarget
from services.crisis.domain.rederiving import concerns, rederive, renewed, rests_on
from services.crisis.domain.sla.clock import Clock, fold_clock
from services.crisis.domain.sla.pins import Promises, unpinned
from services.crisis.library import Library
from services.crisis.store.load import load_clocks, load_customers, load_open_files
from services.crisis.store.merges import survivors_of
from services.crisis.usecases.rederive_timers import REDERIVE_TIMER
from services.crisis.usecases.session import save_and_publish, tools_for
from shared.db.unit_of_work import UnitOfWork
from shared.timers.plan import Timer
from shared.timers.worker import DueTimer
from shared.worktime import Calendar

MOST_EXAMINED: Final = 2000
_RUNNING: Final = "c.stage in ('in_progress', 'paused') and (strpos(c.pin, $1) > 0 or strpos(c.policy, $1) > 0)"


@dataclass(frozen=True, slots=True)
class Moved:
    """A running clock whose due instant would be another by the calendar asked about."""

    clock: Clock
    number: str
    due_at: datetime
    would_be_due_at: datetime
    is_derived_again: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """How many clocks run on the calendar, how many of them were examined, and those that would move."""

    running: int
    examined: int
    moved: Sequence[Moved]


async def effect_of(work: UnitOfWork, calendar: Calendar, version: int, *, library: Library) -> Effect:
    """What would be due if the running clocks were derived by this version; nothing is changed.

    Examines at most `MOST_EXAMINED` clocks, those due first.
    """
    name = f";{calendar.key}@"
    raw = work.raw
    running = await raw.fetchval(f"select count(*) from clock c where {_RUNNING}", name)  # noqa: S608
    rows = await raw.fetch(
        f"select c.id, c.case_id, k.number from clock c join crisis_case k on k.id = c.case_id"  # noqa: S608
        f" where {_RUNNING}"
        " order by c.due_if_resumed_now, c.id limit $2",
        name,
        MOST_EXAMINED,
    )
    wanted = {row["id"]: row["number"] for row in rows}
    by_case = await load_clocks(raw, [row["case_id"] for row in rows], lambda clock: clock.id in wanted)
    clocks = [clock for found in by_case.values() for clock in found if clock.id in wanted]
    books = await library.books(raw)
    await library.know_pins(raw, {pin for clock in clocks for pin in clock.pins})
    # The version stands in the place of every other one of the calendar.
    tried = books.promises.copy()
    tried.calendars |= {name: calendar for name in tried.calendars if unpinned(name)[0] == calendar.key}
    found = (_moved(clock, wanted[clock.id], calendar.key, tried, work.now) for clock in clocks)
    moved = [one for one in found if one is not None]
    moved = [one for one in moved if renewed(one.clock, calendar.key, version)]
    return Effect(running, len(clocks), sorted(moved, key=lambda one: (one.due_at, one.clock.id)))


class Rederive:
    """Handler of the timers that plan clocks to be derived again."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def __call__(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        """Derive the clocks of these cases again, by the version that was published."""
        customers = await load_customers(work.raw, {timer.subject for timer in timers})
        files = await load_open_files(work.raw, customers, clocks_for=customers)
        books = await self._library.books(work.raw)
        await self._library.know(work.raw, files.values())
        asked = [(files[timer.subject], timer.payload) for timer in timers if timer.subject in files]
        await _pass_on(work, timers)
        await self._library.know_pins(
            work.raw,
            {
                pin
                for file, wish in asked
                for clock in file.clocks
                if rests_on(clock, wish["calendar"])
                for pin in renewed(clock, wish["calendar"], wish["version"]).values()
            },
        )
        tools = tools_for(work, books, files.values())
        for file, wish in asked:
            if file.case.id == wish["case_id"]:
                rederive(file, wish["calendar"], wish["version"], books, tools)
        # Another version that is published beside this transaction sees these clocks, and waits for their timers.
        await save_and_publish(work, files.values())


async def _pass_on(work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
    """The clocks of a case that was merged since the publication run in the one that goes on: let that one do it.

    The merge may have been under way when these timers were planned, so it cannot have moved them itself.
    """
    wishes = [timer.payload for timer in timers]
    heirs = await survivors_of(work.raw, {wish["case_id"] for wish in wishes})
    for wish in wishes:
        heir = heirs.get(wish["case_id"])
        if heir is not None:
            # A key of its own: what is planned there may be about a later version.
            key = f"{heir.case_id}/{wish['calendar']}/{wish['version']}"
            payload = {**wish, "case_id": heir.case_id}
            work.plan(Timer(REDERIVE_TIMER, key, heir.customer_id, work.now, payload))


def _moved(clock: Clock, number: str, key: str, tried: Promises, now: datetime) -> Moved | None:
    """The clock folded by the promises that are tried; None where it stays."""
    assert clock.state is not None
    try:
        *_, result = fold_clock(clock, tried, now)
    except UnreachableTarget:
        return None
    before = clock.state.due_if_resumed_now
    if result.due_if_resumed_now == before:
        return None
    return Moved(clock, number, before, result.due_if_resumed_now, concerns(clock, key))


__all__ = ["MOST_EXAMINED", "Effect", "Moved", "Rederive", "effect_of"]
