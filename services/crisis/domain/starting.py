"""Starting clocks: of a matter, of the stage that a case enters, and again where a case is worked on once more."""

from collections.abc import Iterable
from datetime import datetime

from services.crisis.domain import escalation
from services.crisis.domain.case import SYSTEM, Case, Stage
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Reopen, ReopenMode, Stop
from services.crisis.domain.clocks import Stage as ClockStage
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import STAGE_PREFIX, UPDATE_CADENCE

_NOT_WORKED_ON = frozenset({"repair", "retrospective"})


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
    file: CaseFile, before: Stage, tools: Tools, *, at: datetime, by: str | None, reason: str | None, because: str
) -> list[ClockFact]:
    """Tell that the case left a stage: the clock of that one stops, and the one of the new stage begins."""
    after, actor = file.case.stage, by or SYSTEM
    file.tell_case("stage_changed", tools, at=at, by=by, reason=reason, previous_stage=before)
    data = {"before": before, "after": after, "action": because, "reason": reason}
    file.note(tools, "case.stage_changed", f"{before} → {after}", actor=actor, at=at, data=data)
    left = [clock for clock in file.clocks_of([None], [STAGE_PREFIX + before]) if clock.is_live]
    told = file.put_to(left, [Stop(at=at)], tools, actor=actor)
    return told + (_start_stage_clock(file, tools) if file.case.is_open else [])


def work_again(file: CaseFile, tools: Tools, *, because: str) -> list[ClockFact]:
    """Let the clocks of a resolved case run again, because there is another matter.

    The escalation begins above level 1 once more, and a case in repair goes back to its assessment. The clocks of the
    file have to be loaded with their events.
    """
    before = file.case.stage
    file.change(resolved_at=None)
    if file.run is not None:
        file.set_run(escalation.restart(file.run))
    cadence = [clock for clock in file.clocks_of([None], [UPDATE_CADENCE]) if _was_fulfilled(clock)]
    again = Reopen(at=tools.now, mode=ReopenMode.NEW_CYCLE)
    told = file.put_to(cadence, [again], tools, actor=SYSTEM)
    if before not in _NOT_WORKED_ON:
        return told + _start_stage_clock(file, tools)
    file.change(stage="assessment")
    return told + stage_changed(file, before, tools, at=tools.now, by=None, reason=because, because="join")


def _start_stage_clock(file: CaseFile, tools: Tools) -> list[ClockFact]:
    """Start the clock of the stage that the case is in, where its policy has one; again, if it was entered before."""
    target = STAGE_PREFIX + file.case.stage
    known = file.clocks_of([None], [target])
    if known:
        return file.put_to(known, [Reopen(at=tools.now, mode=ReopenMode.NEW_CYCLE)], tools, actor=SYSTEM)
    return file.start(new_clocks(file.case, None, (target,), tools), tools.now, tools)


def _was_fulfilled(clock: Clock) -> bool:
    return clock.state is not None and clock.state.stage is ClockStage.COMPLETED
