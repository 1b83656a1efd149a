"""Stored documents, by kind, made ready for decisions."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from services.crisis.documents.escalation_policies import EscalationPolicyDocument, parse_escalation_policy
from services.crisis.documents.naming import AppliesDocument, as_set
from services.crisis.documents.severity_matrix import SeverityMatrixDocument, parse_severity_matrix
from services.crisis.documents.statutory_packs import StatutoryPackDocument, parse_statutory_pack
from services.crisis.documents.targets import PolicyDocument, parse_policy
from services.crisis.documents.trigger_rules import TriggerRuleDocument, parse_trigger_rule
from services.crisis.documents.wait_reasons import WaitReasonsDocument, parse_wait_reasons
from services.crisis.domain.books import Applies
from services.crisis.domain.clocks import Policy
from shared.contracts.errors import pointer_of
from shared.documents import InvalidDocument
from shared.worktime import Calendar, PublishedCalendar

SLA_POLICY: Final = "sla-policy"
CALENDAR: Final = "calendar"
TRIGGER_RULE: Final = "trigger-rule"
SEVERITY_MATRIX: Final = "severity-matrix"
ESCALATION_POLICY: Final = "escalation-policy"
STATUTORY_PACK: Final = "statutory-pack"
WAIT_REASONS: Final = "wait-reasons"
KINDS: Final = (
    SLA_POLICY,
    CALENDAR,
    TRIGGER_RULE,
    SEVERITY_MATRIX,
    ESCALATION_POLICY,
    STATUTORY_PACK,
    WAIT_REASONS,
)

Promising = PolicyDocument | EscalationPolicyDocument | StatutoryPackDocument | WaitReasonsDocument
"""Documents whose durations the fold measures."""
Compiled = Calendar | TriggerRuleDocument | SeverityMatrixDocument | Promising


def compile_document(kind: str, body: Any, published: Any) -> Compiled:
    """The stored document; `published` is what was written down when a calendar was published."""
    match kind:
        case "calendar":
            return Calendar(PublishedCalendar.model_validate(published))
        case "sla-policy":
            return parse_sla_policy(body)
        case "trigger-rule":
            return parse_trigger_rule(body)
        case "severity-matrix":
            return parse_severity_matrix(body)
        case "escalation-policy":
            return parse_escalation_policy(body)
        case "statutory-pack":
            return parse_statutory_pack(body)
        case "wait-reasons":
            return parse_wait_reasons(body)
        case _:
            raise InvalidDocument.at("", "kind", f"there are no documents of the kind {kind!r}")


def parse_sla_policy(raw: object) -> PolicyDocument:
    """A policy that the live engine can choose: `applies` has to be understood. Raises `InvalidDocument`."""
    document = parse_policy(raw)
    applies_of(document)
    return document


def applies_of(document: PolicyDocument | EscalationPolicyDocument | WaitReasonsDocument) -> Applies:
    """The cases that a document is for. Raises `InvalidDocument` for conditions that nobody reads."""
    applies = document.applies
    if not isinstance(applies, AppliesDocument):
        try:
            applies = AppliesDocument.model_validate(applies)
        except ValidationError as error:
            raise InvalidDocument.of(error, prefix="/applies") from None
    return Applies(
        as_set(applies.service_class),
        as_set(applies.case_type),
        as_set(applies.severity),  # type: ignore[arg-type] # spelled as Severity is
        as_set(applies.segment),
        as_set(applies.channel),
        as_set(applies.regime),
    )


def calendars_of(document: Promising) -> list[str]:
    """The keys of the calendars that a document names."""
    targets = policy_of(document).targets.values()
    return sorted({target.calendar for target in targets if target.calendar is not None})


def policy_of(document: Promising) -> Policy:
    """The durations of a document as targets of the fold."""
    match document:
        case EscalationPolicyDocument():
            return document.to_delays()
        case WaitReasonsDocument():
            return document.to_limits()
        case PolicyDocument() | StatutoryPackDocument():
            return document.to_policy()


def calendar_places(document: Promising) -> Iterator[tuple[str, str]]:
    """Pointer and key of every calendar that a document names; the pointer of an escalation's is the document's own."""
    match document:
        case PolicyDocument(targets=targets):
            for name, target in targets.items():
                if target.calendar is not None:
                    yield pointer_of(("targets", name, "calendar")), target.calendar
        case StatutoryPackDocument(steps=steps, extensions=extensions):
            parts = [("steps", index, step.promise) for index, step in enumerate(steps)]
            parts += [("extensions", index, extension.promise) for index, extension in enumerate(extensions)]
            for list_, index, promise in parts:
                if promise is not None and promise.calendar is not None:
                    yield pointer_of((list_, index, "promise", "calendar")), promise.calendar
        case WaitReasonsDocument():
            for place, _, delay in document.limits():
                if delay.calendar is not None:
                    yield pointer_of((*place, "calendar")), delay.calendar
        case EscalationPolicyDocument():
            yield from (("", key) for key in calendars_of(document))
