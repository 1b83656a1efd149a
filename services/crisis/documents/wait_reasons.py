"""Reasons for waiting as people write them: who waits for whom, how long, and what ends it."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.crisis.documents.naming import AppliesDocument, DocumentKey, Language, Names, Order
from services.crisis.documents.targets import DelayDocument
from services.crisis.domain.clocks import Policy, parse_time
from services.crisis.domain.conditions import UnknownCondition, compile_where
from services.crisis.domain.waiting import IN_TOTAL, EndsOn, Reason, WaitRules, one_wait, reason_in_total
from shared.contracts.errors import pointer_of
from shared.documents import Document, InvalidDocument

ENDING_EVENTS: Final = frozenset(
    {
        "customer.complaint.received.v1",
        "customer.complaint.updated.v1",
        "customer.complaint.withdrawn.v1",
        "customer.contract.terminated.v1",
        "customer.interaction.logged.v1",
        "customer.opinion.mentioned.v1",
        "customer.survey.answered.v1",
    }
)
"""What a wait may end on: events that this service reads anyway, about the customer of the case."""
_LONGEST: Final = 366 * 24 * 3_600_000_000
"""Microseconds. A limit of more than a year is none."""
PartyName = Literal["us", "customer", "third_party"]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class EndsOnDocument(Document):
    """An event about the customer that ends the wait, when its fields are as `where` says."""

    type: Annotated[str, Field(min_length=1, max_length=128)]
    where: dict[Annotated[str, Field(min_length=1, max_length=64)], Any] = Field(default_factory=dict)


class WaitReasonDocument(Document):
    """One reason. `at_most` is the limit of one wait, `in_total` of all waits of a clock for this reason."""

    code: Code
    name: Annotated[dict[Language, Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=2)]
    who: PartyName
    for_whom: PartyName
    at_most: DelayDocument
    in_total: DelayDocument | None = None
    beyond: Literal["approval", "never"] = "approval"
    ends_on: Annotated[tuple[EndsOnDocument, ...], Field(strict=False, max_length=20)] = ()

    @model_validator(mode="after")
    def _waits_for_another(self) -> Self:
        if self.who == self.for_whom:
            raise PydanticCustomError("same_party", "Nobody waits for himself: `who` and `for_whom` are two")
        return self


class WaitReasonsDocument(Document):
    """The reasons for which cases that `applies` describes may wait; `in_total` limits all of them together."""

    key: DocumentKey
    name: Names = Field(default_factory=dict)
    order: Order = 100
    applies: AppliesDocument = AppliesDocument()
    in_total: DelayDocument | None = None
    reasons: Annotated[tuple[WaitReasonDocument, ...], Field(strict=False, min_length=1, max_length=100)]

    def limits(self) -> Iterator[tuple[tuple[str | int, ...], str, DelayDocument]]:
        """Every limit: its place in the document, and the name under which it is promised."""
        if self.in_total is not None:
            yield ("in_total",), IN_TOTAL, self.in_total
        for index, reason in enumerate(self.reasons):
            yield ("reasons", index, "at_most"), one_wait(reason.code), reason.at_most
            if reason.in_total is not None:
                yield ("reasons", index, "in_total"), reason_in_total(reason.code), reason.in_total

    def to_limits(self) -> Policy:
        """The limits as targets, so that the one fold measures them too."""
        return Policy(self.key, {name: delay.to_target().to_target() for _, name, delay in self.limits()})

    def to_rules(self, pin: str) -> WaitRules:
        """The value that the engine works with."""
        return WaitRules(pin, {reason.code: _reason(reason) for reason in self.reasons})


def parse_wait_reasons(raw: object) -> WaitReasonsDocument:
    """The reasons that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        document = WaitReasonsDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    _codes_differ(document)
    for place, _, delay in document.limits():
        if parse_time(delay.elapsed or delay.business or "") > _LONGEST:
            raise InvalidDocument.at(pointer_of(place), "too-long", "a limit is at most 366 days of 24 hours")
    for index, reason in enumerate(document.reasons):
        for number, event in enumerate(reason.ends_on):
            _is_heard(event, pointer_of(("reasons", index, "ends_on", number)))
    return document


def _codes_differ(document: WaitReasonsDocument) -> None:
    seen: set[str] = set()
    for index, reason in enumerate(document.reasons):
        if reason.code in seen:
            raise InvalidDocument.at(f"/reasons/{index}/code", "repeated", f"there is a reason {reason.code!r} already")
        seen.add(reason.code)


def _is_heard(event: EndsOnDocument, pointer: str) -> None:
    if event.type not in ENDING_EVENTS:
        heard = ", ".join(sorted(ENDING_EVENTS))
        raise InvalidDocument.at(f"{pointer}/type", "unknown-event", f"a wait may end on: {heard}")
    for field, wanted in event.where.items():
        try:
            compile_where({field: wanted})
        except (UnknownCondition, TypeError) as error:
            raise InvalidDocument.at(pointer + pointer_of(("where", field)), "condition", str(error)) from None


def _reason(document: WaitReasonDocument) -> Reason:
    return Reason(
        code=document.code,
        name={str(language): words for language, words in document.name.items()},
        who=document.who,
        for_whom=document.for_whom,
        may_exceed=document.beyond == "approval",
        ends_on=tuple(EndsOn(event.type, compile_where(event.where)) for event in document.ends_on),
    )
