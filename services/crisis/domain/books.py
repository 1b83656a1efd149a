"""The books: every document that decides something, in the versions that hold for one transaction."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime

from services.crisis.domain.clocks import Start, fold
from services.crisis.domain.escalation import Delay, EscalationPolicy
from services.crisis.domain.rules import Rule
from services.crisis.domain.service_class import ServiceClass
from services.crisis.domain.severity import Matrix, Severity
from services.crisis.domain.sla.pins import Promises
from services.crisis.domain.sla.statutes import Pack
from services.crisis.domain.waiting import WaitRules


class NothingApplies(Exception):  # noqa: N818 - a named fact
    """No active document covers this case; one without conditions, last in order, would cover all."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What documents may ask of a case. Segment, channel and regime are of what opened it, None where it has none."""

    service_class: ServiceClass
    case_type: str
    severity: Severity
    segment: str | None = None
    channel: str | None = None
    regime: str | None = None


@dataclass(frozen=True, slots=True)
class Applies:
    """Conditions of a document, all of which have to hold; None holds for every case."""

    service_classes: frozenset[str] | None = None
    case_types: frozenset[str] | None = None
    severities: frozenset[Severity] | None = None
    segments: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    regimes: frozenset[str] | None = None

    def to(self, case: Situation) -> bool:
        return (
            (self.service_classes is None or case.service_class in self.service_classes)
            and (self.case_types is None or case.case_type in self.case_types)
            and (self.severities is None or case.severity in self.severities)
            and (self.segments is None or case.segment in self.segments)
            and (self.channels is None or case.channel in self.channels)
            and (self.regimes is None or case.regime in self.regimes)
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """An active document by its pin, and the cases that it is for."""

    pin: str
    applies: Applies


@dataclass(frozen=True, slots=True)
class Books:
    """Active rules and documents in their order, and pinned versions by pin.

    `escalations`, `packs` and `wait_rules` hold the pinned versions that open cases use, not only the active ones;
    `regimes` has the pins of the active packs by their keys.
    """

    rules: tuple[Rule, ...]
    matrix: Matrix
    policies: tuple[Choice, ...]
    escalation_choices: tuple[Choice, ...]
    promises: Promises
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    regimes: Mapping[str, str] = field(default_factory=dict)
    packs: Mapping[str, Pack] = field(default_factory=dict)
    wait_choices: tuple[Choice, ...] = ()
    wait_rules: Mapping[str, WaitRules] = field(default_factory=dict)

    def policy_for(self, case: Situation) -> str:
        """The pin of the first active SLA policy that covers such a case."""
        return _first(self.policies, case)

    @property
    def severity_chooses_policies(self) -> bool:
        """Whether a case may be promised something else when its severity changes."""
        return any(choice.applies.severities is not None for choice in self.policies)

    def escalation_for(self, case: Situation) -> str:
        """The pin of the first active escalation policy that covers such a case."""
        return _first(self.escalation_choices, case)

    def wait_rules_for(self, case: Situation) -> WaitRules:
        """The first active document of reasons for waiting that covers such a case. Raises NothingApplies."""
        return self.wait_rules[_first(self.wait_choices, case)]

    def pack_for(self, regime: str, received_at: datetime) -> Pack | None:
        """The active pack of a regime that was in force on the date (in UTC) of the receipt."""
        pack = self.packs[self.regimes[regime]] if regime in self.regimes else None
        return pack if pack is not None and pack.holds_on(received_at.astimezone(UTC).date()) else None

    def delay(self, pin: str) -> Delay:
        """How long the named delays of an escalation policy last, by its pinned calendars."""

        def due(name: str, origin: datetime) -> datetime | None:
            part = self.promises.part(pin, (name,))
            if not part.targets:
                return None
            found = fold(part, (Start(at=origin),), calendars=self.promises.calendars, until=origin)
            return found[0].due_at

        return due


def _first(choices: tuple[Choice, ...], case: Situation) -> str:
    for choice in choices:
        if choice.applies.to(case):
            return choice.pin
    raise NothingApplies(", ".join(str(value) for value in astuple(case) if value is not None))
