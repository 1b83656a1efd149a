"""The peer of M2: complaints handled by the ORM, a session and a transaction for each message, with the same effects.

What is decided (case, severity, clocks, escalation) is decided by our own domain, so that both do the same work; the
peer even reads open cases by our statements. What differs is how it is stored, and that each message stands alone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from services.crisis.consumers import _trigger
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.intake import Breakers, ClosedCase, Desk, Taken, take_in
from services.crisis.library import Library
from services.crisis.publishing import publish_files
from services.crisis.store import tables
from services.crisis.store.load import load_customers, load_open_files
from services.crisis.store.rows import Table, read
from services.crisis.store.save import _changed, _plan
from services.crisis.usecases.session import tools_for
from shared.bus.consumer import Delivery
from shared.bus.port import Received
from shared.clock import SystemClock
from shared.contracts import CloudEvent, decode, validate
from shared.db.database import raw_connection
from shared.timers.plan import Timer
from tests.bench.orm import Orm, outbox_row

_YEAR = timedelta(days=365)


class Collected:
    """What one transaction has to write; stands where decisions expect a unit of work."""

    def __init__(self, raw: Any, now: datetime) -> None:
        self.raw = raw
        self.now = now
        self.events: list[tuple[str, CloudEvent]] = []
        self.timers: list[Timer] = []
        self.cancelled: list[tuple[str, str]] = []

    def publish(self, topic: str, event: CloudEvent) -> None:
        self.events.append((topic, event))

    def plan(self, timer: Timer) -> None:
        self.timers.append(timer)

    def cancel(self, kind: str, key: str) -> None:
        self.cancelled.append((kind, key))


class PerMessage:
    """The handler. It writes the very tables that crisis has."""

    def __init__(self, orm: Orm) -> None:
        self._orm = orm
        self._library = Library()
        self._clock = SystemClock()
        self._of: dict[str, Any] = {}

    async def prepare(self) -> None:
        names = (
            "subject", "crisis_case", "matter", "clock", "clock_event", "timeline", "escalation_run", "trigger_event",
            "timer", "outbox",
        )  # fmt: skip
        classes = await self._orm.reflect(**dict.fromkeys(names, ()))
        self._of = dict(zip(names, classes, strict=True))

    async def __call__(self, message: Any) -> None:
        event = decode(message.key, message.value, message.headers)
        complaint = validate(event)
        record = Received(
            message.topic, message.partition, message.offset, 0, message.key, message.value, message.headers
        )
        trigger = _trigger(Delivery(event, complaint, record), complaint.received_at, complaint.subject)
        async with self._orm.sessions() as session, session.begin():
            subject = await session.get(self._of["subject"], event.subject, with_for_update=True)
            if subject is None:
                subject = self._of["subject"](id=event.subject, sequence=0)
                session.add(subject)
            if await session.get(self._of["trigger_event"], (event.source, event.id)) is not None:
                return
            work = Collected(await raw_connection(await session.connection()), self._clock.now())
            desk = await self._desk(session, work, event.subject)
            books = await self._library.books(work.raw)
            tools = tools_for(work, books)
            numbers = iter([await self._number(session, work.now)] if desk.file is None else [])
            taken = take_in(desk, trigger, books=books, tools=tools, numbers=numbers, breakers=Breakers({}))
            if desk.file is not None:
                await self._save(session, work, desk.file)
            session.add(self._new("trigger_event", tables.TRIGGER_EVENT, _trigger_row(taken, work.now)))
            for topic, told in work.events:
                subject.sequence += 1
                numbered = msgspec.structs.replace(told, sequence=subject.sequence)
                session.add(outbox_row(self._of["outbox"], topic, numbered, work.now))

    async def _desk(self, session: Any, work: Collected, customer_id: str) -> Desk:
        customers = await load_customers(work.raw, [customer_id])
        files = await load_open_files(work.raw, customers)
        desk = Desk(customers[customer_id], files.get(customer_id))
        if desk.file is None:
            case = self._of["crisis_case"]
            past = (
                await session.execute(
                    select(func.count().filter(case.opened_at > work.now - _YEAR), func.max(case.closed_at)).where(
                        case.customer_id == customer_id, case.status == "closed", case.drill.is_(False)
                    )
                )
            ).one()
            desk.earlier_cases = past[0]
            if past[1] is not None:
                last = select(case.id).where(case.customer_id == customer_id, case.closed_at == past[1])
                desk.last_closed = ClosedCase(await session.scalar(last), past[1])
        return desk

    async def _number(self, session: Any, now: datetime) -> str:
        number = await session.scalar(text("select nextval('case_number')"))
        return f"CR-{now.year}-{number:06d}"

    async def _save(self, session: Any, work: Collected, file: CaseFile) -> None:
        assert _changed(file) or file.is_new
        _plan(work, file)
        publish_files(work, [file])
        for name, table, row, is_new in _rows_of(file):
            if is_new:
                session.add(self._new(name, table, row))
            else:
                await self._rewrite(session, name, table, row)
        for timer in work.timers:
            await self._set_timer(session, timer)

    async def _set_timer(self, session: Any, timer: Timer) -> None:
        class_ = self._of["timer"]
        known = await session.scalar(select(class_).where(class_.kind == timer.kind, class_.key == timer.key))
        if known is None:
            known = class_(kind=timer.kind, key=timer.key, generation=0, attempts=0)
            session.add(known)
        known.subject, known.due_at, known.payload = timer.subject, timer.due_at, dict(timer.payload)
        known.generation += 1

    def _new(self, name: str, table: Table, row: Any) -> Any:
        return self._of[name](**_values(table, row))

    async def _rewrite(self, session: Any, name: str, table: Table, row: Any) -> None:
        values = _values(table, row)
        known = await session.get(self._of[name], tuple(values[key] for key in table.key))
        for column, value in values.items():
            setattr(known, column, value)


def _rows_of(file: CaseFile) -> Iterator[tuple[str, Table, Any, bool]]:
    yield "crisis_case", tables.CASE, tables.case_row(file), file.is_new
    for matter, is_new in file.changed_matters.items():
        yield "matter", tables.MATTER, tables.matter_row(file.matters[matter]), is_new
    for clock in file.clocks:
        if clock.is_new or clock.has_changed or clock.unsaved:
            yield "clock", tables.CLOCK, tables.clock_row(clock), clock.is_new
        for record in clock.unsaved:
            yield "clock_event", tables.CLOCK_EVENT, tables.clock_event_row(clock, record), True
    for entry in file.entries:
        yield "timeline", tables.TIMELINE, tables.entry_row(file.case.id, entry), True
    if file.run_changed and file.run is not None:
        yield "escalation_run", tables.RUN, tables.run_row(file.run), file.run_is_new


def _values(table: Table, row: Any) -> dict[str, Any]:
    """A row by column; the ORM writes jsonb from objects."""
    return {
        name: read(value) if kind == "jsonb" else value
        for (name, kind), value in zip(table.columns.items(), row, strict=True)
    }


def _trigger_row(taken: Taken, now: datetime) -> tuple[Any, ...]:
    trigger, rule = taken.trigger, taken.rule
    return (
        trigger.source, trigger.event_id, trigger.type, trigger.customer_id, trigger.at, now, trigger.summary,
        taken.outcome, taken.case_id, taken.matter_id, rule.key if rule else None, rule.version if rule else None,
        taken.reason,
    )  # fmt: skip
