"""People: who they are, which language and zone they read in, who stands in for them."""

from datetime import datetime
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from services.notify.api.editing import IfMatchWhenThere, answer
from services.notify.store.tables import person as people
from services.notify.usecases.people import put_person
from shared.auth.guard import require
from shared.errors import NotFound
from shared.web.etags import set_etag
from shared.web.kernel import ReadDatabase, Uow
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/people", tags=["people"], dependencies=[require("notify:read")])

Name = Annotated[str, Field(min_length=1, max_length=200)]
Ref = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f:|/]+$")]
PersonId = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f:|/]+$", description="Directory id.")
]
_EXAMPLE: dict[str, Any] = {
    "name": "Account manager 42",
    "locale": "zh-CN",
    "zone": "Asia/Shanghai",
    "manager": "E-1007",
    "deputy": "E-1043",
    "away_from": None,
    "away_until": None,
    "active": True,
}
_ZONES = frozenset(available_timezones())


class PersonIn(In):
    """Somebody who can be told."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="Language read, e.g. zh-CN, en.")] = (
        "zh-CN"
    )
    zone: Annotated[str, Field(max_length=64, description="IANA zone in which instants are shown.")] = "Asia/Shanghai"
    manager: Ref | None = Field(None, description="Directory id of the manager: team lead where none was named.")
    deputy: Ref | None = Field(None, description="Who stands in while this person is away or has departed.")
    away_from: AwareDatetime | None = None
    away_until: AwareDatetime | None = Field(None, description="Back from this instant on; null: until further notice.")
    active: bool = Field(True, description="False once departed: nothing is sent to a departed person.")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _ZONES:
            raise ValueError("an IANA time zone such as Asia/Shanghai")
        return value

    @model_validator(mode="after")
    def _away_in_order(self) -> Self:
        if self.away_until is not None and (self.away_from is None or self.away_from >= self.away_until):
            raise ValueError("away_from lies before away_until")
        return self


class PersonOut(Out):
    """Somebody in the directory. Addresses are contact points of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "E-1042", **_EXAMPLE, "version": 1, "updated_at": "2026-03-05T08:00:00Z"}]
        }
    )

    id: str
    name: str
    locale: str
    zone: str
    manager: str | None
    deputy: str | None
    away_from: datetime | None
    away_until: datetime | None
    active: bool
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, row: Any) -> "PersonOut":
        named = dict(row)
        return cls(version=named["revision"], **{name: named[name] for name in cls.model_fields if name != "version"})


@router.get("", summary="List people")
async def list_people(
    page: PageRequest,
    database: ReadDatabase,
    active: Annotated[bool | None, Query(description="Only those still here, or departed.")] = None,
    manager: Annotated[str | None, Query(description="Only those who report to this person.")] = None,
) -> Listing[PersonOut]:
    """By id."""
    statement = sa.select(people)
    if active is not None:
        statement = statement.where(people.c.active == active)
    if manager is not None:
        statement = statement.where(people.c.manager == manager)
    async with database.read() as connection:
        rows = (await connection.execute(page.apply(statement, Order(people.c.id)))).mappings().all()
    return page.listing(rows, key=lambda row: (row["id"],), item=PersonOut.of)


@router.get("/{person_id}", summary="Read a person", openapi_extra={"x-path-examples": {"person_id": "E-1042"}})
async def read_person(person_id: PersonId, database: ReadDatabase, response: Response) -> PersonOut:
    """With the version to edit it under."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(people).where(people.c.id == person_id))).mappings().first()
    if row is None:
        raise NotFound
    set_etag(response, row["revision"])
    return PersonOut.of(row)


@router.put(
    "/{person_id}",
    summary="Make or change a person",
    dependencies=[require("notify:write")],
    openapi_extra={"x-path-examples": {"person_id": "E-1042"}},
)
async def put(
    person_id: PersonId, body: PersonIn, expected: IfMatchWhenThere, uow: Uow, response: Response
) -> PersonOut:
    """Without `If-Match` a new person; with it a change of the version that was read."""
    async with uow() as work:
        row, is_new = await put_person(work, person_id, body.model_dump(), expected)
    return answer(response, PersonOut.of(row), revision=row["revision"], is_new=is_new)
