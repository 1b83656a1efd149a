"""Trying routes and templates without sending anything: who would be told and why, and how it would read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import ConfigDict, Field

from services.notify.documents import parse_route
from services.notify.domain.planning import Plan, PlannedMessage, plan
from services.notify.domain.routes import Route, in_order
from services.notify.domain.variables import SAMPLE, VOCABULARY
from services.notify.kinds import Books
from services.notify.reading import happening_of
from services.notify.rendering import CannotRender, TemplateDocument, render
from services.notify.store.directory import load_directory
from shared.auth.guard import require
from shared.contracts import CloudEvent, FieldError, registry, validate
from shared.db.database import raw_connection
from shared.errors import NotFound, Unprocessable
from shared.web.kernel import ReadDatabase, TheClock, part
from shared.web.routing import Router
from shared.web.schema import In, Out

router = Router(prefix="/v1", dependencies=[require("notify:read")])

TheBooks = Annotated[Books, part(Books)]


class EventIn(In):
    """An event as crisis would publish it. Fields that are left out are those of the published example."""

    type: Annotated[str, Field(max_length=128)]
    data: dict[str, Any] = Field(default_factory=dict)


class DryRunIn(In):
    """What to try."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": {"type": "crisis.case.opened.v1", "data": {"customer_id": "C-10001", "severity": "S1"}},
                    "route": None,
                }
            ]
        }
    )

    event: EventIn
    route: dict[str, Any] | None = Field(None, description="A route to try together with the active ones.")


class WouldTell(Out):
    """One recipient."""

    recipient: str
    person: str | None
    name: str | None
    channels: list[str] = Field(description="In the order of trying; empty without any contact point.")
    why: list[str]
    suppressed_because: str | None


class WouldSay(Out):
    """One message."""

    rule: str
    route_version: int
    audience: str
    urgency: str
    template: str
    acknowledge: bool
    conditions: list[str]
    steps: list[str] = Field(description="How the audience was found.")
    recipients: list[WouldTell]
    unreachable: str | None = Field(description="nobody or no_contact_point: it would be undeliverable at once.")


class RouteTried(Out):
    """One route that was tried."""

    route: str
    version: int
    matched: bool
    because: str


class DryRunOut(Out):
    """Who would be told, and why."""

    now: datetime
    routes: list[RouteTried]
    messages: list[WouldSay]


class PreviewIn(In):
    """How to read a template."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "smtp", "locale": "zh-CN", "variables": {}}]})

    channel: Literal["smtp", "webhook"] = "smtp"
    locale: Annotated[str, Field(max_length=16)] = "zh-CN"
    zone: Annotated[str, Field(max_length=64)] = "Asia/Shanghai"
    version: int | None = Field(None, ge=1, description="The active version when left out.")
    variables: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, description="Instead of the sample's values."
    )


class PreviewOut(Out):
    """The text as it would be sent."""

    key: str
    version: int
    locale: str
    subject: str
    text: str
    html: str | None


@router.post("/routes/dry-run", summary="Who would be told of this event, and why?", tags=["route"])
async def dry_run(body: DryRunIn, database: ReadDatabase, clock: TheClock, books: TheBooks) -> DryRunOut:
    """Routes, directory and contact points as they stand now; nothing is written or sent."""
    happening = happening_of(_event(body.event, clock.now()))
    now = clock.now()
    async with database.read() as connection:
        raw = await raw_connection(connection)
        active = dict(await books.routes.active(raw))
        if body.route is not None:
            tried = _draft(body.route)
            active[tried.key] = tried
        routes = in_order(active.values())
        directory = await load_directory(raw, [happening], routes)
    found = plan(happening, routes, directory, now)
    names = {id_: person.name for id_, person in directory.people.items()}
    return _answer(found, names, now)


@router.post(
    "/templates/{key}/preview",
    summary="How would this template read?",
    tags=["template"],
    openapi_extra={"x-path-examples": {"key": "case-opened"}},
)
async def preview(
    key: Annotated[str, Path(max_length=100)], body: PreviewIn, database: ReadDatabase, books: TheBooks
) -> PreviewOut:
    """Filled in with a sample, or with the variables given."""
    unknown = sorted(set(body.variables) - VOCABULARY)
    if unknown:
        raise Unprocessable(
            errors=[FieldError(f"/variables/{name}", "variable", "there is no such variable") for name in unknown]
        )
    async with database.read() as connection:
        raw = await raw_connection(connection)
        if body.version is not None:
            document: TemplateDocument | None = await books.templates.pinned(raw, key, body.version)
        else:
            document = (await books.templates.active(raw)).get(key)
    found = None if document is None else document.wording(body.channel, body.locale)
    if document is None or found is None:
        raise NotFound(f"there is no template {key!r} for {body.channel}")
    wording, locale = found
    try:
        content = render(wording, {**SAMPLE, **body.variables}, locale=locale, zone=body.zone)
    except CannotRender as error:
        raise Unprocessable(errors=[FieldError("/variables", "template", str(error))]) from None
    return PreviewOut(
        key=key,
        version=document.version,
        locale=locale,
        subject=content.subject,
        text=content.text,
        html=content.html,
    )


def _event(given: EventIn, now: datetime) -> CloudEvent:
    if given.type not in registry:
        raise Unprocessable(errors=[FieldError("/event/type", "event-type", f"there is no event type {given.type!r}")])
    extra = registry[given.type].model.model_config.get("json_schema_extra")
    examples = extra.get("examples") if isinstance(extra, dict) else None
    example = examples[0] if isinstance(examples, list) and isinstance(examples[0], dict) else {}
    data = {**example, **given.data}
    event = CloudEvent(
        id="dry-run",
        source="/dry-run",
        type=given.type,
        subject=str(data.get("customer_id", "none")),
        time=now,
        data=data,
    )
    validate(event)
    return event


def _draft(body: dict[str, Any]) -> Route:
    return parse_route(body).to_domain(1)


def _answer(found: Plan, names: dict[str, str], now: datetime) -> DryRunOut:
    return DryRunOut(
        now=now,
        routes=[
            RouteTried(route=v.route.key, version=v.route.version, matched=v.matched, because=v.because)
            for v in found.routing.verdicts
        ],
        messages=[_would_say(message, names) for message in found.messages],
    )


def _would_say(message: PlannedMessage, names: dict[str, str]) -> WouldSay:
    said = message.tell
    return WouldSay(
        rule=message.rule,
        route_version=message.route_version,
        audience=message.audience,
        urgency=said.urgency.value,
        template=said.template,
        acknowledge=said.acknowledge,
        conditions=sorted(condition.value for condition in said.conditions),
        steps=list(message.steps),
        recipients=[
            WouldTell(
                recipient=delivery.recipient,
                person=delivery.person,
                name=None if delivery.person is None else names.get(delivery.person),
                channels=list(delivery.channels),
                why=list(delivery.why_channels),
                suppressed_because=delivery.suppressed_because,
            )
            for delivery in message.deliveries
        ],
        unreachable=message.unreachable,
    )
