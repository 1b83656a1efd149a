"""Trigger rules as people write them."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.crisis.documents.naming import Classes, DocumentKey, Names, Order
from services.crisis.documents.targets import TimeText
from services.crisis.domain.clocks import parse_time
from services.crisis.domain.conditions import UnknownCondition, compile_where
from services.crisis.domain.rules import Breaker, Rule, Threshold, placeholders
from shared.documents import Document, InvalidDocument

Name = Annotated[str, Field(min_length=1, max_length=64)]
ImpactName = Literal["low", "medium", "high", "critical"]
TRIGGERS: Final = frozenset(
    {
        "customer.complaint.received.v1",
        "customer.opinion.mentioned.v1",
        "customer.contract.breach_reported.v1",
        "customer.contract.milestone_missed.v1",
        "customer.contract.terminated.v1",
        "customer.credit.assessed.v1",
        "customer.interaction.logged.v1",
        "customer.survey.answered.v1",
        "scoring.tier.changed.v1",
    }
)
"""What we read and a rule may name; a rule about anything else would never hold."""


class MatchDocument(Document):
    """Which events a rule speaks of. `service_class` is the class served, the best since the event happened."""

    type: Annotated[str, Field(min_length=1, max_length=128)]
    where: dict[Name, Any] = Field(default_factory=dict)
    service_class: Classes | None = None


class ThresholdDocument(Document):
    """The rule holds from the n-th event of this type about the customer within a stretch of real time."""

    count: Annotated[int, Field(ge=2, le=10_000)]
    within: TimeText


class ImpactDocument(Document):
    """The event's field that says how hard it hits, words that mean an impact, and the impact where nothing is said."""

    field: Name | None = None
    map: dict[Name, ImpactName] = Field(default_factory=dict)
    default: ImpactName = "medium"


class BreakerDocument(Document):
    """So many cases within a stretch of real time; what comes after becomes candidates, and it is told once."""

    cases: Annotated[int, Field(ge=1, le=10_000_000)]
    within: TimeText


class RelapseDocument(Document):
    """What a trigger does soon after the last case was closed: the new case is chained to it."""

    within: TimeText
    do: Literal["chain"] = "chain"


class ThenDocument(Document):
    """What becomes of the event. `dedup` names what it is about: another event with the same one joins that matter."""

    action: Literal["open", "candidate", "join", "mute"]
    type: Name = "other"
    title: Annotated[str, Field(max_length=512)] = ""
    dedup: Annotated[str, Field(min_length=1, max_length=512)] = "{event_id}"
    reference: Name | None = None
    impact: ImpactDocument = ImpactDocument()
    public: bool | None = None
    reason: Name | None = None

    @model_validator(mode="after")
    def _reads_well(self) -> Self:
        for template in (self.title, self.dedup):
            try:
                placeholders(template)
            except ValueError as error:
                raise PydanticCustomError("template", "{why}", {"why": str(error)}) from None
        if self.action == "mute" and self.reason is None:
            raise PydanticCustomError("reason_required", "A rule that mutes says why: `reason`")
        return self


class TriggerRuleDocument(Document):
    """One trigger rule."""

    key: DocumentKey
    name: Names = Field(default_factory=dict)
    order: Order = 100
    match: MatchDocument
    threshold: ThresholdDocument | None = None
    then: ThenDocument
    breaker: BreakerDocument | None = None
    relapse: RelapseDocument | None = None

    def to_rule(self, version: int) -> Rule:
        """The rule that the domain asks."""
        then = self.then
        return Rule(
            key=self.key,
            version=version,
            order=self.order,
            event_type=self.match.type,
            where=compile_where(self.match.where),
            service_classes=None if self.match.service_class is None else frozenset(self.match.service_class),
            threshold=None if self.threshold is None else Threshold(self.threshold.count, _span(self.threshold.within)),
            action=then.action,
            case_type=then.type,
            impact_field=then.impact.field,
            impact_map=then.impact.map,
            default_impact=then.impact.default,
            is_public=then.public,
            dedup=then.dedup,
            reference_field=then.reference,
            title=then.title,
            mute_reason=then.reason,
            breaker=None if self.breaker is None else Breaker(self.breaker.cases, _span(self.breaker.within)),
            relapse_within=None if self.relapse is None else _span(self.relapse.within),
        )


def parse_trigger_rule(raw: object) -> TriggerRuleDocument:
    """The rule that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        document = TriggerRuleDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    if document.match.type not in TRIGGERS:
        read = ", ".join(sorted(TRIGGERS))
        raise InvalidDocument.at("/match/type", "unknown-event", f"a rule may name: {read}")
    for field, wanted in document.match.where.items():
        try:
            compile_where({field: wanted})
        except (UnknownCondition, TypeError) as error:
            raise InvalidDocument.at(f"/match/where/{field}", "condition", str(error)) from None
    return document


def _span(text: str) -> timedelta:
    return timedelta(microseconds=parse_time(text))
