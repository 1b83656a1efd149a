"""Working on a case: assessing it, waiting and going on, owners and severity."""

from services.crisis.domain.actions.order import Refused, WrongTime
from services.crisis.domain.actions.talks import Doing, addressed
from services.crisis.domain.casefile import CaseFile, Wait
from services.crisis.domain.clocks import Pause, Resume, Stage
from services.crisis.domain.grading import raise_severity
from services.crisis.domain.severity import is_graver
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.timeline import instant_text

DEFAULT_WAIT = "waiting_for_customer"


class ReasonMissing(Refused):
    """A severity is lowered only with a reason."""


class ConflictOfInterest(Refused):
    """The person complained about can neither own, investigate nor approve the case."""


def wait(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Somebody else has to move: the clocks stand still for this reason until `continue`."""
    return _halt(file, doing, update="waiting", summary="Waiting")


def go_on(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The reason to wait is over; without one, every reason is."""
    return _halt(file, doing, update="continued", summary="Going on")


def _halt(file: CaseFile, doing: Doing, *, update: str, summary: str) -> list[ClockFact]:
    order, tools = doing.order, doing.tools
    matters = addressed(file, order)
    owners: list[str | None] = [matter.id for matter in matters]
    if order.matter_id is None:
        owners.append(None)
    code = order.fields.get("waiting_for")
    is_wait = update == "waiting"
    event = Pause(at=doing.at, reason=code or DEFAULT_WAIT) if is_wait else Resume(at=doing.at, reason=code)
    until = order.fields.get("until")
    if is_wait and until is not None:
        if until <= tools.now:
            raise WrongTime("the wait would be over already")
        file.waits.append(Wait(until, code or DEFAULT_WAIT, order.matter_id))
    file.next_version()
    file.tell_case(
        "updated", tools, at=doing.at, by=order.by, reason=order.reason, update=update, matter_id=order.matter_id
    )
    file.note(
        tools,
        f"case.{update}",
        f"{summary}: {code or DEFAULT_WAIT}" if is_wait else summary,
        actor=order.by,
        at=doing.at,
        data={
            "waiting_for": code,
            "until": None if until is None else instant_text(until),
            "matter_id": order.matter_id,
            "reason": order.reason,
        },
    )
    # The reasons belong to the target, not to the cycle: a clock that was stopped may be opened again.
    clocks = [c for c in file.clocks_of(owners) if c.state is not None and c.state.stage is not Stage.CANCELLED]
    return file.put_to(clocks, [event], tools, actor=order.by, said={"reason": code, "at": doing.at})


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
    raise_severity(file, doing.books, tools, because="assessed")
    return []


def start_intervention(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """People begin to act."""
    del doing
    file.next_version()
    return []


def change_severity(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """A person sets the severity; to lower it takes a reason."""
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
    file.note(
        tools,
        "case.severity_changed",
        f"Severity set from {before} to {after}",
        actor=order.by,
        at=doing.at,
        data={"before": before, "after": after, "reason": order.reason},
    )
    return []


def assign(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Give the case an owner, or none."""
    order, tools = doing.order, doing.tools
    before, after = file.case.owner, order.fields.get("owner")
    if after is not None and any(matter.complained_about == after for matter in file.matters.values()):
        raise ConflictOfInterest(f"a complaint of this case is about {after}")
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
