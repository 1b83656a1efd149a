"""Carrying out an order: the table of stages first, then the action, then what follows from its clocks."""

from collections.abc import Callable

from services.crisis.domain.actions import by_law, ends, talks, waits, works
from services.crisis.domain.actions.order import Order, Refused, StageForbids, WrongTime
from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import Stage
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Stop
from services.crisis.domain.opening import start_stage_clock
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.sla.pins import STAGE_PREFIX
from services.crisis.domain.stages import find, missing_for

_ACTS: dict[str, Callable[[CaseFile, talks.Doing], list[ClockFact]]] = {
    "acknowledge": talks.acknowledge,
    "respond": talks.respond,
    "update": talks.update,
    "propose-resolution": talks.propose_resolution,
    "wait": waits.wait,
    "continue": waits.go_on,
    "assess": works.assess,
    "start-intervention": works.start_intervention,
    "change-severity": works.change_severity,
    "assign": works.assign,
    "final-answer": by_law.answer_finally,
    "extend": by_law.extend,
    "resolve": ends.resolve,
    "start-repair": ends.start_repair,
    "close": ends.close,
    "dismiss": ends.dismiss,
    "reopen": ends.reopen,
}


def perform(file: CaseFile, order: Order, *, books: Books, tools: Tools) -> None:
    """Do it. Raises Refused with what is missing, or WrongField or WrongTime; the file is then no longer of use."""
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
    doing = talks.Doing(order, at, books, tools)
    before = file.case.stage
    if transition.to is not None:
        file.change(stage=transition.to)
    told = _ACTS[order.action](file, doing)
    if file.case.stage != before:
        told += _moved(file, before, doing)
    follow_up(file, told, books, tools)


def _moved(file: CaseFile, before: Stage, doing: talks.Doing) -> list[ClockFact]:
    """The clock of the stage before stops, and the one of the new stage begins."""
    order, tools, after = doing.order, doing.tools, file.case.stage
    file.tell_case("stage_changed", tools, at=doing.at, by=order.by, reason=order.reason, previous_stage=before)
    file.note(
        tools,
        "case.stage_changed",
        f"{before} → {after}",
        actor=order.by,
        at=doing.at,
        data={"before": before, "after": after, "action": order.action, "reason": order.reason},
    )
    left = [clock for clock in file.clocks_of([None], [STAGE_PREFIX + before]) if clock.is_live]
    told = file.put_to(left, [Stop(at=doing.at)], tools, actor=order.by)
    return told + (start_stage_clock(file, tools) if file.case.is_open else [])
