"""What crisis knows of a customer: a projection of scoring's snapshots and tier changes, the higher version winning."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from services.crisis.domain.service_class import DEFAULT_CLASS, ServiceClass, best_of

ClassSource = Literal["graded", "default", "override"]
_KEPT = 20
"""Steps of the class history that are kept; a case opens at most some weeks after what it is about."""


@dataclass(frozen=True, slots=True)
class ClassSince:
    """A service class and the instant from which it held."""

    service_class: ServiceClass
    since: datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. `version` 0 means that scoring has not told of it yet: the default class is served, provisionally."""

    id: str
    version: int = 0
    name: str | None = None
    segment: str | None = None
    region: str | None = None
    account_manager: str | None = None
    service_class: ServiceClass = DEFAULT_CLASS
    class_source: ClassSource = "default"
    revenue_currency: str | None = None
    revenue_at_least: Decimal | None = None
    risk_flags: tuple[str, ...] = ()
    history: tuple[ClassSince, ...] = field(default=())

    @property
    def is_known(self) -> bool:
        return self.version > 0

    @property
    def is_graded(self) -> bool:
        """Whether the class is more than the default that stands in for an unknown tier."""
        return self.is_known and self.class_source != "default"

    def best_class_since(self, instant: datetime) -> ServiceClass:
        """The best class that held at `instant` or later: a fall in between loosens nothing."""
        held = [self.service_class]
        for step in reversed(self.history):
            held.append(step.service_class)
            if step.since <= instant:
                break
        return best_of(held)


def with_class(
    customer: Customer, service_class: ServiceClass, *, source: ClassSource, since: datetime, version: int
) -> Customer:
    """The customer in a class that holds `since` then; the history keeps the last steps, in order of their instants."""
    if service_class == customer.service_class and customer.history:
        return replace(customer, class_source=source, version=version)
    steps = sorted((*customer.history, ClassSince(service_class, since)), key=lambda step: step.since)
    return replace(
        customer, service_class=service_class, class_source=source, version=version, history=tuple(steps[-_KEPT:])
    )
