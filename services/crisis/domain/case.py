"""The case, a customer's one relationship crisis, and its matters: each complaint, mention or drop that joined."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.severity import Impact, Responsibility, Severity

Stage = Literal["warning", "assessment", "intervention", "repair", "retrospective", "closed", "dismissed", "merged"]
CaseStatus = Literal["open", "closed", "dismissed", "merged"]
MatterStatus = Literal["open", "resolved", "withdrawn", "dismissed"]
SYSTEM = "system"
"""The actor of what nobody did: rules, clocks, other services."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands. `version` covers what people see and edit; a timer that fires does not change it.

    `service_class` is the class that is served: the best since the case opened. `policy` and `escalation_policy` are
    pins (`key@version`) taken at the opening. `provisional` says that the tier was not yet known then.
    """

    id: str
    number: str
    customer_id: str
    type: str
    title: str
    severity: Severity
    computed_severity: Severity
    """The gravest that the matrix has said so far: below a person's own setting only news makes the severity rise."""
    explanation: Mapping[str, Any]
    stage: Stage
    status: CaseStatus
    service_class: ServiceClass
    provisional: bool
    impact: Impact
    is_public: bool
    opened_at: datetime
    version: int
    policy: str
    escalation_policy: str
    rule: str | None = None
    responsibility: Responsibility | None = None
    assessment: Mapping[str, Any] | None = None
    trend: str | None = None
    owner: str | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    reopened_count: int = 0
    earlier_cases: int = 0
    previous_case_id: str | None = None
    drill: bool = False
    merged_into: str | None = None
    """The case that goes on in its place."""
    segment: str | None = None
    """The customer's when the case opened; channel and regime are those of what opened it."""
    channel: str | None = None
    regime: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status == "open"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that the customer is owed an answer on. Its clocks start at `received_at`.

    `dedup` names what it is about: another event with the same one joins this matter instead of making a second.
    """

    id: str
    case_id: str
    customer_id: str
    type: str
    reference: str | None
    dedup: str
    title: str
    status: MatterStatus
    impact: Impact
    is_public: bool
    received_at: datetime
    opened_at: datetime
    regulated: str | None = None
    complained_about: str | None = None
    category: str | None = None
    remedy_sought: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    acknowledged_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status == "open"
