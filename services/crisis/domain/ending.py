"""How matters end, and what follows for the case when the last one has ended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.crisis.domain.case import SYSTEM, Matter, MatterStatus
from services.crisis.domain.casefile import CaseFile, MatterFact, Tools
from services.crisis.domain.clocks import Cancel, Stop
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import NEXT_RESPONSE, STAGE_PREFIX, UPDATE_CADENCE
from services.crisis.domain.sla.statutes import ACKNOWLEDGE, FINAL_ANSWER, NOTICE, RESPONSE
from services.crisis.domain.starting import begin_aftercare

FULFILLED = ("initial_resolution", "resolution")
"""A resolution fulfils these; the other promises of a resolved matter no longer apply and are cancelled.

By statute an answer was given with it, too; the final answer goes on being owed until it is sent."""


def end_matters(
    file: CaseFile,
    matters: Sequence[Matter],
    tools: Tools,
    *,
    status: MatterStatus,
    at: datetime,
    by: str | None,
    resolution: str | None,
    reason: str | None,
) -> list[ClockFact]:
    """End matters and their clocks at `at`. Withdrawn and dismissed ones fulfil nothing: their clocks are cancelled."""
    actor = by or SYSTEM
    told: list[ClockFact] = []
    for matter in matters:
        ended = file.put(replace(matter, status=status, resolved_at=at, resolution=resolution or status))
        clocks = [clock for clock in file.clocks_of([matter.id]) if clock.is_live]
        if status == "resolved":
            clocks = [clock for clock in clocks if clock.target not in {FINAL_ANSWER, NOTICE}]
        fulfilled = [
            clock for clock in clocks if status == "resolved" and clock.target in (*FULFILLED, ACKNOWLEDGE, RESPONSE)
        ]
        others = [clock for clock in clocks if clock not in fulfilled]
        told += file.put_to(fulfilled, [Stop(at=at)], tools, actor=actor, said={"reason": reason})
        told += file.put_to(others, [Cancel(at=at)], tools, actor=actor, said={"reason": f"matter_{status}"})
        file.tell(MatterFact("resolved", file.case, ended, at, by=by, reason=reason))
    return told


def case_resolved(
    file: CaseFile, ended: Sequence[Matter], tools: Tools, *, at: datetime, by: str | None, reason: str | None
) -> list[ClockFact]:
    """If nothing is open any more, the case is resolved: its own clocks (updates, stage) stop, and nobody is called.

    Its tasks go on until they are done, or the case closes.
    """
    if file.open_matters():
        return []
    file.change(resolved_at=at)
    file.end_run()
    file.tell_case(
        "resolved",
        tools,
        at=at,
        by=by,
        reason=reason,
        matter_ids=[matter.id for matter in ended],
        elapsed_seconds=max(0.0, (at - file.case.opened_at).total_seconds()),
    )
    own = [clock for clock in file.clocks_of([None]) if clock.is_live and _ends_with_matters(clock)]
    told = file.put_to(own, [Stop(at=at)], tools, actor=by or SYSTEM)
    return told + begin_aftercare(file, tools, at=at, by=by)


def _ends_with_matters(clock: Clock) -> bool:
    """Whether nothing is left to do for it once the matters are resolved; tasks go on until somebody has done them."""
    by_name = clock.target in {UPDATE_CADENCE, NEXT_RESPONSE} or clock.target.startswith(STAGE_PREFIX)
    return by_name and not clock.statutory


def cancel_everything(file: CaseFile, tools: Tools, *, at: datetime, by: str | None, reason: str) -> list[ClockFact]:
    """No promise applies any more."""
    live = [clock for clock in file.clocks if clock.is_live]
    return file.put_to(live, [Cancel(at=at)], tools, actor=by or SYSTEM, said={"reason": reason})
