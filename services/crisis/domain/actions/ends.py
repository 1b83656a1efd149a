"""Ending: matters resolved, cases closed or dismissed, and opened again."""

from dataclasses import replace

from services.crisis.domain.actions.by_law import refuse_while_owed
from services.crisis.domain.actions.order import Refused
from services.crisis.domain.actions.talks import Doing, concerned
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import Reopen, ReopenMode, Stage
from services.crisis.domain.ending import FULFILLED, cancel_everything, case_resolved, end_matters
from services.crisis.domain.escalation import restart
from services.crisis.domain.grading import raise_severity
from services.crisis.domain.pausing import end_waits
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.sla.pins import UPDATE_CADENCE
from services.crisis.domain.starting import call_off_aftercare
from services.crisis.domain.timeline import instant_text


def resolve(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Resolve a matter, or all that were open by then; with the last one the case is resolved."""
    order, tools = doing.order, doing.tools
    matters = concerned(file, doing)
    if not matters:
        raise Refused("no matter was open then")
    file.next_version()
    told = end_matters(
        file,
        matters,
        tools,
        status="resolved",
        at=doing.at,
        by=order.by,
        resolution=order.fields.get("resolution"),
        reason=order.reason,
    )
    file.note(
        tools,
        "matter.resolved",
        f"{len(matters)} matter(s) resolved",
        actor=order.by,
        at=doing.at,
        data={
            "matter_ids": [matter.id for matter in matters],
            "resolution": order.fields.get("resolution"),
            "text": order.fields.get("text"),
            "reason": order.reason,
        },
    )
    ended = [file.matters[matter.id] for matter in matters]
    return told + case_resolved(file, ended, tools, at=doing.at, by=order.by, reason=order.reason)


def start_repair(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Nothing is open any more: trust is repaired next."""
    del doing
    file.next_version()
    return []


def close(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Nothing is left to do, by statute neither."""
    refuse_while_owed(file)
    order, tools = doing.order, doing.tools
    file.next_version()
    file.change(
        status="closed",
        closed_at=doing.at,
        outcome=order.fields.get("outcome"),
        resolved_at=file.case.resolved_at or doing.at,
    )
    file.end_run()
    told = cancel_everything(file, tools, at=doing.at, by=order.by, reason="case_closed")
    told += end_waits(file, file.open_waits(), tools, at=doing.at, because="case_closed", by=order.by)
    file.tell_case("closed", tools, at=doing.at, by=order.by, reason=order.reason)
    file.note(
        tools,
        "case.closed",
        "Case closed",
        actor=order.by,
        at=doing.at,
        data={"outcome": order.fields.get("outcome"), "reason": order.reason},
    )
    return told


def dismiss(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """It was no crisis: no promise applies, and nothing of it counts."""
    order, tools = doing.order, doing.tools
    if not (order.reason or "").strip():
        raise Refused("say why the case is dismissed")
    file.next_version()
    told = end_matters(
        file,
        file.open_matters(),
        tools,
        status="dismissed",
        at=doing.at,
        by=order.by,
        resolution="dismissed",
        reason=order.reason,
    )
    file.change(status="dismissed", closed_at=doing.at)
    file.end_run()
    told += cancel_everything(file, tools, at=doing.at, by=order.by, reason="case_dismissed")
    told += end_waits(file, file.open_waits(), tools, at=doing.at, because="case_dismissed", by=order.by)
    file.tell_case("dismissed", tools, at=doing.at, by=order.by, reason=order.reason)
    file.note(tools, "case.dismissed", "Case dismissed", actor=order.by, at=doing.at, data={"reason": order.reason})
    return told


def reopen(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Open again a resolved matter, or all of them. The promises of a resolution run again, as the mode says."""
    order, tools = doing.order, doing.tools
    _refuse_beyond_window(file, doing)
    matters = _to_reopen(file, doing)
    mode = order.fields.get("mode")
    file.next_version()
    for matter in matters:
        file.put(replace(matter, status="open", resolved_at=None, resolution=None))
    case = file.change(
        status="open",
        closed_at=None,
        resolved_at=None,
        outcome=None,
        reopened_count=file.case.reopened_count + 1,
    )
    told = _restart_clocks(file, matters, doing, mode)
    named = mode or tools.promises.policies[case.policy].reopen.value
    file.tell_case(
        "reopened",
        tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        mode=named,
        matter_ids=[matter.id for matter in matters],
        reopened_count=case.reopened_count,
    )
    file.note(
        tools,
        "case.reopened",
        f"Opened again, {len(matters)} matter(s): {named}",
        actor=order.by,
        at=doing.at,
        data={"matter_ids": [matter.id for matter in matters], "mode": named, "reason": order.reason},
    )
    return told + raise_severity(file, doing.books, tools, because="reopened")


def _restart_clocks(file: CaseFile, matters: list[Matter], doing: Doing, mode: str | None) -> list[ClockFact]:
    """The clocks that were fulfilled go on as the mode says; the escalation begins again above level 1."""
    if file.run is not None:
        file.set_run(restart(file.run))
    owners = [*(matter.id for matter in matters), None]
    clocks = [
        clock
        for clock in file.clocks_of(owners, (*FULFILLED, UPDATE_CADENCE))
        if clock.state is not None and clock.state.stage is Stage.COMPLETED
    ]
    event = Reopen(at=doing.at, mode=None if mode is None else ReopenMode(mode))
    said = {"reason": doing.order.reason, "at": doing.at}
    told = file.put_to(clocks, [event], doing.tools, actor=doing.order.by, said=said)
    return told + call_off_aftercare(file, doing.tools, at=doing.at)


def _refuse_beyond_window(file: CaseFile, doing: Doing) -> None:
    """A case that has been over for longer than its policy's relapse window stays so."""
    window, closed_at = doing.tools.promises.changes(file.case.policy).relapse_window, file.case.closed_at
    if window is not None and closed_at is not None and doing.tools.now - closed_at > window:
        until = instant_text(closed_at + window)
        raise Refused(f"the case could be opened again until {until}: what happens now is another case")


def _to_reopen(file: CaseFile, doing: Doing) -> list[Matter]:
    named = doing.order.matter_id
    resolved = [m for m in file.matters.values() if m.status == "resolved" and named in {None, m.id}]
    if not resolved:
        raise Refused("no matter is resolved" if named is None else f"the matter {named} is not resolved")
    return resolved
