"""Talking: taking notice, answering the customer, keeping him informed, proposing a solution."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.crisis.domain.actions.order import Order, Refused, WrongTime
from services.crisis.domain.aftermath import quiet
from services.crisis.domain.books import Books
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import ClockEvent, Reopen, ReopenMode, Stage, Stop
from services.crisis.domain.pausing import customer_answered
from services.crisis.domain.rules import Trigger
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.stages import STOPS
from services.crisis.domain.starting import owe_next_response

IN_TOUCH = "customer.interaction.logged.v1"
"""What the bus would have told of a customer who wrote."""


@dataclass(frozen=True, slots=True)
class Doing:
    """An order being carried out, at its effective instant."""

    order: Order
    at: datetime
    books: Books
    tools: Tools


def addressed(file: CaseFile, order: Order) -> list[Matter]:
    """The open matters that an order speaks to; raises Refused for one that is not there or not open."""
    if order.matter_id is None:
        return file.open_matters()
    matter = file.matters.get(order.matter_id)
    if matter is None:
        raise Refused(f"the case has no matter {order.matter_id}")
    if not matter.is_open:
        raise Refused(f"the matter {matter.id} is {matter.status}")
    return [matter]


def concerned(file: CaseFile, doing: Doing) -> list[Matter]:
    """Those of the matters addressed that were there by then; raises WrongTime for a named one that was not."""
    matters = addressed(file, doing.order)
    if doing.order.matter_id is not None and doing.at < matters[0].received_at:
        raise WrongTime("the effective time lies before the matter")
    return [matter for matter in matters if matter.received_at <= doing.at]


def stop_for(file: CaseFile, doing: Doing, matters: list[Matter]) -> list[ClockFact]:
    """Fulfil what the action fulfils, on these matters and on the case itself; if it was fulfilled later, then now."""
    owners = [*(matter.id for matter in matters), None]
    clocks = [clock for clock in file.clocks_of(owners, STOPS[doing.order.action]) if _may_stop(clock, doing.at)]
    said = {"reason": doing.order.reason}
    return file.put_to(clocks, [Stop(at=doing.at)], doing.tools, actor=doing.order.by, said=said)


def _may_stop(clock: Clock, at: datetime) -> bool:
    """Whether a stop at that instant changes the clock: it runs, or was fulfilled only later."""
    state = clock.state
    fulfilled_at = None if state is None or state.stage is not Stage.COMPLETED else state.stopped_at
    return clock.is_live or (fulfilled_at is not None and at < fulfilled_at)


def acknowledge(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Stops the acknowledge clocks and the escalation for lack of notice, nothing else. Later again changes nothing."""
    order, tools = doing.order, doing.tools
    matters = [m for m in concerned(file, doing) if m.acknowledged_at is None or doing.at < m.acknowledged_at]
    is_waiting = file.run is not None and file.run.state == "waiting"
    if not matters and not is_waiting:
        return []
    file.next_version()
    for matter in matters:
        file.put(replace(matter, acknowledged_at=doing.at))
    file.change(acknowledged_at=min(file.case.acknowledged_at or doing.at, doing.at))
    quiet(file, doing.books, tools)
    means = order.fields.get("means") or "api"
    file.tell_case(
        "acknowledged",
        tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        means=means,
        matter_ids=[matter.id for matter in matters],
        message_id=order.fields.get("message_id"),
    )
    file.note(
        tools,
        "case.acknowledged",
        f"{order.by} took notice ({means})",
        actor=order.by,
        at=doing.at,
        data={
            "means": means,
            "matter_ids": [matter.id for matter in matters],
            "message_id": order.fields.get("message_id"),
            "reason": order.reason,
        },
    )
    return stop_for(file, doing, matters)


def respond(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """A public human message or a logged call answers the customer; an automatic one or an internal note does not."""
    fields = doing.order.fields
    counts = not fields.get("automatic") and not fields.get("internal")
    matters = concerned(file, doing)
    _say(
        file,
        doing,
        kind="case.responded" if counts else "case.noted",
        update="response" if counts else "edit",
        summary=f"Answered the customer by {fields.get('means') or 'message'}"
        if counts
        else "Not counted as an answer",
        data={
            "means": fields.get("means") or "message",
            "text": fields.get("text"),
            "automatic": bool(fields.get("automatic")),
            "internal": bool(fields.get("internal")),
        },
    )
    return stop_for(file, doing, matters) if counts else []


def customer_wrote(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The customer was in touch: waits for him end, and an answer is owed from then on (`next_response`)."""
    fields, order = doing.order.fields, doing.order
    means = fields.get("means") or "mail"
    addressed(file, order)
    data = {"means": means, "text": fields.get("text")}
    _say(file, doing, kind="case.customer_wrote", update="edit", summary=f"The customer wrote ({means})", data=data)
    heard = Trigger("/moat/crisis", "", IN_TOUCH, file.case.customer_id, doing.at, {"kind": means}, "")
    told = customer_answered(file, heard, doing.books, doing.tools)
    return told + owe_next_response(file, doing.tools, at=doing.at, actor=order.by)


def update(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The customer was told how things stand; the next update is owed from now on."""
    order = doing.order
    trend = order.fields.get("trend")
    addressed(file, order)
    if trend is not None:
        file.change(trend=trend)
    _say(
        file,
        doing,
        kind="case.update_given",
        update="update",
        summary="Told the customer how things stand",
        data={"text": order.fields.get("text"), "trend": trend},
    )
    said = {"reason": order.reason}
    owners = [None, *(file.matters if order.matter_id is None else [order.matter_id])]
    clocks = [clock for clock in file.clocks_of(owners, STOPS["update"]) if clock.is_live]
    again: list[ClockEvent] = [Stop(at=doing.at), Reopen(at=doing.at, mode=ReopenMode.NEW_CYCLE)]
    told = file.put_to([c for c in clocks if not c.statutory], again, doing.tools, actor=order.by, said=said)
    by_law = [clock for clock in clocks if clock.statutory]
    return told + file.put_to(by_law, [Stop(at=doing.at)], doing.tools, actor=order.by, said=said)


def propose_resolution(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """A first solution lies before the customer."""
    matters = concerned(file, doing)
    _say(
        file,
        doing,
        kind="case.resolution_proposed",
        update="proposal",
        summary="Proposed a solution",
        data={"text": doing.order.fields.get("text")},
    )
    return stop_for(file, doing, matters)


def _say(file: CaseFile, doing: Doing, *, kind: str, update: str, summary: str, data: dict[str, object]) -> None:
    """A change that people see but that has no event of its own."""
    order, tools = doing.order, doing.tools
    file.next_version()
    file.tell_case(
        "updated",
        tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        update=update,
        matter_id=order.matter_id,
        trend=order.fields.get("trend"),
    )
    file.note(
        tools,
        kind,
        summary,
        actor=order.by,
        at=doing.at,
        data={**data, "matter_id": order.matter_id, "reason": order.reason},
    )
