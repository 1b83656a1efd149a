"""Reading a simulation: every document and event checked one by one, then against each other, all refusals at once."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import orjson
from pydantic_core import PydanticCustomError

from services.crisis.documents.clock_events import (
    AnyEvent,
    RetargetEvent,
    parse_clock_event,
    read_instant,
    to_clock_event,
)
from services.crisis.documents.simulation_bounds import too_large
from services.crisis.documents.targets import PolicyDocument, TargetDocument, parse_policy
from services.crisis.domain.clocks import ClockEvent, Policy
from services.crisis.domain.clocks.instants import to_micros
from shared.contracts.errors import FieldError, pointer_of
from shared.documents import InvalidDocument
from shared.worktime import ALWAYS, Calendar, always, parse_calendar, publish, require_open_time

FIELDS = ("policy", "calendars", "policies", "events", "until")
_REQUIRED = ("policy", "events", "until")
_KEPT_CALENDARS = 64
_Parsed = TypeVar("_Parsed")


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


_Document = TypeVar("_Document", bound=_Keyed)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A request that was understood: every name in it is known."""

    policy: Policy
    policies: Mapping[str, Policy]
    calendars: Mapping[str, Calendar]
    events: Sequence[ClockEvent]
    until: datetime


def understand(body: object, *, calendars: Mapping[str, Calendar], policies: Mapping[str, Policy]) -> Simulation:
    """The simulation that a parsed JSON body asks for, the given published documents being known as well.

    Raises `InvalidDocument` with pointers into the body. The policy may stand among `policies` again, but not changed.
    """
    if not isinstance(body, dict):
        raise InvalidDocument.at("", "type", "the body is an object")
    reading = _Reading(body)
    policy = reading.one("policy", parse_policy)
    until = reading.one("until", _until)
    others = reading.many("policies", parse_policy)
    events = reading.many("events", parse_clock_event)
    inline = reading.many("calendars", _calendar)
    if policy is None or until is None or reading.errors:
        raise InvalidDocument(reading.errors)
    known = {**calendars, **reading.by_key("calendars", inline), ALWAYS: always()}
    documents = reading.by_key("policies", [("/policy", policy), *others])
    first = min((event.at for _, event in events), default=until)
    reading.errors += too_large([event for _, event in events], policy, documents, until)
    for pointer, calendar in inline:
        reading.check(pointer, partial(require_open_time, calendar, effective=to_micros(first)))
    for pointer, target in _targets(documents, others, events, policy):
        if target.calendar is not None and target.calendar not in known:
            reading.refuse(f"{pointer}/calendar", "unknown-calendar", f"there is no calendar {target.calendar!r}")
    _check_names(reading, events, policy, {*policies, *documents})
    if reading.errors:
        raise InvalidDocument(reading.errors)
    return Simulation(
        policy=policy.to_policy(),
        policies={**policies, **{key: document.to_policy() for key, document in documents.items()}},
        calendars=known,
        events=[to_clock_event(event) for _, event in events],
        until=until,
    )


@dataclass(slots=True)
class _Reading:
    """The body, and what is wrong with it so far."""

    body: dict[str, Any]
    errors: list[FieldError] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in self.body:
            if name not in FIELDS:
                self.refuse(pointer_of((name,)), "unknown-field", f"known are {', '.join(FIELDS)}")

    def refuse(self, pointer: str, rule: str, detail: str) -> None:
        self.errors.append(FieldError(pointer, rule, detail))

    def check(self, pointer: str, action: Callable[[], _Parsed]) -> _Parsed | None:
        """What the action answers; None where it refuses, which is noted under the pointer."""
        try:
            return action()
        except InvalidDocument as error:
            self.errors += error.under(pointer).errors
            return None

    def one(self, name: str, parse: Callable[[object], _Parsed]) -> _Parsed | None:
        """A part that must be there."""
        if name not in self.body:
            self.refuse(f"/{name}", "required", f"`{name}` is needed")
            return None
        return self.check(f"/{name}", lambda: parse(self.body[name]))

    def many(self, name: str, parse: Callable[[object], _Parsed]) -> list[tuple[str, _Parsed]]:
        """The elements of a list with their pointers; only `events` must be there."""
        if name not in self.body and name not in _REQUIRED:
            return []
        elements = self.one(name, _list)
        found = []
        for index, raw in enumerate(elements or ()):
            parsed = self.check(f"/{name}/{index}", partial(parse, raw))
            if parsed is not None:
                found.append((f"/{name}/{index}", parsed))
        return found

    def by_key(self, name: str, documents: Sequence[tuple[str, _Document]]) -> dict[str, _Document]:
        """The documents by key; the same one may be sent twice, two different ones may not share a key."""
        known: dict[str, _Document] = {}
        for pointer, document in documents:
            if known.setdefault(document.key, document) != document:
                self.refuse(f"{pointer}/key", "duplicate-key", f"another of the {name} has the key {document.key!r}")
        return known


def _targets(
    documents: Mapping[str, PolicyDocument],
    others: Sequence[tuple[str, PolicyDocument]],
    events: Sequence[tuple[str, AnyEvent]],
    policy: PolicyDocument,
) -> Iterator[tuple[str, TargetDocument]]:
    for pointer, document in [("/policy", policy), *others]:
        if documents[document.key] == document:
            for name, target in document.targets.items():
                yield pointer + pointer_of(("targets", name)), target
    for pointer, event in events:
        if isinstance(event, RetargetEvent) and event.to is not None:
            yield f"{pointer}/to", event.to


def _check_names(
    reading: _Reading, events: Sequence[tuple[str, AnyEvent]], policy: PolicyDocument, policies: set[str]
) -> None:
    for pointer, event in events:
        if event.target is not None and event.target not in policy.targets:
            reading.refuse(f"{pointer}/target", "unknown-target", f"the policy has no target {event.target!r}")
        if isinstance(event, RetargetEvent) and event.policy is not None and event.policy not in policies:
            reading.refuse(f"{pointer}/policy", "unknown-policy", f"there is no policy {event.policy!r}")


def _list(raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise InvalidDocument.at("", "type", "is a list")
    return raw


def _until(raw: object) -> datetime:
    try:
        return read_instant(raw)
    except PydanticCustomError as error:
        raise InvalidDocument.at("", error.type.replace("_", "-"), error.message()) from None


_compiled: OrderedDict[bytes, Calendar] = OrderedDict()
"""The calendars simulated last: publishing and compiling one costs more than folding with it."""


def _calendar(raw: object) -> Calendar:
    """The calendar as it would be published now, with `known_until` as the document states it."""
    try:
        key = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise InvalidDocument.at("", "type", "the calendar is no JSON document") from None
    found = _compiled.get(key)
    if found is None:
        found = Calendar(publish(parse_calendar(raw), derive_known_until=False))
        _compiled[key] = found
        while len(_compiled) > _KEPT_CALENDARS:
            _compiled.popitem(last=False)
    else:
        _compiled.move_to_end(key)
    return found
