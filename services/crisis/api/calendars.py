"""Calendars for people: a month to look at, and their special days as iCalendar, out and in."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

import asyncpg
from fastapi import Query, Request, Response
from pydantic import Field

from services.crisis.api.calendar_shapes import EffectOut, MonthOut, MovedOut, month_out
from services.crisis.kinds import CALENDARS
from services.crisis.library import Library
from services.crisis.usecases.calendar_published import effect_of
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.documents.router import Key, Version
from shared.documents.shapes import DocumentOut
from shared.documents.store import StoredDocument
from shared.errors import NotFound, Unprocessable, UnsupportedMedia
from shared.web.etags import etag
from shared.web.idempotency import Answer, Once
from shared.web.kernel import Caller, ReadDatabase, Uow, part
from shared.web.routing import Router
from shared.web.schema import Out
from shared.worktime import (
    ALWAYS,
    Calendar,
    PublishedCalendar,
    always,
    export_icalendar,
    import_icalendar,
    parse_calendar,
    preview_month,
    publish,
)
from shared.worktime.zones import is_zone

router = Router(prefix="/v1/calendars", tags=["calendar"], dependencies=[require("crisis:read")])
_MEDIA: Final = "text/calendar"
_UPLOAD: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:move-1@example.com\r\n"
    "DTSTAMP:20260701T000000Z\r\nDTSTART;VALUE=DATE:20260801\r\nDTEND;VALUE=DATE:20260804\r\n"
    "SUMMARY:Moving office\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
VersionAsked = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="Another version than the active one; a draft, too.")
]
Month = Annotated[
    str,
    Query(
        pattern=r"^(19[7-9]\d|20\d\d|2100)-(0[1-9]|1[0-2])$", description="YYYY-MM, 1970 to 2100.", examples=["2026-10"]
    ),
]


class ImportOut(Out):
    """What became of an upload."""

    imported: int = Field(description="Exceptions that are new in the draft.")
    unchanged: int = Field(description="Exceptions that the calendar had already, exactly so.")
    skipped: int = Field(description="Events that are cancelled, or are our own export's holidays and make-up days.")
    document: DocumentOut = Field(description="The draft; activate it to make it count.")


@router.get(
    "/{key}/preview", summary="Preview a month of a calendar", openapi_extra={"x-path-examples": {"key": "cn-office"}}
)
async def preview_calendar(
    key: Key,
    month: Month,
    database: ReadDatabase,
    version: VersionAsked = None,
    zone: Annotated[
        str | None,
        Query(
            description="Show wall times of this IANA zone; the calendar's own without it.", examples=["Europe/London"]
        ),
    ] = None,
) -> MonthOut:
    """For each date of the calendar: its open windows, its open time, and why it is closed or special.

    Example: `GET /v1/calendars/cn-office/preview?month=2026-10` shows National Day as a holiday and 10 October as
    a make-up workday. Dates are those of the calendar's own zone whatever `zone` is; beyond `known_until` they are
    marked.
    """
    if zone is not None and not is_zone(zone):
        raise Unprocessable(errors=[FieldError("/query/zone", "unknown-zone", f"there is no IANA time zone {zone!r}")])
    async with database.read() as connection:
        calendar, stored = await _calendar(await raw_connection(connection), key, version)
    year, number = (int(part) for part in month.split("-"))
    return month_out(calendar, stored, month, preview_month(calendar, year, number), shown_in=zone)


@router.get(
    "/{key}/calendar.ics",
    summary="Export the special days of a calendar",
    response_class=Response,
    responses={200: {"description": "iCalendar (RFC 5545).", "content": {_MEDIA: {"schema": {"type": "string"}}}}},
    openapi_extra={"x-path-examples": {"key": "cn-office"}},
)
async def export_calendar(
    key: Key,
    database: ReadDatabase,
    version: VersionAsked = None,
    first: Annotated[date, Query(alias="from", description="The first date.")] = date(2020, 1, 1),
    last: Annotated[date, Query(alias="to", description="The last date, included.")] = date(2030, 12, 31),
) -> Response:
    """Holidays, make-up workdays and exceptions as all-day events, to subscribe to in a calendar program.

    Example: `GET /v1/calendars/cn-office/calendar.ics?from=2026-01-01&to=2026-12-31`. The windows of an exception
    are in `X-MOAT-WINDOWS`, so that the import takes them back.
    """
    async with database.read() as connection:
        calendar, stored = await _calendar(await raw_connection(connection), key, version)
    made_at = datetime(1970, 1, 1, tzinfo=UTC) if stored is None else stored.activated_at or stored.created_at
    number = 1 if stored is None else stored.version
    content = export_icalendar(calendar, first, last, version=number, stamp=made_at)
    headers = {"Content-Disposition": f'attachment; filename="{key}.ics"'}
    return Response(content, media_type=f"{_MEDIA}; charset=utf-8", headers=headers)


@router.post(
    "/{key}/exceptions/import",
    status_code=201,
    summary="Import exceptions from iCalendar into a new draft",
    response_model=ImportOut,
    dependencies=[require("crisis:policy")],
    openapi_extra={
        "x-path-examples": {"key": "cn-office"},
        "requestBody": {"required": True, "content": {_MEDIA: {"schema": {"type": "string"}, "example": _UPLOAD}}},
    },
)
async def import_exceptions(
    request: Request, key: Key, caller: Caller, once: Once, version: VersionAsked = None
) -> Response:
    """An all-day event closes its dates; one with times says when its date is open. The draft is the version's copy.

    Nothing is taken if anything cannot be: events that repeat, unknown zones, dates with an exception of their own;
    each is told with its place, `/VEVENT/0/RRULE` for the first event's rule.
    """
    text = await _read_upload(request)

    async def create(work: UnitOfWork) -> Answer:
        stored = await _stored(work.raw, key, version)
        document = parse_calendar({**stored.body, "key": key})
        found = import_icalendar(text, zone=document.zone)
        known = [
            exception.model_dump(mode="json", by_alias=True, exclude_none=True) for exception in document.exceptions
        ]
        fresh = [exception for exception in found.exceptions if exception not in known]
        body = {**stored.body, "exceptions": [*known, *fresh]}
        parse_calendar({**body, "key": key})
        draft = await store.create_draft(work, CALENDARS.name, key, body, by=caller.id)
        out = ImportOut(
            imported=len(fresh),
            unchanged=len(found.exceptions) - len(fresh),
            skipped=found.skipped,
            document=DocumentOut.of(draft),
        )
        location = f"/v1/calendars/{key}/versions/{draft.version}"
        return Answer(out, headers={"Location": location, "ETag": etag(draft.tag)})

    return await once(create, status=201)


@router.get(
    "/{key}/versions/{version}/effect",
    summary="See which running clocks a version of a calendar would move",
    openapi_extra={"x-path-examples": {"key": "cn-office"}},
)
async def read_effect(
    key: Key,
    version: Version,
    uow: Uow,
    library: Annotated[Library, part(Library)],
    limit: Annotated[int, Query(ge=1, le=200, description="How many clocks are listed.")] = 20,
) -> EffectOut:
    """A dry answer: nothing is changed. Running clocks keep the version that they started with.

    Only provisional promises (due beyond `known_until`) are derived again when the version is activated, each
    told by `crisis.clock.due_changed.v1`. Example: `GET /v1/calendars/cn-office/versions/2/effect?limit=5`.
    """
    async with uow() as work:
        calendar, _ = await _calendar(work.raw, key, version)
        effect = await effect_of(work, calendar, version, library=library)
    return EffectOut(
        running=effect.running,
        examined=effect.examined,
        would_move=len(effect.moved),
        derived_again=sum(1 for one in effect.moved if one.is_derived_again),
        items=[MovedOut.of(one) for one in effect.moved[:limit]],
    )


async def _read_upload(request: Request) -> str:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _MEDIA:
        raise UnsupportedMedia(f"send {_MEDIA}, not {content_type or 'nothing in particular'}")
    try:
        return (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unprocessable(errors=[FieldError("", "utf-8", f"not UTF-8 at byte {error.start}")]) from None


async def _stored(raw: "asyncpg.Connection[asyncpg.Record]", key: str, version: int | None) -> StoredDocument:
    if version is not None:
        return await store.pinned(raw, CALENDARS.name, key, version)
    found = await store.active(raw, CALENDARS.name, key)
    if found is None:
        raise NotFound(f"there is no active version of {key!r}")
    return found


async def _calendar(
    raw: "asyncpg.Connection[asyncpg.Record]", key: str, version: int | None
) -> tuple[Calendar, StoredDocument | None]:
    """The version asked for, or the active one; a draft is published as it would be today."""
    if key == ALWAYS:
        return always(), None
    stored = await _stored(raw, key, version)
    published: Any = stored.compiled
    if published is not None:
        return Calendar(PublishedCalendar.model_validate(published)), stored
    return Calendar(publish(parse_calendar({**stored.body, "key": key}))), stored
