"""The shipped documents of crisis as the domain takes them, without a database."""

import itertools
from datetime import datetime
from functools import cache
from typing import Any

import yaml

from services.crisis.documents.compiling import applies_of, calendars_of, parse_sla_policy, policy_of
from services.crisis.documents.escalation_policies import EscalationPolicyDocument, parse_escalation_policy
from services.crisis.documents.severity_matrix import parse_severity_matrix
from services.crisis.documents.targets import PolicyDocument
from services.crisis.documents.trigger_rules import parse_trigger_rule
from services.crisis.documents.wait_reasons import WaitReasonsDocument, parse_wait_reasons
from services.crisis.domain.actions import Order, perform
from services.crisis.domain.books import Books, Choice
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Fact, Tools
from services.crisis.domain.customer import Customer
from services.crisis.domain.opening import NewMatter, Standing, add_matter, open_case
from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.sla.clock import Clock
from services.crisis.domain.sla.pins import Pin, Promises
from services.crisis.kinds import PRESETS
from shared.worktime import Calendar, parse_calendar, publish


def documents(kind: str) -> list[Any]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((PRESETS / kind).glob("*.yaml"))]


@cache
def shipped_books() -> Books:
    """Version 1 of everything that is shipped."""
    calendars = {raw["key"]: Calendar(publish(parse_calendar(raw))) for raw in documents("calendars")}
    promises = Promises()
    escalations = {}
    wait_rules = {}
    prefixes = {EscalationPolicyDocument: "escalation:", WaitReasonsDocument: "waiting:"}

    def choose(document: PolicyDocument | EscalationPolicyDocument | WaitReasonsDocument) -> Choice:
        named = tuple((key, 1) for key in calendars_of(document))
        pin = Pin(prefixes.get(type(document), "") + document.key, 1, named)
        promises.add(pin, policy_of(document), calendars)
        if isinstance(document, EscalationPolicyDocument):
            escalations[pin.name] = document.to_policy(1)
        elif isinstance(document, WaitReasonsDocument):
            wait_rules[pin.name] = document.to_rules(pin.name)
        return Choice(pin.name, applies_of(document))

    policies = sorted(map(parse_sla_policy, documents("policies")), key=lambda d: (d.order, d.key))
    ladders = sorted(map(parse_escalation_policy, documents("escalation-policies")), key=lambda d: (d.order, d.key))
    rules = sorted(
        (parse_trigger_rule(raw).to_rule(1) for raw in documents("trigger-rules")), key=lambda r: (r.order, r.key)
    )
    return Books(
        rules=tuple(rules),
        matrix=parse_severity_matrix(documents("severity-matrix")[0]).to_matrix(1),
        policies=tuple(map(choose, policies)),
        escalation_choices=tuple(map(choose, ladders)),
        promises=promises,
        escalations=escalations,
        wait_choices=tuple(map(choose, map(parse_wait_reasons, documents("wait-reasons")))),
        wait_rules=wait_rules,
    )


_ids = itertools.count(1)


def tools(now: datetime) -> Tools:
    return Tools(
        now=now, promises=shipped_books().promises, new_id=lambda: f"id-{next(_ids):06d}", new_salt=lambda: "00" * 16
    )


def a_matter(at: datetime, **fields: Any) -> NewMatter:
    given: dict[str, Any] = {
        "type": "complaint",
        "title": "Third late delivery",
        "impact": "medium",
        "received_at": at,
        "dedup": f"complaint:{next(_ids)}",
    }
    return NewMatter(**{**given, **fields})


def an_open_file(
    now: datetime, service_class: ServiceClass = "key", *, customer: Customer | None = None, **fields: Any
) -> CaseFile:
    """A file as `open_case` leaves it, its facts and entries already written."""
    known = customer or Customer("C-1", version=1, service_class=service_class, class_source="graded")
    file, _, _ = open_case(
        known,
        a_matter(now, **fields),
        Standing(service_class),
        number="CR-2026-000001",
        rule=None,
        by=None,
        books=shipped_books(),
        tools=tools(now),
    )
    return saved(file)


def joined(file: CaseFile, now: datetime, **fields: Any) -> Matter:
    matter, _ = add_matter(file, a_matter(now, **fields), by=None, books=shipped_books(), tools=tools(now))
    return matter


def saved(file: CaseFile) -> CaseFile:
    """The file as it would be read again."""
    file.facts.clear()
    file.entries.clear()
    file.changed_matters.clear()
    file.is_new = file.has_changed = file.run_changed = False
    for clock in file.clocks:
        clock.is_new = clock.has_changed = False
        clock.unsaved.clear()
    return file


def do(file: CaseFile, action: str, now: datetime, **fields: Any) -> list[Fact]:
    """Carry out an action; answers what was told of it."""
    own = {name: fields.pop(name) for name in ("reason", "at", "matter_id") if name in fields}
    before = len(file.facts)
    perform(
        file, Order(action, fields.pop("by", "E-1042"), **own, fields=fields), books=shipped_books(), tools=tools(now)
    )
    return file.facts[before:]


def names(facts: list[Fact]) -> list[str]:
    """What was told, in order, like `case.opened` and `clock.met first_response`."""
    told = []
    for fact in facts:
        kind = type(fact).__name__.removesuffix("Fact").lower()
        if kind == "escalation":
            told.append(f"escalation {fact.call.role}")  # type: ignore[union-attr]
        elif kind == "clock":
            told.append(f"clock.{fact.kind} {fact.clock.target}")  # type: ignore[union-attr]
        else:
            told.append(f"{kind}.{fact.kind}")  # type: ignore[union-attr]
    return told


def clock(file: CaseFile, target: str, matter_id: str | None = None) -> Clock:
    found = [c for c in file.clocks if c.target == target and (matter_id is None or c.matter_id == matter_id)]
    assert len(found) == 1, f"{target}: {len(found)}"
    return found[0]
