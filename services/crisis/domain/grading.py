"""Severity and class of an open case: how they change, and what that does to the promises that run."""

from collections.abc import Callable, Iterable
from typing import Final

from services.crisis.domain.books import Books, NothingApplies, Situation
from services.crisis.domain.case import SYSTEM, Case
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Behaviour, Retarget
from services.crisis.domain.customer import Customer
from services.crisis.domain.service_class import ServiceClass, is_better
from services.crisis.domain.severity import Circumstances, Judgement, Severity, gravest, is_graver
from services.crisis.domain.sla.changes import ChangeRules
from services.crisis.domain.sla.clock import Clock, ClockFact

LATE_TIER: Final = "late_tier"
"""The cause of a change where the tier was not known when the case opened."""
MERGED: Final = "merged"
"""The cause of a change where two cases became one."""


def judge(case: Case, customer: Customer, books: Books, *, matters: int) -> Judgement:
    """What the matrix says of the case as it stands."""
    return books.matrix.judge(
        Circumstances(
            service_class=case.service_class,
            impact=case.impact,
            is_public=case.is_public,
            responsibility=case.responsibility,
            revenue_currency=customer.revenue_currency,
            revenue_at_least=customer.revenue_at_least,
            earlier_cases=case.earlier_cases,
            matters=matters,
            reopened=case.reopened_count,
        )
    )


def explained(judgement: Judgement) -> dict[str, object]:
    """A judgement as it is kept on the case."""
    return {
        "matrix_version": judgement.version,
        "steps": [{"factor": step.factor, "value": step.value, "severity": step.severity} for step in judgement.steps],
    }


def raise_severity(file: CaseFile, books: Books, tools: Tools, *, because: str) -> list[ClockFact]:
    """Raise the severity if the matrix now says something graver than it ever said of this case.

    Answers what the clocks told, where another policy is for the new severity.
    """
    judgement = judge(file.case, file.customer, books, matters=len(file.matters))
    before = file.case.severity
    if not is_graver(judgement.severity, file.case.computed_severity):
        return []
    severity = gravest(judgement.severity, before)
    file.change(severity=severity, computed_severity=judgement.severity, explanation=explained(judgement))
    if severity == before:
        return []
    file.tell_case(
        "severity_changed", tools, reason=because, previous_severity=before, matrix_version=judgement.version
    )
    told = take_severity(file, books, tools, before)
    file.note(
        tools,
        "case.severity_raised",
        f"Severity rose from {before} to {severity}: {because}",
        data={"before": before, "after": severity, "explanation": explained(judgement), "policy": file.case.policy},
    )
    return told


def take_severity(
    file: CaseFile, books: Books, tools: Tools, before: Severity, *, actor: str = SYSTEM
) -> list[ClockFact]:
    """Serve the case at the severity that it has now: running promises change as their policies say of that.

    Where another policy is for it, the clocks of the file have to be loaded with their events.
    """
    case = file.case
    served = case.service_class
    pin = _other_choice(books, case, before=(served, before), now=(served, case.severity))
    if pin is None:
        return []
    file.change(policy=pin)
    cause = "severity_raised" if is_graver(case.severity, before) else "severity_lowered"
    return retarget(file, pin, tools, cause=cause, behaviour=lambda rules: rules.on_severity_change, actor=actor)


def change_class(
    file: CaseFile, books: Books, tools: Tools, service_class: ServiceClass, *, cause: str
) -> list[ClockFact]:
    """Serve another class from now on: running promises change as their policies say of a change of tier.

    Where the tier was only late, or cases were merged, they are tightened, whatever the policies say. The clocks of
    the file have to be loaded with their events. Answers what the clocks told.
    """
    before = file.case.service_class
    if service_class == before:
        return []
    severity = file.case.severity
    pin = _other_choice(books, file.case, before=(before, severity), now=(service_class, severity))
    file.next_version(service_class=service_class, policy=pin or file.case.policy)
    told: list[ClockFact] = []
    if pin is not None:
        told = retarget(file, pin, tools, cause=cause, behaviour=_ANYHOW.get(cause, _on_tier_change))
    file.tell_case(
        "updated",
        tools,
        reason=cause,
        update="edit",
        changes=[("service_class", before, service_class)],
    )
    file.note(
        tools,
        "case.class_raised" if is_better(service_class, before) else "case.class_lowered",
        f"Served as {service_class} from now on, was {before}",
        data={"before": before, "after": service_class, "cause": cause, "policy": file.case.policy},
    )
    return told + raise_severity(file, books, tools, because=f"the customer is {service_class}")


def retarget(
    file: CaseFile,
    pin: str,
    tools: Tools,
    *,
    cause: str,
    behaviour: Callable[[ChangeRules], Behaviour],
    actor: str = SYSTEM,
    clocks: Iterable[Clock] | None = None,
) -> list[ClockFact]:
    """Put running clocks under another policy, each as the policy that it stands under says; answers what they told.

    What the law owes is never touched, nor what the other policy does not promise; `keep` leaves a clock where it is.
    Only `clocks` of the file where some are given. One that is full is left as it is, and the timeline says so: what
    comes from outside must not stop there.
    """
    promised = tools.promises.policies[pin].targets
    by_policy: dict[str, list[Clock]] = {}
    for clock in file.clocks if clocks is None else clocks:
        if not clock.is_live or clock.statutory or clock.policy == pin or clock.target not in promised:
            continue
        if clock.is_full:
            _note_full(file, clock, pin, cause, tools)
        else:
            by_policy.setdefault(clock.policy, []).append(clock)
    told: list[ClockFact] = []
    for previous, concerned in by_policy.items():
        how = behaviour(tools.promises.changes(previous))
        if how is Behaviour.KEEP:
            continue
        for clock in concerned:
            clock.policy, clock.has_changed = pin, True
        reason = "restarted" if how is Behaviour.RESTART_NOW else None
        said = {"behaviour": how.value, "cause": cause, "previous_policy": previous, "reason": reason}
        event = Retarget(at=tools.now, policy=pin, behaviour=how)
        told += file.put_to(concerned, [event], tools, actor=actor, said=said, pin=pin)
    return told


def _note_full(file: CaseFile, clock: Clock, pin: str, cause: str, tools: Tools) -> None:
    file.note(
        tools,
        "clock.full",
        f"{clock.target} keeps its promise: it has taken {clock.recorded} events and takes no more",
        data={"clock_id": clock.id, "target": clock.target, "policy": pin, "cause": cause},
    )


def _tighten(_: ChangeRules) -> Behaviour:
    return Behaviour.TIGHTEN_ONLY


def _on_tier_change(rules: ChangeRules) -> Behaviour:
    return rules.on_tier_change


_ANYHOW: Final = {LATE_TIER: _tighten, MERGED: _tighten}


def _other_choice(
    books: Books, case: Case, *, before: tuple[ServiceClass, Severity], now: tuple[ServiceClass, Severity]
) -> str | None:
    """The policy that is for the case now, if another one was for it before the change.

    A newer version of the same one is no reason: what runs keeps its version.
    """
    chosen = books.policy_for(_situation(case, *now))
    try:
        chosen_before = books.policy_for(_situation(case, *before))
    except NothingApplies:
        chosen_before = case.policy
    return None if chosen in {chosen_before, case.policy} else chosen


def situation_of(case: Case) -> Situation:
    """What documents may ask of the case as it stands."""
    return _situation(case, case.service_class, case.severity)


def _situation(case: Case, service_class: ServiceClass, severity: Severity) -> Situation:
    return Situation(service_class, case.type, severity, case.segment, case.channel, case.regime)
