"""What came of messages: an acknowledgement quiets the escalation, an undeliverable one calls the next level."""

from collections.abc import Sequence

from services.crisis.domain.actions import Order, Refused, perform
from services.crisis.domain.aftermath import call_next
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.library import Library
from services.crisis.store.load import load_customers, load_open_files
from services.crisis.store.merges import Survivor, matters_that_came, survivors_of
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.notify import MessageAcknowledged, MessageUndeliverable
from shared.db.unit_of_work import UnitOfWork

Answer = MessageAcknowledged | MessageUndeliverable


async def take_answers(work: UnitOfWork, answers: Sequence[Answer], *, library: Library) -> None:
    """Apply what notify tells of open cases; of others it changes nothing. The customers have to be locked.

    What it tells of a case that was merged concerns the one that goes on, whose customer has to be locked, too.
    """
    about = [one for one in answers if one.case_id is not None and one.customer_id is not None]
    heirs = await survivors_of(work.raw, {one.case_id for one in about if one.case_id is not None})
    ids = {one.customer_id for one in about if one.customer_id is not None}
    customers = await load_customers(work.raw, ids | {heir.customer_id for heir in heirs.values()})
    files = await load_open_files(work.raw, customers, clocks_for=customers)
    books = await library.books(work.raw)
    await library.know(work.raw, files.values())
    tools = tools_for(work, books, files.values())
    by_case = {file.case.id: file for file in files.values()}
    for one in about:
        case_id = one.case_id or ""
        heir = heirs.get(case_id)
        file = by_case.get(case_id if heir is None else heir.case_id)
        if file is None:
            continue
        if heir is not None:
            await _carry_over(work, file, one, heir, books, tools)
        elif isinstance(one, MessageAcknowledged):
            _acknowledge(file, one, books, tools)
        else:
            _call_next(file, one, books, tools)
    await finish(work, files.values(), books)


async def _carry_over(
    work: UnitOfWork, file: CaseFile, answer: Answer, heir: Survivor, books: Books, tools: Tools
) -> None:
    """An answer to a message about a case that was merged: notice is taken of what came from there, of nothing else."""
    if isinstance(answer, MessageUndeliverable):
        # The level that goes on here was told by messages of its own.
        _note_undeliverable(file, answer, tools, of_case=heir.merged_number)
        return
    moved, about = await matters_that_came(work.raw, answer.case_id or "")
    came = [matter for matter in file.open_matters() if matter.id in moved or matter.dedup in about]
    if any(matter.id == answer.matter_id for matter in came):
        came = [matter for matter in came if matter.id == answer.matter_id]
    for matter in came:
        told = answer.model_copy(update={"matter_id": matter.id})
        _acknowledge(file, told, books, tools, reason=f"told of {heir.merged_number}, which went up in this case")


def _acknowledge(
    file: CaseFile, answer: MessageAcknowledged, books: Books, tools: Tools, *, reason: str | None = None
) -> None:
    matter_id = answer.matter_id
    if matter_id is not None and not (matter_id in file.matters and file.matters[matter_id].is_open):
        matter_id = None
    # The clock of notify may be behind ours.
    about = [m for m in file.matters.values() if matter_id in {None, m.id}]
    earliest = min((m.received_at for m in about), default=file.case.opened_at)
    order = Order(
        "acknowledge",
        by=answer.person,
        at=min(max(answer.at, earliest), tools.now),
        reason=reason,
        matter_id=matter_id,
        fields={"means": answer.means, "message_id": answer.message_id},
    )
    try:
        perform(file, order, books=books, tools=tools)
    except Refused:  # an open case can always be acknowledged; the table may say otherwise one day
        return


def _call_next(file: CaseFile, answer: MessageUndeliverable, books: Books, tools: Tools) -> None:
    """Nobody was told: the next level is called at once, if the message was for the level that was called last."""
    policy = books.escalations[file.case.escalation_policy]
    level = 1 if file.run is None else file.run.level
    roles = [rung.role for rung in policy.levels]
    _note_undeliverable(file, answer, tools)
    is_current = answer.audience == roles[level - 1] or answer.audience not in roles
    is_quiet = file.run is not None and file.run.state == "acknowledged"
    if is_current and not is_quiet and "undeliverable" in policy.raised_by:
        call_next(file, books, tools, reason="undeliverable")


def _note_undeliverable(
    file: CaseFile, answer: MessageUndeliverable, tools: Tools, *, of_case: str | None = None
) -> None:
    told = {"message_id": answer.message_id, "audience": answer.audience, "reason": answer.reason}
    file.note(
        tools,
        "message.undeliverable",
        f"Nobody could be told: {answer.audience} ({answer.reason})",
        at=min(answer.at, tools.now),
        data=told if of_case is None else {**told, "of_case": of_case},
    )
