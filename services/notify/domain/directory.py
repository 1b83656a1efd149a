"""People, teams, contact points and who has which role for a customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

EVERY_CUSTOMER = "*"
"""Stands for the customer in an assignment that holds where a customer has none of its own."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told. The deputy stands in from `away_from` to before `away_until`."""

    id: str
    name: str
    locale: str = "zh-CN"
    zone: str = "Asia/Shanghai"
    manager: str | None = None
    deputy: str | None = None
    away_from: datetime | None = None
    away_until: datetime | None = None
    active: bool = True

    def is_away(self, now: datetime) -> bool:
        return (
            self.away_from is not None and self.away_from <= now and (self.away_until is None or now < self.away_until)
        )


@dataclass(frozen=True, slots=True)
class Team:
    """People who are told together, in the order of their membership."""

    id: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """An address of a person or a team on one channel."""

    id: str
    owner: str
    channel: str
    address: str
    healthy: bool = True
    position: int = 0


@dataclass(frozen=True, slots=True)
class Assignee:
    """Who holds a role: a person or a team."""

    person: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """What a decision needs of the directory, as it stands in this transaction.

    Owners of contact points are `person:<id>` and `team:<id>`; contact rules are by person and urgency.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    contact_points: Mapping[str, Sequence[ContactPoint]] = field(default_factory=dict)
    contact_rules: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    assignments: Mapping[tuple[str, str], Assignee] = field(default_factory=dict)
    account_managers: Mapping[str, str] = field(default_factory=dict)
