"""Promises that no other action speaks of: what comes after a resolution, and what a company named itself."""

from typing import Final

from services.crisis.domain.actions.order import Refused, WrongField, WrongTime
from services.crisis.domain.actions.talks import Doing, addressed
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import Cancel, Stop
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import AFTERCARE, STAGE_PREFIX, TASK_PREFIX, Pin
from services.crisis.domain.stages import STOPS
from services.crisis.domain.starting import begin_again, is_custom
from services.crisis.domain.timeline import instant_text

_FULFILLED_BY: Final = {target: action for action, targets in STOPS.items() for target in targets}


def start_clock(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Begin a promise that nothing else begins, from `at` on; the next cycle of one that was fulfilled before."""
    order, target, matter_id = doing.order, str(doing.order.fields["target"]), _owner(file, doing)
    _check_name(file, target, doing)
    for clock in file.clocks_of([matter_id], [target]):
        if clock.is_live:
            raise Refused(f"{target} runs already")
        ended_at = None if clock.state is None else clock.state.stopped_at
        if ended_at is not None and doing.at < ended_at:
            raise WrongTime(f"{target} ran until {instant_text(ended_at)}")
    _note(file, doing, "clock.begun", f"{target} begun by {order.by}")
    return begin_again(file, matter_id, target, doing.tools, at=doing.at, actor=order.by)


def stop_clock(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """What was promised was done, or (`cancelled`) is no longer owed. Raises Refused where no such clock runs."""
    order, target = doing.order, str(doing.order.fields["target"])
    _check_name(file, target, doing)
    clocks = [clock for clock in file.clocks if clock.is_live and clock.target == target and _is_meant(clock, doing)]
    if not clocks:
        raise Refused(f"no clock {target} runs")
    _note(file, doing, "clock.done", f"{target}: {'no longer owed' if order.fields.get('cancelled') else 'done'}")
    event = Cancel(at=doing.at) if order.fields.get("cancelled") else Stop(at=doing.at)
    return file.put_to(clocks, [event], doing.tools, actor=order.by, said={"reason": order.reason})


def _owner(file: CaseFile, doing: Doing) -> str | None:
    if doing.order.matter_id is not None:
        addressed(file, doing.order)
    return doing.order.matter_id


def _is_meant(clock: Clock, doing: Doing) -> bool:
    return doing.order.matter_id in {None, clock.matter_id}


def _check_name(file: CaseFile, target: str, doing: Doing) -> None:
    """Refuse what another action is for, and what the policy of the case does not promise."""
    if not (is_custom(target) or target in AFTERCARE):
        raise WrongField("/target", "not-by-hand", _way_of(target))
    promised = doing.tools.promises.policies[file.case.policy].targets
    if target not in promised and not any(clock.target == target for clock in file.clocks):
        policy = Pin.parse(file.case.policy)
        raise WrongField(
            "/target",
            "unknown-target",
            f"version {policy.version} of {policy.policy} promises no {target}; it has: {', '.join(promised)}",
        )


def _way_of(target: str) -> str:
    """What begins and ends a target that is not begun by hand, or not here."""
    if target.startswith(TASK_PREFIX):
        return f"{target} is begun with start-task, and ends with finish-task"
    end = "its stage" if target.startswith(STAGE_PREFIX) else _FULFILLED_BY[target]
    return f"{target} begins by itself, and ends with {end}"


def _note(file: CaseFile, doing: Doing, kind: str, summary: str) -> None:
    order, tools = doing.order, doing.tools
    file.next_version()
    file.tell_case(
        "updated", tools, at=doing.at, by=order.by, reason=order.reason, update="edit", matter_id=order.matter_id
    )
    data = {"target": order.fields["target"], "matter_id": order.matter_id, "reason": order.reason}
    file.note(tools, kind, summary, actor=order.by, at=doing.at, data=data)
