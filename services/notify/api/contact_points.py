"""Contact points: where people and teams are reached. Addresses are shown masked, secrets once."""

from datetime import datetime
from typing import Annotated, Literal, Self

import sqlalchemy as sa
from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field, model_validator

from services.notify.api.channels import TheChannels
from services.notify.api.editing import Row
from services.notify.api.people import Ref
from services.notify.channels.signature import parse_secret, secret_text
from services.notify.domain.masking import mask_address
from services.notify.store import records
from services.notify.store.tables import contact_point as points
from services.notify.usecases import contact_points
from shared.auth.guard import require
from shared.contracts import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound, Unprocessable
from shared.web.etags import IfMatch, etag, set_etag
from shared.web.idempotency import Answer, Once
from shared.web.kernel import ReadDatabase, Uow
from shared.web.pages import Order, PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/contact-points", tags=["contact points"], dependencies=[require("notify:read")])
_WRITE = [require("notify:write")]

ChannelName = Literal["smtp", "webhook"]
PointId = Annotated[str, Path(min_length=1, max_length=128)]


class ContactPointIn(In):
    """An address of a person or of a team."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"person": "E-1042", "channel": "smtp", "address": "am@example.com"}]}
    )

    person: Ref | None = None
    team: Ref | None = None
    channel: ChannelName
    address: Annotated[str, Field(min_length=3, max_length=2048, description="Mail address, or URL of a webhook.")]
    secret: Annotated[str | None, Field(max_length=128)] = Field(
        None, description="whsec_… that signs calls to a webhook; made and shown once when left out."
    )
    position: int = Field(0, ge=0, le=1000, description="Lower ones are used first.")

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.person is None) == (self.team is None):
            raise ValueError("give either person or team")
        return self


class ContactPointEdit(In):
    """What can be changed; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"healthy": True}]})

    address: Annotated[str | None, Field(min_length=3, max_length=2048)] = None
    position: Annotated[int | None, Field(ge=0, le=1000)] = None
    healthy: bool | None = Field(None, description="True after it was mended; a success marks it healthy as well.")


class ContactPointOut(Out):
    """A contact point."""

    id: str
    person: str | None
    team: str | None
    channel: str
    address: str = Field(description="Masked.")
    healthy: bool
    last_problem: str | None = Field(description="Why it is not healthy.")
    verified_at: datetime | None = Field(description="When somebody first acknowledged by a link sent there.")
    position: int
    version: int
    updated_at: datetime
    secret: str | None = Field(description="Only in the answer that made it; null ever after.")

    @classmethod
    def of(cls, row: Row, secret: bytes | None = None) -> "ContactPointOut":
        kind, _, id_ = row["owner"].partition(":")
        return cls(
            id=row["id"],
            person=id_ if kind == "person" else None,
            team=id_ if kind == "team" else None,
            channel=row["channel"],
            address=mask_address(row["channel"], row["address"]),
            healthy=row["healthy"],
            last_problem=row["last_problem"],
            verified_at=row["verified_at"],
            position=row["position"],
            version=row["revision"],
            updated_at=row["updated_at"],
            secret=None if secret is None else secret_text(secret),
        )


@router.get("", summary="List contact points")
async def list_contact_points(
    page: PageRequest,
    database: ReadDatabase,
    person: Annotated[str | None, Query(description="Only this person's.")] = None,
    team: Annotated[str | None, Query(description="Only this team's.")] = None,
    channel: Annotated[ChannelName | None, Query()] = None,
    healthy: Annotated[bool | None, Query(description="Only those that work, or that do not.")] = None,
) -> Listing[ContactPointOut]:
    """By id."""
    statement = sa.select(points)
    if person is not None:
        statement = statement.where(points.c.owner == f"person:{person}")
    if team is not None:
        statement = statement.where(points.c.owner == f"team:{team}")
    if channel is not None:
        statement = statement.where(points.c.channel == channel)
    if healthy is not None:
        statement = statement.where(points.c.healthy == healthy)
    async with database.read() as connection:
        rows = (await connection.execute(page.apply(statement, Order(points.c.id)))).mappings().all()
    return page.listing(rows, key=lambda row: (row["id"],), item=ContactPointOut.of)


@router.post("", summary="Make a contact point", status_code=201, response_model=ContactPointOut, dependencies=_WRITE)
async def create(body: ContactPointIn, channels: TheChannels, once: Once) -> Response:
    """The answer carries a webhook's secret, this once. Private addresses need `MOAT_ALLOWED_PRIVATE_HOSTS`."""
    address = contact_points.check_address(body.channel, body.address, channels.allowance)
    secret = _secret(body)
    owner = f"person:{body.person}" if body.person is not None else f"team:{body.team}"

    async def effect(work: UnitOfWork) -> Answer:
        row, shown = await contact_points.create(
            work, owner=owner, channel=body.channel, address=address, secret=secret, position=body.position
        )
        headers = {"Location": f"/v1/contact-points/{row['id']}", "ETag": etag(row["revision"])}
        return Answer(ContactPointOut.of(row, shown), headers=headers)

    return await once(effect, status=201)


@router.get("/{point_id}", summary="Read a contact point")
async def read(point_id: PointId, database: ReadDatabase, response: Response) -> ContactPointOut:
    """With the version to edit it under."""
    async with database.read() as connection:
        row = (await connection.execute(sa.select(points).where(points.c.id == point_id))).mappings().first()
    if row is None:
        raise NotFound
    set_etag(response, row["revision"])
    return ContactPointOut.of(row)


@router.patch("/{point_id}", summary="Change a contact point", dependencies=_WRITE)
async def change(
    point_id: PointId,
    body: ContactPointEdit,
    expected: IfMatch,
    channels: TheChannels,
    uow: Uow,
    response: Response,
) -> ContactPointOut:
    """Address, position or health."""
    async with uow() as work:
        row = await contact_points.change(work, point_id, body.model_dump(), expected, channels.allowance)
    set_etag(response, row["revision"])
    return ContactPointOut.of(row)


@router.post("/{point_id}/rotate-secret", summary="Give a webhook a new secret", dependencies=_WRITE)
async def rotate(point_id: PointId, expected: IfMatch, uow: Uow, response: Response) -> ContactPointOut:
    """Calls carry both signatures, of the new secret and the one before, until the next rotation."""
    async with uow() as work:
        row, secret = await contact_points.rotate_secret(work, point_id, expected)
    set_etag(response, row["revision"])
    return ContactPointOut.of(row, secret)


@router.delete("/{point_id}", summary="Remove a contact point", status_code=204, dependencies=_WRITE)
async def remove(point_id: PointId, expected: IfMatch, uow: Uow) -> None:
    """What is on its way still arrives; later messages take another contact point."""
    async with uow() as work:
        await records.remove(work, "contact_point", {"id": point_id}, expected)


def _secret(body: ContactPointIn) -> bytes | None:
    if body.secret is None:
        return None
    try:
        return parse_secret(body.secret)
    except ValueError as error:
        raise Unprocessable(errors=[FieldError("/secret", "secret", str(error))]) from None
