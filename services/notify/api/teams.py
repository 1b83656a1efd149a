"""Teams: people who are told together, and whose channels may be their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.api.editing import IfMatchWhenThere, Row, answer
from services.notify.api.people import Name, Ref
from services.notify.store.tables import team, team_member
from services.notify.usecases.people import put_team
from shared.auth.guard import require
from shared.errors import NotFound
from shared.web.etags import set_etag
from shared.web.kernel import ReadDatabase, Uow
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/teams", tags=["teams"], dependencies=[require("notify:read")])

TeamId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f:|/]+$")]
_EXAMPLE: dict[str, Any] = {"name": "Key accounts east", "members": []}
_PATH = {"x-path-examples": {"team_id": "key-accounts-east"}}


class TeamIn(In):
    """A team."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    members: Annotated[list[Ref], Field(max_length=500, description="Directory ids, in the order of telling.")]


class TeamOut(Out):
    """A team and its members."""

    id: str
    name: str
    members: list[str]
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, row: Row, members: Sequence[str]) -> "TeamOut":
        return cls(
            id=row["id"],
            name=row["name"],
            members=list(members),
            version=row["revision"],
            updated_at=row["updated_at"],
        )


@router.get("", summary="List teams")
async def list_teams(
    page: PageRequest,
    database: ReadDatabase,
    member: Annotated[str | None, Query(description="Only teams that this person belongs to.")] = None,
) -> Listing[TeamOut]:
    """By id."""
    statement = sa.select(team)
    if member is not None:
        mine = sa.select(team_member.c.team_id).where(team_member.c.person_id == member)
        statement = statement.where(team.c.id.in_(mine))
    async with database.read() as connection:
        rows = (await connection.execute(page.apply(statement, Order(team.c.id)))).mappings().all()
        members = await _members(connection, [row["id"] for row in rows])
    return page.listing(
        rows, key=lambda row: (row["id"],), item=lambda row: TeamOut.of(row, members.get(row["id"], ()))
    )


@router.get("/{team_id}", summary="Read a team", openapi_extra=_PATH)
async def read_team(team_id: TeamId, database: ReadDatabase, response: Response) -> TeamOut:
    """With the version to edit it under."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(team).where(team.c.id == team_id))).mappings().first()
        members = await _members(connection, [team_id])
    if row is None:
        raise NotFound
    set_etag(response, row["revision"])
    return TeamOut.of(row, members.get(team_id, ()))


@router.put("/{team_id}", summary="Make or change a team", dependencies=[require("notify:write")], openapi_extra=_PATH)
async def put(team_id: TeamId, body: TeamIn, expected: IfMatchWhenThere, uow: Uow, response: Response) -> TeamOut:
    """Without `If-Match` a new team; with it a change of the version that was read."""
    async with uow() as work:
        row, is_new = await put_team(work, team_id, body.name, list(dict.fromkeys(body.members)), expected)
    return answer(response, TeamOut.of(row, row["members"]), revision=row["revision"], is_new=is_new)


async def _members(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[str]]:
    statement = (
        sa.select(team_member.c.team_id, team_member.c.person_id)
        .where(team_member.c.team_id.in_(ids))
        .order_by(team_member.c.team_id, team_member.c.position)
    )
    found: dict[str, list[str]] = {}
    for id_, person_id in (await connection.execute(statement)).all():
        found.setdefault(id_, []).append(person_id)
    return found
