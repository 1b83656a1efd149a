"""Under statute: extending a limit with approval, and the final answer."""

from datetime import datetime

from services.crisis.domain.actions.order import Order, Refused
from services.crisis.domain.actions.talks import Doing
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import Cancel, Extend, Stop
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.statutes import FINAL_ANSWER, NOTICE, Extension, next_extension
from services.crisis.domain.statutory import statutory_clock
from services.crisis.domain.timeline import instant_text


def extend(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Put off the final answer as far as the regime allows, or to the order's `until` before that.

    Owes the notice that the regime demands. Raises Refused where nothing can be extended, or no reason is given.
    """
    order, tools = doing.order, doing.tools
    if not (order.reason or "").strip():
        raise Refused("say why the limit is extended")
    file.next_version()
    told: list[ClockFact] = []
    for clock in _owed(file, order):
        assert clock.state is not None
        pack = doing.books.packs[clock.pin]
        origin, due = clock.state.started_at, clock.state.due_if_resumed_now
        found = next_extension(pack, tools.promises, origin=origin, due=due)
        if found is None:
            raise Refused(f"{pack.regime} allows no further extension")
        extension, limit = found
        until = order.fields.get("until") or limit
        if not due < until <= limit:
            raise Refused(f"an extension ends after {instant_text(due)} and at the latest on {instant_text(limit)}")
        told += _extend(file, clock, extension, until, doing)
        if extension.notice:
            told += _owe_notice(file, clock, doing)
    file.tell_case("updated", tools, by=order.by, reason=order.reason, update="edit", matter_id=order.matter_id)
    return told


def answer_finally(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The final answer was sent: it is owed no more, nor a notice of its delay. Raises Refused where none is owed."""
    order, tools = doing.order, doing.tools
    answered = _owed(file, order)
    matters = [clock.matter_id for clock in answered]
    file.next_version()
    file.tell_case(
        "updated", tools, at=doing.at, by=order.by, reason=order.reason, update="response", matter_id=order.matter_id
    )
    file.note(
        tools,
        "case.final_answer",
        "Final answer sent",
        actor=order.by,
        at=doing.at,
        data={"matter_ids": matters, "text": order.fields.get("text"), "reason": order.reason},
    )
    said = {"reason": order.reason}
    told = file.put_to(answered, [Stop(at=doing.at)], tools, actor=order.by, said=said)
    notices = [clock for clock in file.clocks_of(matters, [NOTICE]) if clock.is_live]
    return told + file.put_to(notices, [Cancel(at=doing.at)], tools, actor=order.by, said=said)


def refuse_while_owed(file: CaseFile) -> None:
    """Raise Refused while the law still wants a final answer: the case is not closed before it."""
    owed = [clock for clock in file.clocks if _is_owed(clock)]
    if owed:
        matters = ", ".join(str(clock.matter_id) for clock in owed[:5])
        raise Refused(f"a final answer is still owed by statute on {len(owed)} matter(s): {matters}")


def _owed(file: CaseFile, order: Order) -> list[Clock]:
    """Running final answers of the matter that is meant, or of all, also of those that are resolved."""
    if order.matter_id is not None and order.matter_id not in file.matters:
        raise Refused(f"the case has no matter {order.matter_id}")
    found = [clock for clock in file.clocks if _is_owed(clock) and order.matter_id in {None, clock.matter_id}]
    if not found:
        raise Refused("no final answer is owed by statute")
    return found


def _is_owed(clock: Clock) -> bool:
    return clock.target == FINAL_ANSWER and clock.statutory and clock.is_live


def _extend(file: CaseFile, clock: Clock, extension: Extension, until: datetime, doing: Doing) -> list[ClockFact]:
    assert clock.state is not None
    order, tools, before = doing.order, doing.tools, clock.state.due_if_resumed_now
    said = {"reason": order.reason, "extended_from": before}
    told = file.put_to([clock], [Extend(at=tools.now, until=until)], tools, actor=order.by, said=said)
    file.note(
        tools,
        "statutory.extended",
        f"{clock.target}: extended from {instant_text(before)} to {instant_text(until)}",
        actor=order.by,
        data={
            "clock_id": clock.id,
            "matter_id": clock.matter_id,
            "previous_due_at": instant_text(before),
            "due_at": instant_text(until),
            "approved_by": order.by,
            "reason": order.reason,
            "notice_owed": extension.notice,
        },
    )
    return told


def _owe_notice(file: CaseFile, clock: Clock, doing: Doing) -> list[ClockFact]:
    """The customer is told of the extension before the limit that it puts off would have ended."""
    assert clock.matter_id is not None
    assert clock.state is not None
    if file.clocks_of([clock.matter_id], [NOTICE]):
        return []
    pack = doing.books.packs[clock.pin]
    notice = statutory_clock(file.matters[clock.matter_id], pack, NOTICE, doing.tools)
    return file.start([notice], clock.state.started_at, doing.tools)
