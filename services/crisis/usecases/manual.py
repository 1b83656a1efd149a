"""What people open and write down by hand."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.customer import Customer
from services.crisis.domain.intake import Desk
from services.crisis.domain.opening import NewMatter, Standing, add_matter, open_case
from services.crisis.domain.pausing import customer_answered
from services.crisis.domain.rules import Trigger
from services.crisis.domain.severity import Impact
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.timeline import Entry
from services.crisis.library import Library
from services.crisis.store.aliases import who_is_meant
from services.crisis.store.load import customers_waiting, load_customers, load_open_files
from services.crisis.usecases.command import locked_file
from services.crisis.usecases.desks import add_past
from services.crisis.usecases.merging import DrillAndReal, also_locked
from services.crisis.usecases.session import case_numbers, finish, tools_for
from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Unprocessable
from shared.ids import new_id

HEARD_AS: Final = "customer.complaint.received.v1"
"""What a matter opened by hand is for the waits that it may end: somebody wrote down what the customer said."""


@dataclass(frozen=True, slots=True)
class OpenByHand:
    """A case that a person wants opened. Its clocks start at `received_at`, or now."""

    customer_id: str
    title: str
    type: str
    impact: Impact
    public: bool
    by: str
    received_at: datetime | None = None
    reference: str | None = None
    regulated: str | None = None
    category: str | None = None
    remedy_sought: str | None = None
    complained_about: str | None = None
    channel: str | None = None
    drill: bool = False


async def open_by_hand(work: UnitOfWork, wanted: OpenByHand, *, library: Library) -> tuple[str, bool]:
    """Open a case, or join the customer's open one; answers its id and whether it was opened.

    It ends the waits that a complaint from the bus would end. Raises Unprocessable for an instant in the future,
    DrillAndReal where the open case is a drill and this is none, or the other way round.
    """
    if wanted.received_at is not None and wanted.received_at > work.now:
        raise Unprocessable(errors=[FieldError("/received_at", "future", "it cannot have begun in the future")])
    await work.lock_all([wanted.customer_id], also_locked)
    meant = await who_is_meant(work.raw, [wanted.customer_id])
    wanted = replace(wanted, customer_id=meant.get(wanted.customer_id, wanted.customer_id))
    customers = await load_customers(work.raw, [wanted.customer_id])
    books = await library.books(work.raw)
    waiting = await customers_waiting(work.raw, customers)
    with_clocks = customers if books.severity_chooses_policies else waiting
    files = await load_open_files(work.raw, customers, clocks_for=with_clocks)
    await library.know(work.raw, files.values())
    tools = tools_for(work, books, files.values())
    new = _matter_of(wanted, work.now)
    file = files.get(wanted.customer_id)
    opened = file is None
    if file is None:
        file, told = await _opened(work, wanted, new, customers[wanted.customer_id], books, tools)
    elif file.case.drill != wanted.drill:
        raise DrillAndReal(f"{file.case.number} is {'a' if file.case.drill else 'no'} drill", case_id=file.case.id)
    else:
        _, told = add_matter(file, new, by=wanted.by, books=books, tools=tools)
    follow_up(file, told, books, tools)
    if waiting:
        follow_up(file, customer_answered(file, _heard(new, wanted), books, tools), books, tools)
    await finish(work, [file], books)
    return file.case.id, opened


async def _opened(
    work: UnitOfWork, wanted: OpenByHand, new: NewMatter, customer: Customer, books: Books, tools: Tools
) -> tuple[CaseFile, list[ClockFact]]:
    desk = Desk(customer)
    await add_past(work, [desk])
    (number,) = await case_numbers(work, 1)
    standing = Standing(customer.best_class_since(new.received_at), desk.earlier_cases)
    file, _, told = open_case(
        customer,
        new,
        standing,
        number=number,
        rule=None,
        by=wanted.by,
        books=books,
        tools=tools,
        drill=wanted.drill,
    )
    return file, told


def _heard(new: NewMatter, wanted: OpenByHand) -> Trigger:
    """The matter as the event that it would have been."""
    fields = {
        "complaint_id": wanted.reference,
        "subject": wanted.title,
        "impact": wanted.impact,
        "public": wanted.public,
        "category": wanted.category,
        "regulated": wanted.regulated,
        "remedy_sought": wanted.remedy_sought,
        "complained_about": wanted.complained_about,
    }
    return Trigger("/moat/crisis", new.dedup, HEARD_AS, wanted.customer_id, new.received_at, fields, wanted.title)


def _matter_of(wanted: OpenByHand, now: datetime) -> NewMatter:
    return NewMatter(
        type=wanted.type,
        title=wanted.title,
        impact=wanted.impact,
        received_at=wanted.received_at or now,
        dedup=f"manual:{new_id()}",
        reference=wanted.reference,
        regulated=wanted.regulated,
        channel=wanted.channel,
        is_public=wanted.public,
        complained_about=wanted.complained_about,
        category=wanted.category,
        remedy_sought=wanted.remedy_sought,
    )


async def add_note(work: UnitOfWork, case_id: str, text: str, *, by: str, library: Library) -> Entry:
    """Append a note to the timeline of a case, open or not. Raises NotFound."""
    file = await locked_file(work, case_id)
    books = await library.books(work.raw)
    file.note(tools_for(work, books, [file]), "case.note", text[:200], actor=by, data={"text": text})
    await finish(work, [file], books)
    return file.entries[-1]
