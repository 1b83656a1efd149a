"""Escalation policies as people write them."""

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from services.crisis.documents.naming import AppliesDocument, Classes, DocumentKey, Names, Order, Severities
from services.crisis.documents.targets import DelayDocument
from services.crisis.domain.clocks import Policy
from services.crisis.domain.escalation import REPEAT, RETRIGGER, STOP, EscalationPolicy, Level
from shared.documents import Document, InvalidDocument

Role = Literal["account_manager", "team_lead", "department_head", "executive_sponsor", "ceo"]


class LevelDocument(Document):
    """A rung: the role that is called, how long it may stay silent, and for which cases the rung is there."""

    role: Role
    acknowledge_within: DelayDocument | None = None
    severity: Severities | None = None
    service_class: Classes | None = None


class RepeatDocument(Document):
    """How often the highest rung is called again while nobody takes notice."""

    every: DelayDocument
    most: Annotated[int, Field(ge=0, le=100)]


class EscalationPolicyDocument(Document):
    """Who is called, in what order, and when it goes on by itself. Level 1 is told by the opening of the case."""

    key: DocumentKey
    name: Names = Field(default_factory=dict)
    order: Order = 100
    applies: AppliesDocument = AppliesDocument()
    levels: Annotated[tuple[LevelDocument, ...], Field(strict=False, min_length=1, max_length=20)]
    raised_by: Annotated[
        tuple[Literal["not_acknowledged", "warning", "breach", "undeliverable"], ...], Field(strict=False)
    ] = ("not_acknowledged", "breach", "undeliverable")
    repeat: RepeatDocument | None = None
    retrigger_after: DelayDocument | None = None
    stop_after: DelayDocument | None = None

    def to_policy(self, version: int) -> EscalationPolicy:
        """The rungs and limits; the delays are `to_delays`."""
        return EscalationPolicy(
            key=self.key,
            version=version,
            levels=tuple(
                Level(
                    level.role,
                    None if level.severity is None else frozenset(level.severity),
                    None if level.service_class is None else frozenset(level.service_class),
                )
                for level in self.levels
            ),
            raised_by=frozenset(self.raised_by),
            repeats=0 if self.repeat is None else self.repeat.most,
        )

    def to_delays(self) -> Policy:
        """The named delays as targets, so that the one fold measures them too."""
        delays = {f"level_{number}": level.acknowledge_within for number, level in enumerate(self.levels, start=1)}
        delays |= {REPEAT: None if self.repeat is None else self.repeat.every}
        delays |= {RETRIGGER: self.retrigger_after, STOP: self.stop_after}
        return Policy(
            self.key, {name: delay.to_target().to_target() for name, delay in delays.items() if delay is not None}
        )


def parse_escalation_policy(raw: object) -> EscalationPolicyDocument:
    """The policy that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        return EscalationPolicyDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
