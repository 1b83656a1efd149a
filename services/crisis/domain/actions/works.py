"""Working on a case: assessing it, owners and severity."""

from services.crisis.domain.actions.order import Refused, refuse_interested
from services.crisis.domain.actions.talks import Doing
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.grading import raise_severity, take_severity
from services.crisis.domain.severity import is_graver
from services.crisis.domain.sla.clock import ClockFact


class ReasonMissing(Refused):
    """A severity is lowered only with a reason."""


def assess(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Write down cause, impact and what the customer wants, and how far we are to blame. It may raise the severity."""
    order, tools = doing.order, doing.tools
    said = {name: order.fields[name] for name in ("cause", "impact", "customer_wants") if order.fields.get(name)}
    assessment = {**(file.case.assessment or {}), **said}
    responsibility = order.fields.get("responsibility") or file.case.responsibility
    file.next_version()
    file.change(assessment=assessment, responsibility=responsibility)
    file.tell_case("updated", tools, at=doing.at, by=order.by, reason=order.reason, update="edit")
    file.note(
        tools,
        "case.assessed",
        "Assessed",
        actor=order.by,
        at=doing.at,
        data={**said, "responsibility": responsibility, "reason": order.reason},
    )
    return raise_severity(file, doing.books, tools, because="assessed")


def start_intervention(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """People begin to act."""
    del doing
    file.next_version()
    return []


def change_severity(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """A person sets the severity; to lower it takes a reason. Where another policy is for it, promises change, too."""
    order, tools = doing.order, doing.tools
    before, after = file.case.severity, order.fields["severity"]
    if after == before:
        return []
    if is_graver(before, after) and not (order.reason or "").strip():
        raise ReasonMissing("say why the severity is lowered")
    file.next_version()
    file.change(severity=after)
    file.tell_case(
        "severity_changed",
        tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        previous_severity=before,
        matrix_version=None,
    )
    told = take_severity(file, doing.books, tools, before, actor=order.by)
    file.note(
        tools,
        "case.severity_changed",
        f"Severity set from {before} to {after}",
        actor=order.by,
        at=doing.at,
        data={"before": before, "after": after, "reason": order.reason, "policy": file.case.policy},
    )
    return told


def assign(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Give the case an owner, or none."""
    order, tools = doing.order, doing.tools
    before, after = file.case.owner, order.fields.get("owner")
    refuse_interested(after, file.matters.values())
    if before == after:
        return []
    file.next_version()
    file.change(owner=after)
    file.tell_case(
        "updated",
        tools,
        at=doing.at,
        by=order.by,
        reason=order.reason,
        update="assigned",
        changes=[("owner", before, after)],
    )
    file.note(
        tools,
        "case.assigned",
        f"Owner: {after or 'nobody'}",
        actor=order.by,
        at=doing.at,
        data={"before": before, "after": after, "reason": order.reason},
    )
    return []
