"""People, teams, their rules and their roles: edited under the version that was read."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.notify.store.records import missing, put
from shared.contracts import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Unprocessable
from shared.web.etags import Precondition

Row = dict[str, Any]


async def put_person(
    work: UnitOfWork, id_: str, fields: Mapping[str, Any], expected: Precondition | None
) -> tuple[Row, bool]:
    """Make or change a person. Manager and deputy may be told before they are known themselves."""
    return await put(work, "person", {"id": id_}, fields, expected)


async def put_team(
    work: UnitOfWork, id_: str, name: str, members: Sequence[str], expected: Precondition | None
) -> tuple[Row, bool]:
    """Make or change a team with its members in order. Raises Unprocessable for members who are not known."""
    await _require_known(work, "person", list(members), "/members")
    row, is_new = await put(work, "team", {"id": id_}, {"name": name}, expected)
    await work.raw.execute("delete from team_member where team_id = $1", id_)
    await work.raw.execute(
        """
        insert into team_member (team_id, person_id, position)
        select $1, person_id, position from unnest($2::text[]) with ordinality as given (person_id, position)
        """,
        id_,
        list(members),
    )
    return {**row, "members": list(members)}, is_new


async def put_contact_rule(
    work: UnitOfWork, person: str, urgency: str, channels: Sequence[str], expected: Precondition | None
) -> tuple[Row, bool]:
    """Say over which channels, in order, somebody is told of messages of one urgency."""
    await _require_known(work, "person", [person], "/path/person")
    return await put(
        work, "contact_rule", {"person_id": person, "urgency": urgency}, {"channels": list(channels)}, expected
    )


async def put_role(
    work: UnitOfWork, customer: str, role: str, *, person: str | None, team: str | None, expected: Precondition | None
) -> tuple[Row, bool]:
    """Give a role for one customer, or for every customer without an assignment of its own (`*`)."""
    if person is not None:
        await _require_known(work, "person", [person], "/person")
    if team is not None:
        await _require_known(work, "team", [team], "/team")
    key = {"customer_id": customer, "role": role}
    return await put(work, "role_assignment", key, {"person_id": person, "team_id": team}, expected)


async def _require_known(work: UnitOfWork, table: str, ids: list[str], pointer: str) -> None:
    unknown = await missing(work, table, ids)
    if unknown:
        raise Unprocessable(
            errors=[FieldError(pointer, "known", f"there is no {table} {id_!r} in the directory") for id_ in unknown]
        )
