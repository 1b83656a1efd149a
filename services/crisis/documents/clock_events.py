"""Clock events as JSON: what simulate takes, and the domain events that they stand for."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self, assert_never

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.crisis.documents.targets import Key, PeriodText, TargetDocument
from services.crisis.domain.clocks import (
    Behaviour,
    Cancel,
    ClockEvent,
    Extend,
    Pause,
    Reopen,
    ReopenMode,
    Resume,
    Retarget,
    Start,
    Stop,
    parse_period,
)
from shared.contracts.instants import parse_instant
from shared.documents import Document, InvalidDocument

LAST_YEAR = 2199
"""Instants of later years are refused: calendars answer until 2398, and a target may take twenty years."""


def read_instant(value: object) -> datetime:
    """The aware UTC instant of an RFC 3339 text. Raises `PydanticCustomError` for anything else."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        instant = value.astimezone(UTC)
    elif isinstance(value, str):
        try:
            instant = parse_instant(value)
        except ValueError as error:
            raise PydanticCustomError(
                "instant_format", "An instant is written 2026-03-29T01:30:00Z: {why}", {"why": str(error)}
            ) from None
    else:
        raise PydanticCustomError("instant_format", "An instant is text like 2026-03-29T01:30:00Z")
    if instant.year > LAST_YEAR:
        raise PydanticCustomError("instant_range", "Instants after {year} are not taken", {"year": LAST_YEAR})
    return instant


Instant = Annotated[datetime, BeforeValidator(read_instant)]
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class _EventDocument(Document):
    at: Instant
    target: Key | None = None


class PlainEvent(_EventDocument):
    """An event that says everything by its type."""

    type: Literal["start", "stop", "cancel"]


class PauseEvent(_EventDocument):
    """A pause has a reason: nobody stands still without saying why."""

    type: Literal["pause"]
    reason: Reason


class ResumeEvent(_EventDocument):
    """Without a reason, every reason ends."""

    type: Literal["resume"]
    reason: Reason | None = None


class RetargetEvent(_EventDocument):
    """Another promise: the target of the same name in `policy`, or the target document `to`."""

    type: Literal["retarget"]
    policy: Key | None = None
    to: TargetDocument | None = None
    behaviour: Literal["keep", "retarget_from_start", "restart_now", "prorate", "tighten_only"]

    @model_validator(mode="after")
    def _names_one_promise(self) -> Self:
        if (self.policy is None) == (self.to is None):
            raise PydanticCustomError("policy_or_to", "A retarget has exactly one of `policy` and `to`")
        if self.to is not None and self.target is None:
            raise PydanticCustomError("target_required", "A retarget with `to` says which `target` it is about")
        return self


class ReopenEvent(_EventDocument):
    """Without a mode, as the policy says."""

    type: Literal["reopen"]
    mode: Literal["resume", "resume_including_closed", "new_cycle", "invalidate_previous"] | None = None


class ExtendEvent(_EventDocument):
    """An approved extension, by a calendar period or until an instant."""

    type: Literal["extend"]
    by: PeriodText | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _says_how_far(self) -> Self:
        if (self.by is None) == (self.until is None):
            raise PydanticCustomError("by_or_until", "An extension has exactly one of `by` and `until`")
        return self


AnyEvent = PlainEvent | PauseEvent | ResumeEvent | RetargetEvent | ReopenEvent | ExtendEvent
_MODELS: dict[object, type[AnyEvent]] = {
    "start": PlainEvent,
    "stop": PlainEvent,
    "cancel": PlainEvent,
    "pause": PauseEvent,
    "resume": ResumeEvent,
    "retarget": RetargetEvent,
    "reopen": ReopenEvent,
    "extend": ExtendEvent,
}


def parse_clock_event(raw: object) -> AnyEvent:
    """The event that JSON holds. Raises `InvalidDocument` with pointers from the event's root."""
    if not isinstance(raw, dict):
        raise InvalidDocument.at("", "type", "an event is an object with `at` and `type`")
    if "type" not in raw:
        raise InvalidDocument.at("/type", "required", f"an event has a type: {', '.join(map(str, _MODELS))}")
    kind = raw["type"]
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidDocument.at(
            "/type", "unknown-event-type", f"an event's type is one of {', '.join(map(str, _MODELS))}"
        )
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None


def to_clock_event(document: AnyEvent) -> ClockEvent:
    """The domain event that the document stands for."""
    at, target = document.at, document.target
    match document:
        case PlainEvent(type=kind):
            plain: dict[str, type[Start | Stop | Cancel]] = {"start": Start, "stop": Stop, "cancel": Cancel}
            return plain[kind](at=at, target=target)
        case PauseEvent(reason=reason):
            return Pause(at=at, target=target, reason=reason)
        case ResumeEvent(reason=maybe):
            return Resume(at=at, target=target, reason=maybe)
        case RetargetEvent(behaviour=behaviour, policy=policy, to=to):
            new = None if to is None else to.to_target()
            return Retarget(at=at, target=target, behaviour=Behaviour(behaviour), policy=policy, to=new)
        case ReopenEvent(mode=mode):
            return Reopen(at=at, target=target, mode=None if mode is None else ReopenMode(mode))
        case ExtendEvent(by=by, until=until):
            return Extend(at=at, target=target, by=None if by is None else parse_period(by), until=until)
        case _:
            assert_never(document)
