"""What came of messages: an acknowledgement quiets the escalation, an undeliverable one calls the next level."""

from collections.abc import Sequence

from services.crisis.domain.actions import Order, Refused, perform
from services.crisis.domain.aftermath import call_next
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.library import Library
from services.crisis.store.load import load_customers, load_open_files
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.notify import MessageAcknowledged, MessageUndeliverable
from shared.db.unit_of_work import UnitOfWork

Answer = MessageAcknowledged | MessageUndeliverable


async def take_answers(work: UnitOfWork, answers: Sequence[Answer], *, library: Library) -> None:
    """Apply what notify tells of open cases; of others it changes nothing. The customers have to be locked."""
    about = [one for one in answers if one.case_id is not None and one.customer_id is not None]
    customers = await load_customers(work.raw, {one.customer_id for one in about if one.customer_id is not None})
    files = await load_open_files(work.raw, customers, clocks_for=customers)
    books = await library.books(work.raw)
    await library.know(work.raw, files.values())
    tools = tools_for(work, books, files.values())
    by_case = {file.case.id: file for file in files.values()}
    for one in about:
        file = by_case.get(one.case_id or "")
        if file is None:
            continue
        if isinstance(one, MessageAcknowledged):
            _acknowledge(file, one, books, tools)
        else:
            _call_next(file, one, books, tools)
    await finish(work, files.values())


def _acknowledge(file: CaseFile, answer: MessageAcknowledged, books: Books, tools: Tools) -> None:
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
    file.note(
        tools,
        "message.undeliverable",
        f"Nobody could be told: {answer.audience} ({answer.reason})",
        at=min(answer.at, tools.now),
        data={"message_id": answer.message_id, "audience": answer.audience, "reason": answer.reason},
    )
    is_current = answer.audience == roles[level - 1] or answer.audience not in roles
    is_quiet = file.run is not None and file.run.state == "acknowledged"
    if is_current and not is_quiet and "undeliverable" in policy.raised_by:
        call_next(file, books, tools, reason="undeliverable")
