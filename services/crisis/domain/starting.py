"""Starting clocks: of a matter, of the stage that a case enters, and again where a case is worked on once more."""

from collections.abc import Iterable
from datetime import datetime

from services.crisis.domain import escalation
from services.crisis.domain.case import SYSTEM, Case, Stage
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Cancel, Reopen, ReopenMode, Stop
from services.crisis.domain.clocks import Stage as ClockStage
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import (
    AFTERCARE,
    MATTER_TARGETS,
    NEXT_RESPONSE,
    STAGE_PREFIX,
    TASK_PREFIX,
    UPDATE_CADENCE,
)
from services.crisis.domain.sla.statutes import STATUTORY_TARGETS

_NOT_WORKED_ON = frozenset({"repair", "retrospective"})
NAMED_TARGETS = frozenset({*MATTER_TARGETS, UPDATE_CADENCE, NEXT_RESPONSE, *AFTERCARE, *STATUTORY_TARGETS})
"""Names of targets that mean something to us, beside those of stages and tasks."""


def is_custom(target: str) -> bool:
    """Whether the name means nothing to us: such a target starts with a matter, and people say when it is fulfilled."""
    return target not in NAMED_TARGETS and not target.startswith((STAGE_PREFIX, TASK_PREFIX))


def matter_clocks(case: Case, matter_id: str, tools: Tools) -> list[Clock]:
    """The clocks of a new matter: what every policy may promise for it, and what this one promises besides."""
    custom = (name for name in tools.promises.policies[case.policy].targets if is_custom(name))
    return new_clocks(case, matter_id, (*MATTER_TARGETS, *custom), tools)


def new_clocks(case: Case, matter_id: str | None, targets: Iterable[str], tools: Tools) -> list[Clock]:
    """Clocks that have not started, of those targets that the policy of the case promises."""
    promised = tools.promises.policies[case.policy].targets
    return [
        Clock(
            id=tools.new_id(),
            case_id=case.id,
            matter_id=matter_id,
            customer_id=case.customer_id,
            target=target,
            pin=case.policy,
            policy=case.policy,
        )
        for target in targets
        if target in promised
    ]


def stage_changed(
    file: CaseFile, before: Stage, tools: Tools, *, at: datetime, by: str | None, reason: str | None, action: str
) -> list[ClockFact]:
    """Tell that the case left a stage: the clock of that one stops, and the one of the new stage begins."""
    after, actor = file.case.stage, by or SYSTEM
    file.tell_case("stage_changed", tools, at=at, by=by, reason=reason, previous_stage=before)
    data = {"before": before, "after": after, "action": action, "reason": reason}
    file.note(tools, "case.stage_changed", f"{before} → {after}", actor=actor, at=at, data=data)
    left = [clock for clock in file.clocks_of([None], [STAGE_PREFIX + before]) if clock.is_live]
    told = file.put_to(left, [Stop(at=at)], tools, actor=actor)
    return told + (_start_stage_clock(file, tools) if file.case.is_open else [])


def work_again(file: CaseFile, tools: Tools, *, action: str, because: str) -> list[ClockFact]:
    """Let the clocks of a resolved case run again, because there is another matter.

    The escalation begins above level 1 once more, and a case in repair goes back to its assessment. The clocks of the
    file have to be loaded with their events.
    """
    before = file.case.stage
    file.change(resolved_at=None)
    if file.run is not None:
        file.set_run(escalation.restart(file.run))
    # One that is full stays ended: a matter that joins must not stop at that.
    cadence = [c for c in file.clocks_of([None], [UPDATE_CADENCE]) if _was_fulfilled(c) and not c.is_full]
    again = Reopen(at=tools.now, mode=ReopenMode.NEW_CYCLE)
    told = file.put_to(cadence, [again], tools, actor=SYSTEM) + call_off_aftercare(file, tools, at=tools.now)
    if before not in _NOT_WORKED_ON:
        return told + _start_stage_clock(file, tools)
    file.change(stage="assessment")
    return told + stage_changed(file, before, tools, at=tools.now, by=None, reason=because, action=action)


def begin_again(
    file: CaseFile, matter_id: str | None, target: str, tools: Tools, *, at: datetime, actor: str
) -> list[ClockFact]:
    """Start a target that does not run: in its next cycle where it was fulfilled before, else by a new clock.

    By a new one, too, where the clock is full: what comes from outside must not stop there.
    """
    known = file.clocks_of([matter_id], [target])
    if known and known[-1].is_live:
        return []
    if known and _was_fulfilled(known[-1]) and not known[-1].is_full:
        again = Reopen(at=at, mode=ReopenMode.NEW_CYCLE)
        return file.put_to(known[-1:], [again], tools, actor=actor, said={"at": at})
    clocks = new_clocks(file.case, matter_id, (target,), tools)
    for clock in clocks:
        clock.round += len(known)
    return file.start(clocks, at, tools)


def owe_next_response(file: CaseFile, tools: Tools, *, at: datetime, actor: str = SYSTEM) -> list[ClockFact]:
    """The customer wrote: another answer is owed from then on, unless one is owed already or was given since.

    The clocks of the file have to be loaded with their events.
    """
    answers = [clock for clock in file.clocks if clock.target in {NEXT_RESPONSE, "first_response"}]
    if any(clock.is_live or _was_fulfilled(clock, since=at) for clock in answers):
        return []
    return begin_again(file, None, NEXT_RESPONSE, tools, at=at, actor=actor)


def begin_aftercare(file: CaseFile, tools: Tools, *, at: datetime, by: str | None) -> list[ClockFact]:
    """The case is resolved: what is promised for afterwards begins."""
    told: list[ClockFact] = []
    for target in AFTERCARE:
        told += begin_again(file, None, target, tools, at=at, actor=by or SYSTEM)
    return told


def call_off_aftercare(file: CaseFile, tools: Tools, *, at: datetime) -> list[ClockFact]:
    """The case is worked on again: what comes after it has to wait for its next end."""
    live = [clock for clock in file.clocks_of([None], AFTERCARE) if clock.is_live]
    return file.put_to(live, [Cancel(at=at)], tools, actor=SYSTEM, said={"reason": "worked_on_again"})


def _start_stage_clock(file: CaseFile, tools: Tools) -> list[ClockFact]:
    """Start the clock of the stage that the case is in, where its policy has one; again, if it was entered before."""
    return begin_again(file, None, STAGE_PREFIX + file.case.stage, tools, at=tools.now, actor=SYSTEM)


def _was_fulfilled(clock: Clock, since: datetime | None = None) -> bool:
    state = clock.state
    if state is None or state.stage is not ClockStage.COMPLETED:
        return False
    return since is None or (state.stopped_at is not None and state.stopped_at > since)
