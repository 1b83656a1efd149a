"""Routes: which events are told to whom, how urgently and with what words.

Routes are tried by ascending `order`, then key; the first that matches ends the search unless it says `continue`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from services.notify.domain.happening import Fact, Happening
from services.notify.domain.urgency import Urgency

AudienceKind = Literal["role", "role_from_event", "person", "person_from_event", "team", "team_channel"]


class While(StrEnum):
    """What must still hold when a message is sent; otherwise it is obsolete."""

    CASE_OPEN = "case_open"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    CLOCK_RUNNING = "clock_running"
    STEP_CURRENT = "step_current"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant: a role for the customer, the role or person that a field of the event names, or somebody fixed."""

    kind: AudienceKind
    value: str

    def named(self, happening: Happening) -> str | None:
        """The role, person or team meant in this case; None where the event's field is empty."""
        if self.kind in ("role_from_event", "person_from_event"):
            return happening.text(self.value)
        return self.value

    def label(self, happening: Happening) -> str:
        """One word for it: the role or id, or the field that names none."""
        return self.named(happening) or f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one fact: one of `any_of`, none of `none_of`, a number of at least `at_least`."""

    name: str
    any_of: tuple[Fact, ...] = ()
    none_of: tuple[Fact, ...] = ()
    at_least: float | None = None

    def holds(self, facts: Mapping[str, Fact]) -> bool:
        value = facts.get(self.name)
        if self.any_of and value not in self.any_of:
            return False
        if self.none_of and value in self.none_of:
            return False
        if self.at_least is None:
            return True
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= self.at_least

    def describe(self) -> str:
        """The test in words, for explanations."""
        parts = []
        if self.any_of:
            parts.append(f"one of {', '.join(map(str, self.any_of))}")
        if self.none_of:
            parts.append(f"none of {', '.join(map(str, self.none_of))}")
        if self.at_least is not None:
            parts.append(f"at least {self.at_least:g}")
        return f"{self.name} is {' and '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Tell:
    """One message that a route sends. `channels` are tried in this order unless the recipient's own rule differs."""

    audience: Audience
    urgency: Urgency
    template: str
    channels: tuple[str, ...]
    acknowledge: bool = False
    conditions: frozenset[While] = frozenset({While.CASE_OPEN})


@dataclass(frozen=True, slots=True)
class Route:
    """One active version of a route document."""

    key: str
    version: int
    order: int
    event_types: frozenset[str]
    conditions: tuple[Condition, ...]
    tells: tuple[Tell, ...]
    goes_on: bool = False
    drills: bool = False


@dataclass(frozen=True, slots=True)
class RouteVerdict:
    """Whether a route matched, and the first test that failed."""

    route: Route
    matched: bool
    because: str


@dataclass(frozen=True, slots=True)
class Routing:
    """All routes that were tried, in order; those matched tell."""

    verdicts: tuple[RouteVerdict, ...] = field(default=())

    @property
    def matched(self) -> tuple[Route, ...]:
        return tuple(verdict.route for verdict in self.verdicts if verdict.matched)


def in_order(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The order in which routes are tried."""
    return tuple(sorted(routes, key=lambda route: (route.order, route.key)))


def route(happening: Happening, routes: Sequence[Route]) -> Routing:
    """Try `routes` (already in order) on an event."""
    verdicts: list[RouteVerdict] = []
    for candidate in routes:
        failed = _first_failure(candidate, happening)
        verdicts.append(RouteVerdict(candidate, failed is None, failed or "every condition holds"))
        if failed is None and not candidate.goes_on:
            break
    return Routing(tuple(verdicts))


def _first_failure(candidate: Route, happening: Happening) -> str | None:
    if happening.type not in candidate.event_types:
        return f"it is for {', '.join(sorted(candidate.event_types))}"
    if happening.is_drill and not candidate.drills:
        return "the event is a drill"
    for condition in candidate.conditions:
        if not condition.holds(happening.facts):
            found = happening.facts.get(condition.name)
            return f"{condition.describe()}: the event has {found!r}"
    return None
