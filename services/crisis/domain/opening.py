"""Opening a case and adding matters to it, whoever asks: a rule, a candidate that was confirmed, or a person."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.crisis.domain.books import Books, Situation
from services.crisis.domain.case import SYSTEM, Case, Matter
from services.crisis.domain.casefile import CaseFile, MatterFact, Tools
from services.crisis.domain.customer import Customer
from services.crisis.domain.grading import explained, raise_severity
from services.crisis.domain.ownership import relieve_owner
from services.crisis.domain.rules import Trigger
from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.severity import Circumstances, Impact, Judgement, heavier
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import STAGE_PREFIX, UPDATE_CADENCE
from services.crisis.domain.starting import matter_clocks, new_clocks, work_again
from services.crisis.domain.statutory import start_statutory
from services.crisis.domain.timeline import instant_text


@dataclass(frozen=True, slots=True)
class NewMatter:
    """What becomes a matter. `received_at` is where its clocks start."""

    type: str
    title: str
    impact: Impact
    received_at: datetime
    dedup: str
    reference: str | None = None
    is_public: bool = False
    regulated: str | None = None
    complained_about: str | None = None
    category: str | None = None
    remedy_sought: str | None = None
    channel: str | None = None
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a new case has to know about the customer's past.

    `service_class` is the best since what happened; `before_drop` the one before the drop that opens the case, if one
    does. Which of them is served is for the policy of the best one to say.
    """

    service_class: ServiceClass
    earlier_cases: int = 0
    previous_case_id: str | None = None
    before_drop: ServiceClass | None = None


def open_case(
    customer: Customer,
    new: NewMatter,
    standing: Standing,
    *,
    number: str,
    rule: str | None,
    by: str | None,
    books: Books,
    tools: Tools,
    drill: bool = False,
) -> tuple[CaseFile, Matter, list[ClockFact]]:
    """The file of a new case with its first matter, its clocks started; answers what the clocks told, too."""
    case = _case(customer, new, standing, number=number, rule=rule, books=books, tools=tools, drill=drill)
    file = CaseFile(case, customer, {}, clocks_loaded=True, is_new=True, has_changed=True)
    matter = file.put(_matter(case, new, tools))
    file.tell_case("opened", tools, by=by, trigger=new.trigger, matter_id=matter.id)
    file.tell(MatterFact("opened", case, matter, tools.now, by=by, trigger=new.trigger, opened_case=True))
    told = file.start(matter_clocks(case, matter.id, tools), matter.received_at, tools)
    told += file.start(new_clocks(case, None, (UPDATE_CADENCE, STAGE_PREFIX + "warning"), tools), tools.now, tools)
    file.note(
        tools,
        "case.opened",
        f"Case opened at {case.severity}: {new.title}",
        actor=by or SYSTEM,
        data={**_about(matter, new), "rule": rule, "service_class": case.service_class, "severity": case.severity}
        | {"policy": case.policy, "escalation_policy": case.escalation_policy, "provisional": case.provisional}
        | {"promises": _promises(file.clocks), "previous_case_id": case.previous_case_id},
    )
    told += start_statutory(file, matter, books, tools)
    return file, matter, told


def add_matter(
    file: CaseFile, new: NewMatter, *, by: str | None, books: Books, tools: Tools
) -> tuple[Matter, list[ClockFact]]:
    """One more matter in an open case, with a promise of its own; the severity may rise.

    Where all the others are resolved, the clocks of the file have to be loaded with their events.
    """
    file.next_version()
    told: list[ClockFact] = []
    if file.case.resolved_at is not None:
        told += work_again(file, tools, action="join", because=f"{new.type} joined the case")
    file.change(impact=heavier(file.case.impact, new.impact), is_public=file.case.is_public or new.is_public)
    matter = file.put(_matter(file.case, new, tools))
    relieve_owner(file, matter, tools)
    file.tell(MatterFact("opened", file.case, matter, tools.now, by=by, trigger=new.trigger))
    clocks = matter_clocks(file.case, matter.id, tools)
    told += file.start(clocks, matter.received_at, tools)
    file.note(
        tools,
        "matter.opened",
        f"Joined the case: {new.title}",
        actor=by or SYSTEM,
        at=min(matter.received_at, tools.now),
        data={**_about(matter, new), "promises": _promises(clocks)},
    )
    told += start_statutory(file, matter, books, tools)
    told += raise_severity(file, books, tools, because=f"{new.type} joined the case")
    return matter, told


def learn(file: CaseFile, known: Matter, new: NewMatter, books: Books, tools: Tools) -> list[ClockFact]:
    """Take over what makes a matter graver than it was known to be; the severity may rise."""
    graver = replace(known, impact=heavier(known.impact, new.impact), is_public=known.is_public or new.is_public)
    if graver == known:
        return []
    file.put(graver)
    file.change(impact=heavier(file.case.impact, graver.impact), is_public=file.case.is_public or graver.is_public)
    return raise_severity(file, books, tools, because="more became known")


def _case(
    customer: Customer,
    new: NewMatter,
    standing: Standing,
    *,
    number: str,
    rule: str | None,
    books: Books,
    tools: Tools,
    drill: bool,
) -> Case:
    judgement, situation, policy = _graded(customer, new, standing, books)
    severity, service_class = situation.severity, situation.service_class
    return Case(
        id=tools.new_id(),
        number=number,
        customer_id=customer.id,
        type=new.type,
        title=new.title,
        severity=severity,
        computed_severity=severity,
        explanation=explained(judgement),
        stage="warning",
        status="open",
        service_class=service_class,
        provisional=not customer.is_graded,
        impact=new.impact,
        is_public=new.is_public,
        opened_at=tools.now,
        version=1,
        policy=policy,
        escalation_policy=books.escalation_for(situation),
        rule=rule,
        earlier_cases=standing.earlier_cases,
        previous_case_id=standing.previous_case_id,
        drill=drill,
        segment=situation.segment,
        channel=situation.channel,
        regime=situation.regime,
    )


def _graded(customer: Customer, new: NewMatter, standing: Standing, books: Books) -> tuple[Judgement, Situation, str]:
    """Severity, class and policy of a new case. The policy of the best class says which class is served."""
    best = standing.service_class
    judgement = books.matrix.judge(_circumstances(customer, new, standing, best))
    situation = Situation(best, new.type, judgement.severity, customer.segment, new.channel, new.regulated)
    policy = books.policy_for(situation)
    served = books.promises.changes(policy).class_at_opening(
        best=best, current=customer.service_class, before_drop=standing.before_drop
    )
    if served == best:
        return judgement, situation, policy
    judgement = books.matrix.judge(_circumstances(customer, new, standing, served))
    situation = replace(situation, service_class=served, severity=judgement.severity)
    return judgement, situation, books.policy_for(situation)


def _circumstances(
    customer: Customer, new: NewMatter, standing: Standing, service_class: ServiceClass
) -> Circumstances:
    return Circumstances(
        service_class=service_class,
        impact=new.impact,
        is_public=new.is_public,
        revenue_currency=customer.revenue_currency,
        revenue_at_least=customer.revenue_at_least,
        earlier_cases=standing.earlier_cases,
    )


def _matter(case: Case, new: NewMatter, tools: Tools) -> Matter:
    return Matter(
        id=tools.new_id(),
        case_id=case.id,
        customer_id=case.customer_id,
        type=new.type,
        reference=new.reference,
        dedup=new.dedup,
        title=new.title,
        status="open",
        impact=new.impact,
        is_public=new.is_public,
        # A producer's clock may run ahead of ours by some minutes; a promise never starts in the future.
        received_at=min(new.received_at, tools.now),
        opened_at=tools.now,
        regulated=new.regulated,
        complained_about=new.complained_about,
        category=new.category,
        remedy_sought=new.remedy_sought,
    )


def _about(matter: Matter, new: NewMatter) -> dict[str, object]:
    return {
        "matter_id": matter.id,
        "type": matter.type,
        "reference": matter.reference,
        "impact": matter.impact,
        "public": matter.is_public,
        "received_at": instant_text(matter.received_at),
        "event_id": new.trigger.event_id if new.trigger else None,
        "event_type": new.trigger.type if new.trigger else None,
    }


def _promises(clocks: Iterable[Clock]) -> dict[str, str | None]:
    """Due instants by target, as promised now."""
    return {
        clock.target: instant_text(clock.state.due_at) if clock.state and clock.state.due_at else None
        for clock in clocks
    }
