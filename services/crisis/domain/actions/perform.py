"""Carrying out an order: the table of stages first, then the action, then what follows from its clocks."""

from collections.abc import Callable
from typing import Final

from services.crisis.domain.actions import by_law, ends, promises, talks, tasks, waits, works
from services.crisis.domain.actions.order import Order, Refused, StageForbids, WrongTime, refuse_interested
from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.stages import find, missing_for
from services.crisis.domain.starting import stage_changed

_ACTS: dict[str, Callable[[CaseFile, talks.Doing], list[ClockFact]]] = {
    "acknowledge": talks.acknowledge,
    "respond": talks.respond,
    "update": talks.update,
    "customer-wrote": talks.customer_wrote,
    "start-clock": promises.start_clock,
    "stop-clock": promises.stop_clock,
    "propose-resolution": talks.propose_resolution,
    "wait": waits.wait,
    "continue": waits.go_on,
    "assess": works.assess,
    "start-intervention": works.start_intervention,
    "change-severity": works.change_severity,
    "assign": works.assign,
    "start-task": tasks.start_task,
    "finish-task": tasks.finish_task,
    "cancel-task": tasks.cancel_task,
    "final-answer": by_law.answer_finally,
    "extend": by_law.extend,
    "resolve": ends.resolve,
    "start-repair": ends.start_repair,
    "close": ends.close,
    "dismiss": ends.dismiss,
    "reopen": ends.reopen,
}


JUDGING: Final = frozenset({"assess", "change-severity", "extend", "dismiss"})
"""What the person complained about may not do: investigate, approve, or say what it is worth."""


def perform(file: CaseFile, order: Order, *, books: Books, tools: Tools) -> None:
    """Do it. Raises Refused with what is missing, WrongField or WrongTime; the file is then no longer of use."""
    transition = find(order.action, file.case)
    if transition is None:
        raise StageForbids(f"{order.action} is not possible in the stage {file.case.stage}")
    lack = missing_for(transition, file.case, list(file.matters.values()))
    if lack is not None:
        raise Refused(lack)
    at = order.at or tools.now
    if at > tools.now:
        raise WrongTime("the effective time lies in the future")
    if at < min((m.received_at for m in file.matters.values()), default=file.case.opened_at):
        raise WrongTime("the effective time lies before the case")
    if order.action in JUDGING:
        refuse_interested(order.by, file.matters.values())
    doing = talks.Doing(order, at, books, tools)
    before = file.case.stage
    if transition.to is not None:
        file.change(stage=transition.to)
    told = _ACTS[order.action](file, doing)
    if file.case.stage != before:
        told += stage_changed(file, before, tools, at=at, by=order.by, reason=order.reason, action=order.action)
    follow_up(file, told, books, tools)
