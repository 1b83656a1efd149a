"""Tasks: what a department owes the case within a time of its own, started and ended by people.

The policy in force says which tasks there are, how long each may take and who owes it: an operational level agreement
(OLA) beside what the customer was promised.
"""

from services.crisis.domain.actions.order import Refused, WrongField
from services.crisis.domain.actions.talks import Doing, addressed
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import Cancel, ClockEvent, Stop
from services.crisis.domain.pausing import close_ended
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import TASK_PREFIX
from services.crisis.domain.starting import new_clocks
from services.crisis.domain.timeline import instant_text


def start_task(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Hand a task to the department that the policy names; a matter's own where one is said, else the case's.

    One that has ended may be started again, as another clock. Raises WrongField for a task that the policy does not
    have, Refused while it runs.
    """
    order, tools = doing.order, doing.tools
    target = TASK_PREFIX + order.fields["task"]
    if order.matter_id is not None:
        addressed(file, order)
    promised = tools.promises.policies[file.case.policy].targets
    if target not in promised:
        there_are = ", ".join(name.removeprefix(TASK_PREFIX) for name in promised if name.startswith(TASK_PREFIX))
        raise WrongField("/task", "unknown-task", f"the policy of this case has these tasks: {there_are or 'none'}")
    if _running(file, target, [order.matter_id]):
        raise Refused(f"the task {order.fields['task']} is being worked on already")
    clocks = new_clocks(file.case, order.matter_id, [target], tools)
    _say(file, doing)
    told = file.start(clocks, doing.at, tools)
    _note(file, doing, "started", clocks)
    return told


def finish_task(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The department has done it. Without a matter every running task of that name is meant."""
    return _end(file, doing, Stop(at=doing.at), "finished")


def cancel_task(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """It is no longer wanted; somebody says why."""
    if not (doing.order.reason or "").strip():
        raise Refused("say why the task is cancelled")
    told = _end(file, doing, Cancel(at=doing.at), "cancelled")
    close_ended(file, doing.tools, at=doing.at, by=doing.order.by)
    return told


def _end(file: CaseFile, doing: Doing, event: ClockEvent, what: str) -> list[ClockFact]:
    order, tools = doing.order, doing.tools
    owners: list[str | None] = [None, *file.matters] if order.matter_id is None else [order.matter_id]
    clocks = _running(file, TASK_PREFIX + order.fields["task"], owners)
    if not clocks:
        raise Refused(f"no task {order.fields['task']} is being worked on")
    _say(file, doing)
    told = file.put_to(clocks, [event], tools, actor=order.by, said={"reason": order.reason})
    _note(file, doing, what, clocks)
    return told


def _running(file: CaseFile, target: str, owners: list[str | None]) -> list[Clock]:
    return [clock for clock in file.clocks_of(owners, [target]) if clock.is_live]


def _say(file: CaseFile, doing: Doing) -> None:
    order = doing.order
    file.next_version()
    file.tell_case(
        "updated",
        doing.tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        update="task",
        matter_id=order.matter_id,
    )


def _note(file: CaseFile, doing: Doing, what: str, clocks: list[Clock]) -> None:
    order, (clock, *_) = doing.order, clocks
    assert clock.state is not None
    department = clock.state.department
    file.note(
        doing.tools,
        f"task.{what}",
        f"Task {what}: {order.fields['task']}" + (f", {department}" if department else ""),
        actor=order.by,
        at=doing.at,
        data={
            "task": order.fields["task"],
            "department": department,
            "clock_ids": [clock.id for clock in clocks],
            "matter_id": order.matter_id,
            "due_at": instant_text(clock.state.due_if_resumed_now),
            "text": order.fields.get("text"),
            "reason": order.reason,
        },
    )
