"""From an audience to people: each step is written down, so that "who was told, and why" has an answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.directory import EVERY_CUSTOMER, Assignee, Directory, Person
from services.notify.domain.happening import Happening
from services.notify.domain.routes import Audience

ACCOUNT_MANAGER = "account_manager"
_ABOVE_ACCOUNT_MANAGER = {"team_lead": 1, "department_head": 2}
"""Roles that follow from the account manager's line of managers where nobody was given them."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told: a person, or a team's own channel. `key` is `person:<id>` or `team:<id>`."""

    key: str
    person: Person | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The recipients of an audience, and how they were found, step by step."""

    recipients: tuple[Recipient, ...]
    steps: tuple[str, ...]


def resolve(audience: Audience, happening: Happening, directory: Directory, now: datetime) -> Resolution:
    """Find the people meant. Departed people and the one complained about are passed over; deputies stand in."""
    steps: list[str] = []
    named = audience.named(happening)
    if named is None:
        return Resolution((), (f"the event names nobody in {audience.value!r}",))
    match audience.kind:
        case "team_channel":
            found = _team_channel(named, directory, steps)
        case "team":
            found = _members(named, happening, directory, now, steps)
        case "person" | "person_from_event":
            found = _usable(named, happening, directory, now, steps)
        case "role" | "role_from_event":
            found = _holders(named, happening, directory, now, steps)
    unique = {recipient.key: recipient for recipient in found}
    return Resolution(tuple(unique.values()), tuple(steps))


def _holders(
    role: str, happening: Happening, directory: Directory, now: datetime, steps: list[str]
) -> tuple[Recipient, ...]:
    for source, assignee in _candidates(role, happening, directory):
        if assignee is None:
            steps.append(f"{role}: {source} names nobody")
            continue
        who = f"person {assignee.person}" if assignee.person else f"team {assignee.team}"
        steps.append(f"{role}: {source} names {who}")
        if assignee.person is not None:
            found = _usable(assignee.person, happening, directory, now, steps)
        else:
            found = _members(assignee.team or "", happening, directory, now, steps)
        if found:
            return found
    return ()


def _candidates(role: str, happening: Happening, directory: Directory) -> Iterator[tuple[str, Assignee | None]]:
    customer = happening.customer_id
    if customer is not None:
        yield f"the assignment for customer {customer}", directory.assignments.get((customer, role))
    manager = _account_manager(happening, directory)
    if role == ACCOUNT_MANAGER:
        yield "the customer's record", None if manager is None else Assignee(person=manager)
    elif role in _ABOVE_ACCOUNT_MANAGER:
        levels = _ABOVE_ACCOUNT_MANAGER[role]
        above = _manager_above(manager, levels, directory)
        yield "the account manager's line of managers", None if above is None else Assignee(person=above)
    elif role == "owner":
        owner = happening.text("owner")
        yield "the case's owner", None if owner is None else Assignee(person=owner)
    yield "the default assignment", directory.assignments.get((EVERY_CUSTOMER, role))


def _account_manager(happening: Happening, directory: Directory) -> str | None:
    """An assignment, then the customer's record, then what the event itself says."""
    customer = happening.customer_id
    if customer is not None:
        assigned = directory.assignments.get((customer, ACCOUNT_MANAGER))
        if assigned is not None and assigned.person is not None:
            return assigned.person
        if customer in directory.account_managers:
            return directory.account_managers[customer]
    return happening.text("account_manager")


def _manager_above(person: str | None, levels: int, directory: Directory) -> str | None:
    for _ in range(levels):
        entry = directory.people.get(person) if person is not None else None
        person = None if entry is None else entry.manager
    return person


def _usable(
    person: str, happening: Happening, directory: Directory, now: datetime, steps: list[str]
) -> tuple[Recipient, ...]:
    """The person, or the deputy while away; nobody when departed, unknown or complained about."""
    seen: set[str] = set()
    current = person
    while current not in seen:
        seen.add(current)
        entry = directory.people.get(current)
        if entry is None:
            steps.append(f"{current} is not in the directory")
            return ()
        if current == happening.text("complained_about"):
            steps.append(f"{current} is the one complained about")
            return ()
        if entry.active and not entry.is_away(now):
            steps.append(f"{current} is told")
            return (Recipient(f"person:{current}", entry),)
        steps.append(f"{current} {'is away' if entry.active else 'has departed'}")
        if entry.deputy is None:
            return ()
        steps.append(f"{entry.deputy} is the deputy of {current}")
        current = entry.deputy
    steps.append("the deputies stand in for one another: nobody is left")
    return ()


def _members(
    team: str, happening: Happening, directory: Directory, now: datetime, steps: list[str]
) -> tuple[Recipient, ...]:
    entry = directory.teams.get(team)
    if entry is None:
        steps.append(f"team {team} is not in the directory")
        return ()
    found: list[Recipient] = []
    for member in entry.members:
        found.extend(_usable(member, happening, directory, now, steps))
    return tuple(found)


def _team_channel(team: str, directory: Directory, steps: list[str]) -> tuple[Recipient, ...]:
    if team not in directory.teams:
        steps.append(f"team {team} is not in the directory")
        return ()
    steps.append(f"team {team} has channels of its own")
    return (Recipient(f"team:{team}", None),)
