"""From an event to intents: who is told of it, over which channels, and who is not and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.notify.domain.directory import ContactPoint, Directory
from services.notify.domain.happening import Happening
from services.notify.domain.roles import Recipient, Resolution, resolve
from services.notify.domain.routes import Audience, Route, Routing, Tell, route
from services.notify.domain.urgency import Urgency

NOBODY = "nobody"
NO_CONTACT_POINT = "no_contact_point"
ALREADY_TOLD = "already-told"
"""The rule that keeps one event from reaching one recipient twice."""

MUST_REACH = frozenset({"crisis.escalation.raised.v1"})
"""Events that are never silent: one that no route matches is an undeliverable message."""


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One recipient of a message. `channels` in the order of trying; empty when there is no contact point."""

    recipient: str
    person: str | None
    channels: tuple[str, ...]
    first_channel: str
    why_channels: tuple[str, ...]
    suppressed_because: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """What one line of one route says about one event. `unreachable` is set when nobody at all can be told."""

    rule: str
    route: str
    route_version: int
    tell: Tell
    audience: str
    steps: tuple[str, ...]
    deliveries: tuple[PlannedDelivery, ...]
    unreachable: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that follows from one event."""

    happening: Happening
    routing: Routing
    messages: tuple[PlannedMessage, ...]


def plan(happening: Happening, routes: Sequence[Route], directory: Directory, now: datetime) -> Plan:
    """Decide who is told of `happening`; `routes` are in order."""
    routing = route(happening, routes)
    messages = [
        _message(matched, index, tell, happening, directory, now)
        for matched in routing.matched
        for index, tell in enumerate(matched.tells)
    ]
    if not messages and happening.type in MUST_REACH and not happening.is_drill:
        messages.append(_unrouted(happening))
    return Plan(happening, routing, _tell_each_once(messages))


def _message(
    matched: Route, index: int, tell: Tell, happening: Happening, directory: Directory, now: datetime
) -> PlannedMessage:
    resolution = resolve(tell.audience, happening, directory, now)
    deliveries = tuple(_delivery(recipient, tell, directory) for recipient in resolution.recipients)
    return PlannedMessage(
        rule=f"{matched.key}#{index}",
        route=matched.key,
        route_version=matched.version,
        tell=tell,
        audience=tell.audience.label(happening),
        steps=resolution.steps,
        deliveries=deliveries,
        unreachable=_unreachable(resolution, deliveries),
    )


def _unreachable(resolution: Resolution, deliveries: Sequence[PlannedDelivery]) -> str | None:
    if not resolution.recipients:
        return NOBODY
    return None if any(delivery.channels for delivery in deliveries) else NO_CONTACT_POINT


def _delivery(recipient: Recipient, tell: Tell, directory: Directory) -> PlannedDelivery:
    person = recipient.person
    wanted = tell.channels
    why = [f"the route tries {', '.join(wanted)}"]
    rule = directory.contact_rules.get((person.id, tell.urgency.value)) if person is not None else None
    if rule is not None:
        why.append(f"the contact rule for {tell.urgency} is {', '.join(rule)}")
        wanted = tuple(channel for channel in rule if channel in tell.channels)
        if not wanted:
            wanted = tell.channels
            why.append("none of it is open to this route: the route's order holds")
    points = directory.contact_points.get(recipient.key, ())
    usable: list[str] = []
    for channel in wanted:
        if choose_contact_point(points, channel) is None:
            why.append(f"{channel}: no contact point")
        else:
            usable.append(channel)
    return PlannedDelivery(
        recipient=recipient.key,
        person=None if person is None else person.id,
        channels=tuple(usable),
        first_channel=(usable or list(wanted))[0],
        why_channels=tuple(why),
    )


def choose_contact_point(points: Sequence[ContactPoint], channel: str) -> ContactPoint | None:
    """The contact point to use on `channel`: healthy ones first, then by position; None without any."""
    of_channel = [point for point in points if point.channel == channel]
    return min(of_channel, key=lambda point: (not point.healthy, point.position, point.id), default=None)


def _tell_each_once(messages: Sequence[PlannedMessage]) -> tuple[PlannedMessage, ...]:
    """Of several messages about one event to one recipient only the most pressing is sent, on a tie the first."""
    order = sorted(range(len(messages)), key=lambda index: (messages[index].tell.urgency.rank, index))
    told: dict[str, str] = {}
    decided: dict[int, PlannedMessage] = {}
    for index in order:
        message = messages[index]
        kept: list[PlannedDelivery] = []
        for delivery in message.deliveries:
            by = told.get(delivery.recipient)
            if by is None:
                told.update({delivery.recipient: message.rule} if delivery.channels else {})
                kept.append(delivery)
            else:
                kept.append(replace(delivery, suppressed_because=f"{delivery.recipient} is told of this by {by}"))
        decided[index] = replace(message, deliveries=tuple(kept))
    return tuple(decided[index] for index in range(len(messages)))


def _unrouted(happening: Happening) -> PlannedMessage:
    audience = Audience("role_from_event", "role")
    return PlannedMessage(
        rule="unrouted#0",
        route="unrouted",
        route_version=1,
        tell=Tell(audience, Urgency.CRITICAL, "none", ()),
        audience=audience.label(happening),
        steps=(f"no active route matches {happening.type}",),
        deliveries=(),
        unreachable=NOBODY,
    )
