"""What time brings: clocks that warn or are breached, and escalations that go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.crisis.domain.actions import Order, perform
from services.crisis.domain.aftermath import follow_up, go_on
from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.pausing import end_at_limit
from services.crisis.library import Library
from services.crisis.store.load import load_customers, load_open_files
from services.crisis.usecases.session import finish, tools_for
from shared.db.unit_of_work import UnitOfWork
from shared.timers.worker import DueTimer


class Fire:
    """Handlers of due timers. A case that is over meanwhile has nothing left to fire."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def clocks(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        """Fold every clock that is due to now, tell what came, and plan the next instant of its case."""
        files, books, tools = await self._files(work, timers)
        for file in files.values():
            # The timer is gone: whatever comes next is planned anew.
            file.next_clock_at, file.has_changed = None, True
            _settle_due(file, books, tools)
        await finish(work, files.values(), books)

    async def escalations(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        """Let the escalations of these cases go on; a promise broken at the same instant calls first, and alone."""
        files, books, tools = await self._files(work, timers)
        due = {timer.key for timer in timers}
        for file in files.values():
            _settle_due(file, books, tools)
            is_due = file.run is not None and file.run.next_at is not None and file.run.next_at <= tools.now
            if file.case.id in due and is_due:
                go_on(file, books, tools)
        await finish(work, files.values(), books)

    async def _files(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> tuple[dict[str, CaseFile], Books, Tools]:
        """The open cases that timers are about; clocks that are due now come with their events."""
        customers = await load_customers(work.raw, {timer.subject for timer in timers})
        now = work.now
        files = await load_open_files(
            work.raw,
            customers,
            clocks_for=customers,
            events_of=lambda c: c.state is not None and c.state.next_at is not None and c.state.next_at <= now,
        )
        books = await self._library.books(work.raw)
        await self._library.know(work.raw, files.values())
        return files, books, tools_for(work, books, files.values())

    async def waits(self, work: UnitOfWork, timers: Sequence[DueTimer]) -> None:
        """End waits whose time is over, where somebody has not ended them already."""
        customers = await load_customers(work.raw, {timer.subject for timer in timers})
        files = await load_open_files(work.raw, customers, clocks_for=customers)
        books = await self._library.books(work.raw)
        await self._library.know(work.raw, files.values())
        tools = tools_for(work, books, files.values())
        for timer in timers:
            file = files.get(timer.subject)
            if file is not None and file.case.id == timer.payload["case_id"]:
                _end_wait(file, timer.payload, books, tools)
        await finish(work, files.values(), books)


def _settle_due(file: CaseFile, books: Books, tools: Tools) -> None:
    due = [clock for clock in file.clocks if clock.records is not None]
    follow_up(file, file.refold(due, tools), books, tools)


def _end_wait(file: CaseFile, timer: Mapping[str, Any], books: Books, tools: Tools) -> None:
    matter_id, code = timer["matter_id"], timer["waiting_for"]
    wait = file.open_wait(matter_id, code)
    if wait is not None:
        follow_up(file, end_at_limit(file, wait, tools), books, tools)
        return
    # Begun before waits were kept: only its timer knows of it.
    if matter_id is not None and not (matter_id in file.matters and file.matters[matter_id].is_open):
        return
    if any(code in clock.reasons(tools.now) for clock in file.clocks if clock.is_live):
        order = Order(
            "continue", by=SYSTEM, reason="the wait is over", matter_id=matter_id, fields={"waiting_for": code}
        )
        perform(file, order, books=books, tools=tools)
