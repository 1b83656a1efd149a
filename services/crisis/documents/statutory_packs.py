"""Statutory packs as people write them: the limits of one regime, each with its rule, unit and source.

A pack is content, not legal advice: it says how well each figure is established, and who uses it checks it.
"""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.crisis.documents.naming import DocumentKey, Language
from services.crisis.documents.targets import Department, TargetDocument
from services.crisis.domain.clocks import Policy
from services.crisis.domain.sla.statutes import COUNTERPARTS, FINAL_ANSWER, NOTICE, Extension, Pack
from shared.documents import Document, InvalidDocument
from shared.worktime.document import CivilDate

_EXTENDED = "extended_"
Texts = Annotated[
    dict[Language, Annotated[str, Field(min_length=1, max_length=2000)]], Field(min_length=2, max_length=2)
]
"""Words in both languages."""
Unit = Literal["hours", "calendar_days", "business_days", "calendar_weeks", "calendar_months"]
Established = Literal["primary", "quoted", "secondary", "unchecked"]
"""How the figure was found: the text itself, quoted from it with its section, told by a third party, or not checked."""
TargetName = Literal["statutory_acknowledge", "statutory_response", "statutory_update", "final_answer"]


class StepDocument(Document):
    """A limit that the regime sets. Without `target` and `promise` it is for people to read and starts no clock."""

    step: Texts
    limit: Annotated[str, Field(min_length=1, max_length=200)]
    unit: Unit
    rule: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(min_length=1, max_length=2000)]
    established: Established
    target: TargetName | None = None
    promise: TargetDocument | None = None

    @model_validator(mode="after")
    def _starts_a_clock_or_none(self) -> Self:
        if (self.target is None) != (self.promise is None):
            raise PydanticCustomError("target_and_promise", "A step has both `target` and `promise`, or neither")
        _refuse_own_statute(self.promise)
        return self


class ExtensionDocument(Document):
    """How far the final answer may be put off, counted from the receipt; approved by a person, for a reason."""

    promise: TargetDocument
    rule: Annotated[str, Field(min_length=1, max_length=200)]
    notice: bool = False

    @model_validator(mode="after")
    def _takes_its_source_from_the_pack(self) -> Self:
        _refuse_own_statute(self.promise)
        return self


class StatutoryPackDocument(Document):
    """The limits of one regime. Its key is what a complaint's `regulated` says; `department` owes what names none."""

    key: DocumentKey
    regime: Annotated[str, Field(min_length=1, max_length=200)]
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Texts
    disclaimer: Texts
    note: Texts | None = None
    department: Department | None = None
    effective_from: CivilDate | None = None
    effective_to: CivilDate | None = None
    steps: Annotated[tuple[StepDocument, ...], Field(strict=False, min_length=1, max_length=50)]
    extensions: Annotated[tuple[ExtensionDocument, ...], Field(strict=False, max_length=10)] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        named = [step.target for step in self.steps if step.target is not None]
        if not named:
            raise PydanticCustomError("no_clock", "No step has a target: the pack would start no clock")
        if len(named) != len(set(named)):
            raise PydanticCustomError("repeated_target", "Two steps have the same target")
        if self.extensions and FINAL_ANSWER not in named:
            raise PydanticCustomError("extension_of_nothing", "Extensions put off the final_answer, and there is none")
        if sum(extension.notice for extension in self.extensions) > 1:
            raise PydanticCustomError("repeated_notice", "At most one extension owes a notice")
        if self.effective_from and self.effective_to and self.effective_to < self.effective_from:
            raise PydanticCustomError("inverted_dates", "`effective_to` is not before `effective_from`")
        return self

    def to_policy(self) -> Policy:
        """The limits as statutory targets; `extended_1` and so on are only asked how far they reach."""
        promises: dict[str, TargetDocument] = {
            step.target: step.promise for step in self.steps if step.target and step.promise
        }
        extended = {f"{_EXTENDED}{number}": one.promise for number, one in enumerate(self.extensions, start=1)}
        notice: dict[str, TargetDocument] = {}
        for number, one in enumerate(self.extensions):
            if one.notice:
                notice = {NOTICE: promises[FINAL_ANSWER] if number == 0 else self.extensions[number - 1].promise}
        targets = {
            name: replace(promise.to_target(department=self.department), statutory=True)
            for name, promise in {**promises, **notice, **extended}.items()
        }
        return Policy(self.key, targets)

    def to_pack(self, pin: str) -> Pack:
        """The value that the engine works with."""
        steps = {step.target: step for step in self.steps if step.target}
        return Pack(
            pin=pin,
            key=self.key,
            regime=self.regime,
            targets=tuple(name for name in COUNTERPARTS if name in steps),
            sources={str(name): f"{step.rule}; {step.source}" for name, step in steps.items()},
            extensions=tuple(
                Extension(f"{_EXTENDED}{number}", one.notice) for number, one in enumerate(self.extensions, start=1)
            ),
            effective_from=self.effective_from,
            effective_to=self.effective_to,
        )


def parse_statutory_pack(raw: object) -> StatutoryPackDocument:
    """The pack that JSON or YAML holds. Raises `InvalidDocument` with pointers from the document's root."""
    try:
        return StatutoryPackDocument.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None


def _refuse_own_statute(promise: TargetDocument | None) -> None:
    if promise is not None and promise.statutory is not None:
        raise PydanticCustomError("statutory", "Every target of a pack is statutory; leave `statutory` out")
