"""Severity and class of an open case: both rise by themselves when something becomes worse or the customer better."""

from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM, Case
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Behaviour, Retarget
from services.crisis.domain.customer import Customer
from services.crisis.domain.service_class import ServiceClass, is_better
from services.crisis.domain.severity import Circumstances, Judgement, gravest, is_graver
from services.crisis.domain.sla.clock import Clock, ClockFact


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


def raise_severity(file: CaseFile, books: Books, tools: Tools, *, because: str) -> None:
    """Raise the severity if the matrix now says something graver than it ever said of this case."""
    judgement = judge(file.case, file.customer, books, matters=len(file.matters))
    before = file.case.severity
    if not is_graver(judgement.severity, file.case.computed_severity):
        return
    severity = gravest(judgement.severity, before)
    file.change(severity=severity, computed_severity=judgement.severity, explanation=explained(judgement))
    if severity == before:
        return
    file.tell_case(
        "severity_changed", tools, reason=because, previous_severity=before, matrix_version=judgement.version
    )
    file.note(
        tools,
        "case.severity_raised",
        f"Severity rose from {before} to {severity}: {because}",
        data={"before": before, "after": severity, "explanation": explained(judgement)},
    )


def raise_class(
    file: CaseFile, books: Books, tools: Tools, service_class: ServiceClass, *, cause: str
) -> list[ClockFact]:
    """Serve a better class from now on: promises that run are tightened, never loosened. A worse class changes nothing.

    The clocks of the file have to be loaded with their events. Answers what the clocks told.
    """
    before = file.case.service_class
    if not is_better(service_class, before):
        return []
    pin = books.policy_for(service_class, file.case.type, file.case.severity)
    file.next_version(service_class=service_class, policy=pin)
    told = _retarget(file, pin, tools, cause=cause)
    file.tell_case(
        "updated",
        tools,
        reason=cause,
        update="edit",
        changes=[("service_class", before, service_class)],
    )
    file.note(
        tools,
        "case.class_raised",
        f"Served as {service_class} from now on, was {before}",
        data={"before": before, "after": service_class, "cause": cause, "policy": pin},
    )
    raise_severity(file, books, tools, because=f"the customer is {service_class}")
    return told


def _retarget(file: CaseFile, pin: str, tools: Tools, *, cause: str) -> list[ClockFact]:
    """Tighten running clocks by another policy; what the law owes is never touched. Answers what the clocks told."""
    promised = tools.promises.policies[pin].targets
    by_policy: dict[str, list[Clock]] = {}
    for clock in file.clocks:
        if clock.is_live and not clock.statutory and clock.policy != pin and clock.target in promised:
            by_policy.setdefault(clock.policy, []).append(clock)
    event = Retarget(at=tools.now, policy=pin, behaviour=Behaviour.TIGHTEN_ONLY)
    told: list[ClockFact] = []
    for previous, clocks in by_policy.items():
        for clock in clocks:
            clock.policy, clock.has_changed = pin, True
        said = {"behaviour": event.behaviour.value, "cause": cause, "previous_policy": previous}
        told += file.put_to(clocks, [event], tools, actor=SYSTEM, said=said, pin=pin)
    return told
