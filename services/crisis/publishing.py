"""Domain facts become contract events here, and nowhere else."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, assert_never

from services.crisis.domain.case import Case
from services.crisis.domain.casefile import CaseFact, CaseFile, EscalationFact, Fact, MatterFact
from services.crisis.domain.rules import Rule, Trigger
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.timeline import instant_text
from services.crisis.library import plain_key
from services.crisis.publishing_clocks import SOURCE, clock_payload, clock_told, is_told_shortly
from shared.contracts import Payload, event_of
from shared.contracts import crisis as contract
from shared.db.unit_of_work import UnitOfWork
from shared.ids import new_id

TOPIC: Final = contract.TOPIC

_CASES: Final[dict[str, type[Payload]]] = {
    "opened": contract.CaseOpened,
    "updated": contract.CaseUpdated,
    "severity_changed": contract.CaseSeverityChanged,
    "stage_changed": contract.CaseStageChanged,
    "acknowledged": contract.CaseAcknowledged,
    "resolved": contract.CaseResolved,
    "closed": contract.CaseClosed,
    "reopened": contract.CaseReopened,
    "dismissed": contract.CaseDismissed,
    "merged": contract.CaseMerged,
}


def publish_files(work: UnitOfWork, files: Iterable[CaseFile]) -> None:
    """Put what happened in these files on the topic, in the order in which it happened."""
    now = instant_text(work.now)
    for file in files:
        subject = file.case.customer_id
        for fact in file.facts:
            if isinstance(fact, ClockFact) and is_told_shortly(fact):
                work.publish(TOPIC, clock_told(file, fact, fired_at=now))
                continue
            payload, at = _payload(file, fact, work.now)
            work.publish(TOPIC, event_of(payload, id=new_id(), source=SOURCE, subject=subject, time=at))


def publish_tripped(work: UnitOfWork, rule: Rule) -> None:
    """Tell that a rule opened too many cases."""
    assert rule.breaker is not None
    payload = contract.RuleTripped(
        rule=rule.key,
        rule_version=rule.version,
        cases=rule.breaker.cases,
        within_seconds=rule.breaker.within.total_seconds(),
        role="team_lead",
        tripped_at=work.now,
    )
    event = event_of(payload, id=new_id(), source=SOURCE, subject=f"rule:{rule.key}", time=work.now)
    work.publish(TOPIC, event)


def _payload(file: CaseFile, fact: Fact, now: datetime) -> tuple[Payload, datetime]:
    match fact:
        case CaseFact():
            return _CASES[fact.kind](**_case(file, fact.case), **_case_detail(fact)), fact.at
        case MatterFact():
            return _matter(file, fact), fact.at
        case ClockFact():
            return clock_payload(file, fact, now), fact.at
        case EscalationFact():
            return _escalation(file, fact, now), fact.call.at
        case _:
            assert_never(fact)


def _case(file: CaseFile, case: Case) -> dict[str, Any]:
    return {
        "case_id": case.id,
        "number": case.number,
        "customer_id": case.customer_id,
        "customer_name": file.customer.name,
        "type": case.type,
        "severity": case.severity,
        "stage": case.stage,
        "status": case.status,
        "service_class": case.service_class,
        "title": case.title,
        "owner": case.owner,
        "account_manager": file.customer.account_manager,
        "opened_at": case.opened_at,
        "version": case.version,
        "drill": case.drill,
    }


def _case_detail(fact: CaseFact) -> dict[str, Any]:
    case, detail = fact.case, fact.detail
    said: dict[str, Any] = {"at": fact.at, "by": fact.by, "reason": fact.reason}
    match fact.kind:
        case "opened":
            said |= {
                "trigger": _trigger(detail.get("trigger")),
                "rule": case.rule,
                "matter_id": detail.get("matter_id"),
                "provisional": case.provisional,
            }
        case "updated":
            said |= {
                "kind": detail["update"],
                "matter_id": detail.get("matter_id"),
                "trend": detail.get("trend"),
                "changes": [
                    contract.Change(field=field, before=before, after=after)
                    for field, before, after in detail.get("changes", ())
                ],
            }
        case "severity_changed" | "stage_changed" | "acknowledged" | "resolved" | "reopened" | "merged":
            said |= detail
        case "closed":
            said |= {"outcome": case.outcome, "resolved_at": case.resolved_at}
        case "dismissed":
            pass
        case _:
            assert_never(fact.kind)
    return said


def _matter(file: CaseFile, fact: MatterFact) -> Payload:
    case, matter = fact.case, fact.matter
    fields: dict[str, Any] = {
        "matter_id": matter.id,
        "case_id": case.id,
        "number": case.number,
        "customer_id": case.customer_id,
        "customer_name": file.customer.name,
        "type": matter.type,
        "reference": matter.reference,
        "title": matter.title,
        "impact": matter.impact,
        "regulated": matter.regulated,
        "public": matter.is_public,
        "severity": case.severity,
        "service_class": case.service_class,
        "owner": case.owner,
        "account_manager": file.customer.account_manager,
        "opened_at": matter.opened_at,
        "at": fact.at,
        "version": case.version,
        "drill": case.drill,
    }
    if fact.kind == "opened":
        return contract.MatterOpened(**fields, trigger=_trigger(fact.trigger), opened_case=fact.opened_case)
    return contract.MatterResolved(**fields, resolution=matter.resolution, by=fact.by, reason=fact.reason)


def _trigger(trigger: Trigger | None) -> contract.Trigger | None:
    if trigger is None:
        return None
    return contract.Trigger(event_id=trigger.event_id, type=trigger.type, at=trigger.at, summary=trigger.summary)


def _escalation(file: CaseFile, fact: EscalationFact, now: datetime) -> Payload:
    case, run, about = fact.case, fact.call.run, fact.call.run.about
    policy, version = plain_key(case.escalation_policy)
    return contract.EscalationRaised(
        escalation_id=run.id,
        case_id=case.id,
        number=case.number,
        matter_id=about.matter_id,
        customer_id=case.customer_id,
        customer_name=file.customer.name,
        title=case.title,
        type=case.type,
        severity=case.severity,
        stage=case.stage,
        service_class=case.service_class,
        owner=case.owner,
        account_manager=file.customer.account_manager,
        policy=policy,
        policy_version=version,
        level=run.level,
        role=fact.call.role,
        reason=run.reason,
        clock_id=about.clock_id,
        target=about.target,
        due_at=about.due_at,
        step=run.step,
        repeat=run.repeat,
        acknowledge_by=run.next_at,
        at=fact.call.at,
        fired_at=now,
        version=case.version,
        drill=case.drill,
    )
