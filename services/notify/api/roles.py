"""Roles: who is account manager, team lead, legal … for a customer, and for all who have none of their own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field, model_validator

from services.notify.api.editing import IfMatchWhenThere, answer
from services.notify.api.people import Ref
from services.notify.domain.directory import EVERY_CUSTOMER
from services.notify.domain.happening import Happening
from services.notify.domain.roles import resolve
from services.notify.domain.routes import Audience
from services.notify.store import records
from services.notify.store.directory import load_directory
from services.notify.store.tables import role_assignment as roles
from services.notify.usecases.people import put_role
from shared.auth.guard import require
from shared.db.database import raw_connection
from shared.web.etags import IfMatch
from shared.web.kernel import ReadDatabase, TheClock, Uow
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/roles", tags=["roles"], dependencies=[require("notify:read")])
_WRITE = [require("notify:write")]
_PATH = {"x-path-examples": {"customer": "*", "role": "team_lead"}}

CustomerPath = Annotated[str, Path(min_length=1, max_length=128, description=f"Customer, or `{EVERY_CUSTOMER}`.")]
RolePath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="account_manager, team_lead, …")]


class RoleIn(In):
    """Who has the role: a person or a team."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person": "E-1042"}]})

    person: Ref | None = None
    team: Ref | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.person is None) == (self.team is None):
            raise ValueError("give either person or team")
        return self


class RoleOut(Out):
    """One assignment."""

    customer: str = Field(description="`*` holds for every customer without an assignment of its own.")
    role: str
    person: str | None
    team: str | None
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "RoleOut":
        return cls(
            customer=row["customer_id"],
            role=row["role"],
            person=row["person_id"],
            team=row["team_id"],
            version=row["revision"],
            updated_at=row["updated_at"],
        )


class ResolutionOut(Out):
    """Who would be told now."""

    customer: str
    role: str
    people: list[str] = Field(description="Directory ids; empty when the role resolves to nobody.")
    steps: list[str] = Field(description="How they were found.")


@router.get("", summary="List role assignments")
async def list_roles(
    page: PageRequest,
    database: ReadDatabase,
    customer: Annotated[str | None, Query(description="Only of this customer; `*` for the defaults.")] = None,
    role: Annotated[str | None, Query()] = None,
    person: Annotated[str | None, Query(description="Only those this person has.")] = None,
) -> Listing[RoleOut]:
    """By customer and role."""
    statement = sa.select(roles)
    for column, value in (("customer_id", customer), ("role", role), ("person_id", person)):
        if value is not None:
            statement = statement.where(roles.c[column] == value)
    order = (Order(roles.c.customer_id), Order(roles.c.role))
    async with database.read() as connection:
        rows = (await connection.execute(page.apply(statement, *order))).mappings().all()
    return page.listing(rows, key=lambda row: (row["customer_id"], row["role"]), item=RoleOut.of)


@router.get("/{customer}/{role}/resolve", summary="Who has this role now?", openapi_extra=_PATH)
async def resolve_role(
    customer: CustomerPath, role: RolePath, database: ReadDatabase, clock: TheClock
) -> ResolutionOut:
    """The people a message to this role would reach, with every step that led to them."""
    now = clock.now()
    asked = Happening("none", "none", now, customer, customer, None, None, {})
    async with database.read() as connection:
        directory = await load_directory(await raw_connection(connection), [asked], ())
    found = resolve(Audience("role", role), asked, directory, now)
    people = [recipient.person.id for recipient in found.recipients if recipient.person is not None]
    return ResolutionOut(customer=customer, role=role, people=people, steps=list(found.steps))


@router.put("/{customer}/{role}", summary="Give a role", dependencies=_WRITE, openapi_extra=_PATH)
async def put(
    customer: CustomerPath, role: RolePath, body: RoleIn, expected: IfMatchWhenThere, uow: Uow, response: Response
) -> RoleOut:
    """Without `If-Match` a new assignment; with it a change of the version that was read."""
    async with uow() as work:
        row, is_new = await put_role(work, customer, role, person=body.person, team=body.team, expected=expected)
    return answer(response, RoleOut.of(row), revision=row["revision"], is_new=is_new)


@router.delete(
    "/{customer}/{role}", summary="Take a role away", status_code=204, dependencies=_WRITE, openapi_extra=_PATH
)
async def remove(customer: CustomerPath, role: RolePath, expected: IfMatch, uow: Uow) -> None:
    """The customer's record, the line of managers or the default decides again."""
    async with uow() as work:
        await records.remove(work, "role_assignment", {"customer_id": customer, "role": role}, expected)
