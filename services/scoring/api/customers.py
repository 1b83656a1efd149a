"""Customers over HTTP: finding, reading, editing, and what happened to them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import Body, Header, Query, Response

from services.scoring.api.shapes import CustomerDetailOut, CustomerId, CustomerOut, EditAccepted, TimelineEntryOut
from services.scoring.domain.profile import PERSONAL
from services.scoring.domain.summaries import summary, tier_summary
from services.scoring.store.customer_queries import Search, TimelineRow, search, timeline
from services.scoring.usecases.edit_profile import Edited, change_profile, put_profile
from services.scoring.usecases.tell_tier import require_customer
from shared.auth.guard import require
from shared.contracts.facts import ProfileUpdated
from shared.contracts.fields import ServiceClass
from shared.db.database import raw_connection
from shared.web.etags import IfMatch, parse_if_match, set_etag
from shared.web.kernel import Caller, ReadDatabase, Uow
from shared.web.pages import PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing

router = Router(prefix="/v1/customers", tags=["customers"], dependencies=[require("scoring:read")])
_EXAMPLE: Final = {
    "name": "Hua Xin Pumps Co., Ltd.",
    "segment": "manufacturing",
    "region": "CN-JS",
    "account_manager": "E-1042",
    "since": "2019-06-01",
}


class ProfileIn(ProfileUpdated, In):
    """A profile as people edit it; the fields are those of the fact `customer.profile.updated.v1`."""


ProfileBody = Annotated[ProfileIn, Body(examples=[_EXAMPLE])]
Text = Annotated[str | None, Query(max_length=200)]


@router.get("", summary="Find customers")
async def list_customers(
    page: PageRequest,
    database: ReadDatabase,
    q: Annotated[
        Text, Query(description="A piece of the name, or the beginning of the id.", examples=["pumps"])
    ] = None,
    segment: Annotated[Text, Query(description="Segment.")] = None,
    region: Annotated[Text, Query(description="Region.")] = None,
    account_manager: Annotated[Text, Query(description="Directory id of the account manager.")] = None,
    service_class: Annotated[ServiceClass | None, Query(description="Service class.")] = None,
    model: Annotated[Text, Query(description="Graded by this model; with `tier` in that tier of it.")] = None,
    tier: Annotated[Text, Query(description="In this tier of `model`, or else of the primary model.")] = None,
) -> Listing[CustomerOut]:
    """In the order of their ids. A name is found in any width and case, inside as well as at its beginning."""
    wanted = Search(q, segment, region, account_manager, service_class, model, tier)
    async with database.read() as connection:
        raw = await raw_connection(connection)
        rows = await search(raw, wanted, after=page.after[0] if page.after else None, limit=page.limit)
    return page.listing(rows, key=lambda row: (row.id,), item=CustomerOut.of)


@router.get("/{customer_id}", summary="Read a customer")
async def read_customer(
    customer_id: CustomerId, database: ReadDatabase, caller: Caller, response: Response
) -> CustomerDetailOut:
    """The profile as known by now, tiers and service class. The ETag is that of the profile, for edits."""
    async with database.read() as connection:
        row = await require_customer(await raw_connection(connection), customer_id)
    set_etag(response, row.revision)
    return CustomerDetailOut.seen_by(row, caller.scopes)


@router.put("/{customer_id}", status_code=202, summary="Write a whole profile", dependencies=[require("scoring:write")])
async def write_customer(
    customer_id: CustomerId,
    body: ProfileBody,
    uow: Uow,
    response: Response,
    if_match: Annotated[str | None, Header(description="Needed unless the customer is new.", examples=['"7"'])] = None,
) -> EditAccepted:
    """What is left out is cleared. A new customer is made; one that exists needs `If-Match`."""
    expected = None if if_match is None else parse_if_match(if_match)
    async with uow() as work:
        edited = await put_profile(work, customer_id, body.to_data(), expected)
    return _accepted(edited, response)


@router.patch(
    "/{customer_id}", status_code=202, summary="Change some of a profile", dependencies=[require("scoring:write")]
)
async def change_customer(
    customer_id: CustomerId, body: ProfileBody, expected: IfMatch, uow: Uow, response: Response
) -> EditAccepted:
    """What is left out stays as it is, null clears. The edit is a fact: it is applied in a moment, in its turn."""
    async with uow() as work:
        edited = await change_profile(work, customer_id, body.to_data(), expected)
    return _accepted(edited, response)


def _accepted(edited: Edited, response: Response) -> EditAccepted:
    set_etag(response, edited.revision)
    response.headers["Location"] = f"/v1/customers/{edited.customer_id}"
    return EditAccepted(customer_id=edited.customer_id, event_id=edited.event_id, version=edited.revision)


@router.get("/{customer_id}/timeline", summary="Read what happened to a customer")
async def read_timeline(
    customer_id: CustomerId,
    page: PageRequest,
    database: ReadDatabase,
    caller: Caller,
    kind: Annotated[Text, Query(description="Only this type of fact, or `tier.changed`.")] = None,
) -> Listing[TimelineEntryOut]:
    """Facts and changes of tier, the latest first."""
    before = (page.after[0], page.after[1]) if page.after else None
    async with database.read() as connection:
        raw = await raw_connection(connection)
        await require_customer(raw, customer_id)
        rows = await timeline(raw, customer_id, kind=kind, before=before, limit=page.limit)
    return page.listing(rows, key=lambda row: (row.at, row.key), item=lambda row: _entry(row, caller.scopes))


def _entry(row: TimelineRow, scopes: frozenset[str]) -> TimelineEntryOut:
    data: Mapping[str, Any] = orjson.loads(row.data)
    if "pii:read" not in scopes:
        data = {name: value for name, value in data.items() if name not in PERSONAL}
    if row.kind == "tier.changed":
        text = tier_summary(data["model"], data["from_tier"], data["to_tier"], data["direction"])
    else:
        text = summary(row.kind, data)
    return TimelineEntryOut(
        at=row.at, recorded_at=row.recorded_at, kind=row.kind, actor=row.actor, summary=text, data=dict(data)
    )
