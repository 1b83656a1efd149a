"""What a decision about a batch of events needs of the directory, read in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable

import asyncpg

from services.notify.domain.directory import EVERY_CUSTOMER, Assignee, ContactPoint, Directory, Person, Team
from services.notify.domain.happening import Happening
from services.notify.domain.routes import Route

_PERSON_COLUMNS = "id, name, locale, zone, manager, deputy, away_from, away_until, active"
_HOPS = 3
"""Managers of managers, deputies of deputies: as far as roles look."""


async def load_directory(
    raw: "asyncpg.Connection[asyncpg.Record]", happenings: Iterable[Happening], routes: Iterable[Route]
) -> Directory:
    """Everything that `plan` can ask for about these events and routes."""
    events = list(happenings)
    customers = {happening.customer_id for happening in events if happening.customer_id is not None}
    assignments = await _assignments(raw, customers)
    managers = await _account_managers(raw, customers)
    wanted_teams = {a.team for a in assignments.values() if a.team} | _named_teams(routes)
    teams = await load_teams(raw, wanted_teams)
    people = await _people_around(
        raw,
        {a.person for a in assignments.values() if a.person}
        | set(managers.values())
        | {member for team in teams.values() for member in team.members}
        | _named_people(events, routes),
    )
    owners = [f"person:{id_}" for id_ in people] + [f"team:{id_}" for id_ in teams]
    return Directory(
        people=people,
        teams=teams,
        contact_points=await load_contact_points(raw, owners),
        contact_rules=await _contact_rules(raw, people),
        assignments=assignments,
        account_managers=managers,
    )


async def load_people(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> dict[str, Person]:
    rows = await raw.fetch(f"select {_PERSON_COLUMNS} from person where id = any($1::text[])", list(ids))
    return {row["id"]: Person(**dict(row)) for row in rows}


async def load_teams(raw: "asyncpg.Connection[asyncpg.Record]", ids: Collection[str]) -> dict[str, Team]:
    if not ids:
        return {}
    rows = await raw.fetch(
        """
        select id, name, coalesce((select array_agg(person_id order by position, person_id) from team_member
                                   where team_id = team.id), '{}') as members
        from team where id = any($1::text[])
        """,
        list(ids),
    )
    return {row["id"]: Team(row["id"], row["name"], tuple(row["members"])) for row in rows}


async def load_contact_points(
    raw: "asyncpg.Connection[asyncpg.Record]", owners: Collection[str]
) -> dict[str, list[ContactPoint]]:
    """Contact points by owner, without their secrets."""
    rows = await raw.fetch(
        "select id, owner, channel, address, healthy, position from contact_point where owner = any($1::text[])",
        list(owners),
    )
    found: dict[str, list[ContactPoint]] = defaultdict(list)
    for row in rows:
        found[row["owner"]].append(ContactPoint(**dict(row)))
    return found


async def load_secrets(
    raw: "asyncpg.Connection[asyncpg.Record]", owners: Collection[str]
) -> dict[str, tuple[bytes, ...]]:
    """What signs calls to the contact points of these owners: by contact point the secret, then the one before."""
    if not owners:
        return {}
    rows = await raw.fetch(
        "select id, secret, previous_secret from contact_point where owner = any($1::text[]) and secret is not null",
        list(owners),
    )
    return {row["id"]: tuple(key for key in (row["secret"], row["previous_secret"]) if key is not None) for row in rows}


async def load_contact_point(
    raw: "asyncpg.Connection[asyncpg.Record]", id_: str
) -> tuple[ContactPoint, tuple[bytes, ...]] | None:
    """One contact point and what signs calls to it; None where there is none with this id."""
    row = await raw.fetchrow(
        "select id, owner, channel, address, healthy, position from contact_point where id = $1", id_
    )
    if row is None:
        return None
    secrets = await load_secrets(raw, [row["owner"]])
    return ContactPoint(**dict(row)), secrets.get(id_, ())


async def _assignments(
    raw: "asyncpg.Connection[asyncpg.Record]", customers: Collection[str]
) -> dict[tuple[str, str], Assignee]:
    rows = await raw.fetch(
        "select customer_id, role, person_id, team_id from role_assignment where customer_id = any($1::text[])",
        [*customers, EVERY_CUSTOMER],
    )
    return {(row["customer_id"], row["role"]): Assignee(row["person_id"], row["team_id"]) for row in rows}


async def _account_managers(raw: "asyncpg.Connection[asyncpg.Record]", customers: Collection[str]) -> dict[str, str]:
    rows = await raw.fetch(
        "select id, account_manager from customer where id = any($1::text[]) and account_manager is not null",
        list(customers),
    )
    return {row["id"]: row["account_manager"] for row in rows}


async def _people_around(raw: "asyncpg.Connection[asyncpg.Record]", ids: set[str]) -> dict[str, Person]:
    people: dict[str, Person] = {}
    wanted = ids
    for _ in range(_HOPS):
        if not wanted:
            break
        people.update(await load_people(raw, wanted))
        related = {related for p in people.values() for related in (p.manager, p.deputy) if related is not None}
        wanted = related - people.keys() - wanted
    return people


async def _contact_rules(
    raw: "asyncpg.Connection[asyncpg.Record]", people: Collection[str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    rows = await raw.fetch(
        "select person_id, urgency, channels from contact_rule where person_id = any($1::text[])", list(people)
    )
    return {(row["person_id"], row["urgency"]): tuple(row["channels"]) for row in rows}


def _named_teams(routes: Iterable[Route]) -> set[str]:
    return {
        tell.audience.value
        for route in routes
        for tell in route.tells
        if tell.audience.kind in ("team", "team_channel")
    }


def _named_people(events: Iterable[Happening], routes: Iterable[Route]) -> set[str]:
    named = {tell.audience.value for route in routes for tell in route.tells if tell.audience.kind == "person"}
    fields = {"account_manager", "owner"} | {
        tell.audience.value for route in routes for tell in route.tells if tell.audience.kind == "person_from_event"
    }
    for event in events:
        named.update(id_ for id_ in map(event.text, fields) if id_ is not None)
    return named
