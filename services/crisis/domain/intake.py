"""Intake: what becomes of an event that may be a crisis: exactly one case, candidate or mute record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.customer import Customer
from services.crisis.domain.opening import NewMatter, Standing, add_matter, learn, open_case
from services.crisis.domain.rules import Rule, Trigger, first_match
from services.crisis.domain.service_class import CLASSES, ServiceClass, best_of
from services.crisis.domain.sla.clock import ClockFact

Outcome = Literal["opened", "joined", "amended", "candidate", "muted"]


@dataclass(frozen=True, slots=True)
class ClosedCase:
    """The customer's last case that is over."""

    id: str
    closed_at: datetime


@dataclass(slots=True)
class Desk:
    """What is known of one customer while a transaction takes in events about him.

    `seen` holds, by event type, the instants of earlier events, as far back as any rule's threshold looks.
    """

    customer: Customer
    file: CaseFile | None = None
    earlier_cases: int = 0
    last_closed: ClosedCase | None = None
    seen: dict[str, list[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event. Either `case_id` or `reason` is given, or the event is a candidate."""

    trigger: Trigger
    outcome: Outcome
    rule: Rule | None = None
    case_id: str | None = None
    matter_id: str | None = None
    reason: str | None = None


class Breakers:
    """How many cases each rule has opened lately; beyond its limit the rest become candidates."""

    def __init__(self, opened: Mapping[str, int]) -> None:
        self._opened = dict(opened)
        self.tripped: set[str] = set()

    def allows(self, rule: Rule) -> bool:
        if rule.breaker is None:
            return True
        if self._opened.get(rule.key, 0) < rule.breaker.cases:
            return True
        self.tripped.add(rule.key)
        return False

    def opened(self, rule: Rule) -> None:
        self._opened[rule.key] = self._opened.get(rule.key, 0) + 1


def take_in(
    desk: Desk, trigger: Trigger, *, books: Books, tools: Tools, numbers: Iterator[str], breakers: Breakers
) -> Taken:
    """Open a case, join the open one, keep a candidate, or mute with a reason; the desk's file changes with it."""
    service_class = class_served(desk.customer, trigger)
    rule = first_match(books.rules, trigger, service_class=service_class, seen=desk.seen.get(trigger.type, ()))
    desk.seen.setdefault(trigger.type, []).append(trigger.at)
    if rule is None:
        return Taken(trigger, "muted", reason="no_rule")
    if rule.action == "mute":
        return Taken(trigger, "muted", rule, reason=rule.mute_reason or "muted_by_rule")
    if desk.file is not None:
        return _join(desk.file, trigger, rule, books, tools)
    if rule.action == "join":
        return Taken(trigger, "muted", rule, reason="no_open_case")
    if rule.action == "candidate" or not breakers.allows(rule):
        return Taken(trigger, "candidate", rule)
    breakers.opened(rule)
    return open_by_rule(
        desk, trigger, rule, books=books, tools=tools, number=next(numbers), service_class=service_class
    )


def open_by_rule(
    desk: Desk, trigger: Trigger, rule: Rule, *, books: Books, tools: Tools, number: str, service_class: ServiceClass
) -> Taken:
    """Open the customer's case for an event, chained to the last one where that was over only lately."""
    last = desk.last_closed
    is_relapse = (
        last is not None and rule.relapse_within is not None and tools.now - last.closed_at <= rule.relapse_within
    )
    previous = last.id if last is not None and is_relapse else None
    standing = Standing(service_class, desk.earlier_cases, previous, before_drop=_before_drop(trigger))
    new = new_matter(trigger, rule)
    file, matter, told = open_case(
        desk.customer, new, standing, number=number, rule=rule.key, by=None, books=books, tools=tools
    )
    desk.file = file
    follow_up(file, told, books, tools)
    return Taken(trigger, "opened", rule, case_id=file.case.id, matter_id=matter.id)


def confirm_candidate(desk: Desk, trigger: Trigger, rule: Rule, *, books: Books, tools: Tools, number: str) -> Taken:
    """A person says that a candidate is one: it joins the customer's open case, or opens one."""
    if desk.file is not None:
        return _join(desk.file, trigger, rule, books, tools)
    service_class = class_served(desk.customer, trigger)
    return open_by_rule(desk, trigger, rule, books=books, tools=tools, number=number, service_class=service_class)


def _join(file: CaseFile, trigger: Trigger, rule: Rule, books: Books, tools: Tools) -> Taken:
    known = file.matter_about(rule.dedup_of(trigger))
    new = new_matter(trigger, rule)
    if known is None or not known.is_open:
        known, told = add_matter(file, new, by=None, books=books, tools=tools)
    else:
        told = _told_again(file, known, new, rule, trigger, books, tools)
    follow_up(file, told, books, tools)
    return Taken(trigger, "joined", rule, case_id=file.case.id, matter_id=known.id)


def _told_again(
    file: CaseFile, known: Matter, new: NewMatter, rule: Rule, trigger: Trigger, books: Books, tools: Tools
) -> list[ClockFact]:
    """Another event about the same matter, which may be graver than was known."""
    file.next_version()
    file.note(
        tools,
        "case.joined",
        f"Another event about the same matter: {trigger.summary}",
        at=min(trigger.at, tools.now),
        data={"matter_id": known.id, "event_id": trigger.event_id, "event_type": trigger.type},
    )
    file.tell_case("updated", tools, reason=rule.key, update="joined", matter_id=known.id)
    return learn(file, known, new, books, tools)


def class_served(customer: Customer, trigger: Trigger) -> ServiceClass:
    """The best class since the event happened; a drop is served at the better of the class before and after."""
    classes = [customer.best_class_since(trigger.at)]
    for name in ("previous_service_class", "service_class"):
        value = trigger.fields.get(name)
        if value in CLASSES:
            classes.append(value)
    return best_of(classes)


def _before_drop(trigger: Trigger) -> ServiceClass | None:
    """The class that a drop came from; None for what is no drop."""
    before = trigger.fields.get("previous_service_class")
    return before if trigger.fields.get("direction") == "downgrade" and before in CLASSES else None


def new_matter(trigger: Trigger, rule: Rule) -> NewMatter:
    """The matter that the rule makes of an event."""
    fields = trigger.fields
    return NewMatter(
        type=rule.case_type,
        title=rule.title_of(trigger),
        impact=rule.impact_of(trigger),
        received_at=trigger.at,
        dedup=rule.dedup_of(trigger),
        reference=rule.reference_of(trigger),
        is_public=fields.get("public") is True if rule.is_public is None else rule.is_public,
        regulated=fields.get("regulated"),
        channel=fields.get("channel") or fields.get("platform"),
        complained_about=fields.get("complained_about"),
        category=fields.get("category"),
        remedy_sought=fields.get("remedy_sought"),
        trigger=trigger,
    )


def windows(rules: Sequence[Rule]) -> dict[str, float]:
    """How far back thresholds look, in seconds, by event type."""
    longest: dict[str, float] = {}
    for rule in rules:
        if rule.threshold is not None:
            seconds = rule.threshold.within.total_seconds()
            longest[rule.event_type] = max(seconds, longest.get(rule.event_type, 0.0))
    return longest
