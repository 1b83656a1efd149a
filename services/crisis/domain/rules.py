"""Trigger rules: which events become cases, and of what kind. Documents say it; the first that matches decides."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from services.crisis.domain.conditions import Condition
from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.severity import IMPACTS, Impact

Action = Literal["open", "candidate", "join", "mute"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that may concern a case. `at` is when it happened: clocks of its matter start there.

    `fields` are the event's own, under their published names.
    """

    source: str
    event_id: str
    type: str
    customer_id: str
    at: datetime
    fields: Mapping[str, Any]
    summary: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many events of this type about the customer, this one included, have to lie within a stretch of real time."""

    count: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Breaker:
    """How many cases the rule may open within a stretch of real time before the rest become candidates."""

    cases: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """One trigger rule, compiled. Texts with `{field}` are filled from the event."""

    key: str
    version: int
    order: int
    event_type: str
    where: tuple[Condition, ...]
    service_classes: frozenset[ServiceClass] | None
    threshold: Threshold | None
    action: Action
    case_type: str
    impact_field: str | None
    impact_map: Mapping[str, Impact]
    default_impact: Impact
    is_public: bool | None
    dedup: str
    reference_field: str | None
    title: str
    mute_reason: str | None
    breaker: Breaker | None
    relapse_within: timedelta | None

    def matches(self, trigger: Trigger, *, service_class: ServiceClass, seen: Sequence[datetime]) -> bool:
        """Whether the rule speaks of this event; `seen` are the instants of earlier events of its type and customer."""
        return (
            trigger.type == self.event_type
            and (self.service_classes is None or service_class in self.service_classes)
            and all(condition.holds(trigger.fields) for condition in self.where)
            and (self.threshold is None or self._reached(self.threshold, trigger.at, seen))
        )

    @staticmethod
    def _reached(threshold: Threshold, at: datetime, seen: Sequence[datetime]) -> bool:
        earliest = at - threshold.within
        return 1 + sum(earliest < instant <= at for instant in seen) >= threshold.count

    def impact_of(self, trigger: Trigger) -> Impact:
        """The event's own impact where it names one, else the rule's."""
        value = trigger.fields.get(self.impact_field) if self.impact_field else None
        mapped = self.impact_map.get(str(value), value)
        return mapped if mapped in IMPACTS else self.default_impact

    def dedup_of(self, trigger: Trigger) -> str:
        return filled(self.dedup, {**trigger.fields, "event_id": trigger.event_id})[:512]

    def title_of(self, trigger: Trigger) -> str:
        return filled(self.title, trigger.fields)[:512] or trigger.summary

    def reference_of(self, trigger: Trigger) -> str | None:
        value = trigger.fields.get(self.reference_field) if self.reference_field else None
        return None if value is None else str(value)


def first_match(
    rules: Sequence[Rule], trigger: Trigger, *, service_class: ServiceClass, seen: Sequence[datetime]
) -> Rule | None:
    """The first rule, in their order, that speaks of the event."""
    for rule in rules:
        if rule.matches(trigger, service_class=service_class, seen=seen):
            return rule
    return None


def filled(template: str, fields: Mapping[str, Any]) -> str:
    """`template` with `{field}` replaced by the event's value; a field that is absent leaves nothing."""
    if "{" not in template:
        return template
    return "".join(
        literal + ("" if name is None or fields.get(name) is None else str(fields[name]))
        for literal, name, _, _ in string.Formatter().parse(template)
    )


def placeholders(template: str) -> list[str]:
    """The fields that a template names; raises ValueError where its braces do not match."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
