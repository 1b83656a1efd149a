"""The routes of one kind of document; every kind has the same ones."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Annotated, Any, Final

from fastapi import Body, Path, Query, Request, Response

from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.contracts.instants import format_instant
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.documents import activation, store
from shared.documents.activation import Plan
from shared.documents.kind import DocumentKind
from shared.documents.model import InvalidDocument
from shared.documents.parsing import YAML_TYPES, parse_document
from shared.documents.shapes import ActivationIn, DocumentOut, ValidationOut
from shared.documents.store import StoredDocument
from shared.errors import NotFound, Unprocessable, UnsupportedMedia
from shared.web.etags import IfMatch, etag, set_etag
from shared.web.idempotency import Answer, Once, OnceIfKeyed
from shared.web.kernel import Caller, ReadDatabase, Uow
from shared.web.pages import PageRequest
from shared.web.routing import Router
from shared.web.schema import FieldProblem, Listing

_LONGEST: Final = timedelta(days=5 * 366)
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._\-]{0,99}$", description="Name of the document.")]
Version = Annotated[int, Path(ge=1, le=2**31 - 1, description="Its version.", examples=[1])]


async def read_body(request: Request) -> dict[str, Any]:
    """The document in a request's body, JSON or YAML. Raises UnsupportedMedia and ContractError."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in YAML_TYPES and content_type != "application/json":
        raise UnsupportedMedia(
            f"send application/json or application/yaml, not {content_type or 'nothing in particular'}"
        )
    return parse_document(await request.body(), content_type)


@lru_cache(maxsize=16)
def documents_router(kind: DocumentKind) -> Router:
    """List, read, draft, validate, activate and retire documents of this kind. Made once, like routers of a module."""
    router = Router(prefix=kind.path, tags=[kind.name], dependencies=[require(kind.read_scope)])
    routes = _Routes(kind)
    content = {"schema": {"type": "object"}, "example": dict(kind.example)}
    body = {
        "requestBody": {"required": True, "content": dict.fromkeys(("application/json", "application/yaml"), content)}
    }
    example = {"x-path-examples": {"key": str(kind.example.get("key", "default"))}}
    one, version = f"one of the {kind.title}", "/{key}/versions/{version}"
    for path, read, summary in (
        ("", routes.list_active, f"List {kind.title}"),
        ("/{key}", routes.read_active, f"Read the active version of {one}"),
        ("/{key}/versions", routes.list_versions, f"List the versions of {one}"),
        (version, routes.read_version, f"Read a version of {one}"),
    ):
        router.add_api_route(path, read, methods=["GET"], summary=summary, openapi_extra=example)
    for method, path, write, summary, extra in (
        ("POST", "/{key}/versions", routes.draft_version, f"Draft a new version of {one}", body),
        ("PUT", version, routes.change_draft, f"Change a draft of {one}", body),
        ("POST", "/{key}/validate", routes.validate, f"Validate a content for {one}", body),
        ("POST", f"{version}/activate", routes.activate, f"Activate a draft of {one}", {}),
        ("POST", f"{version}/withdraw", routes.withdraw, f"Withdraw the planned activation of {one}", {}),
        ("POST", "/{key}/retire", routes.retire, f"Retire the active version of {one}", {}),
    ):
        router.add_api_route(
            path,
            write,
            methods=[method],
            summary=summary,
            status_code=201 if write == routes.draft_version else 200,
            response_model=ValidationOut if write == routes.validate else DocumentOut,
            dependencies=[require(kind.write_scope)],
            openapi_extra={**example, **extra},
        )
    return router


class _Routes:
    """The endpoints of one kind."""

    def __init__(self, kind: DocumentKind) -> None:
        self.kind = kind

    def _out(self, document: StoredDocument, planned: Mapping[int, Plan] | None = None, newest: int = 0) -> DocumentOut:
        is_draft = document.state == "draft"
        problems = self.kind.problems(document.key, dict(document.body)) if is_draft else ()
        return DocumentOut.of(document, problems, plan=(planned or {}).get(document.version), newest=newest)

    async def list_active(self, page: PageRequest, database: ReadDatabase) -> Listing[DocumentOut]:
        """The active version of every document, by key."""
        async with database.read() as connection:
            found = await store.all_active(await raw_connection(connection), self.kind.name)
        rest = [d for d in found if page.after is None or d.key > page.after[0]][: page.limit]
        return page.listing(rest, key=lambda document: (document.key,), item=self._out)

    async def read_active(self, key: Key, database: ReadDatabase, response: Response) -> DocumentOut:
        """What new work starts with; 404 while there is no active version."""
        async with database.read() as connection:
            document = await store.active(await raw_connection(connection), self.kind.name, key)
        if document is None:
            raise NotFound(f"there is no active version of {key!r}")
        set_etag(response, document.tag)
        return self._out(document)

    async def list_versions(
        self,
        key: Key,
        page: PageRequest,
        database: ReadDatabase,
        state: Annotated[store.State | None, Query(description="Only versions in this state.")] = None,
    ) -> Listing[DocumentOut]:
        """The newest first."""
        below = page.after[0] if page.after else None
        async with database.read() as connection:
            raw = await raw_connection(connection)
            found = await store.versions(raw, self.kind.name, key, state=state, below=below, limit=page.limit)
            planned = await activation.planned(raw, found)
            newest = await store.newest_activated(raw, self.kind.name, key)
        item = partial(self._out, planned=planned, newest=newest)
        return page.listing(found, key=lambda document: (document.version,), item=item)

    async def read_version(self, key: Key, version: Version, database: ReadDatabase, response: Response) -> DocumentOut:
        """Versions that were active once stay readable for ever: running work may stand on them."""
        async with database.read() as connection:
            raw = await raw_connection(connection)
            document = await store.pinned(raw, self.kind.name, key, version)
            planned = await activation.planned(raw, [document])
            newest = await store.newest_activated(raw, self.kind.name, key)
        set_etag(response, document.tag)
        return self._out(document, planned, newest)

    async def draft_version(self, request: Request, key: Key, caller: Caller, once: Once) -> Response:
        """The body is the document. A draft may have problems; it cannot be activated until it has none."""
        body = await read_body(request)

        async def create(work: UnitOfWork) -> Answer:
            document = await store.create_draft(work, self.kind.name, key, body, by=caller.id)
            location = f"{self.kind.path}/{key}/versions/{document.version}"
            return Answer(self._out(document), headers={"Location": location, "ETag": etag(document.tag)})

        return await once(create, status=201)

    async def change_draft(
        self, request: Request, key: Key, version: Version, expected: IfMatch, uow: Uow, response: Response
    ) -> DocumentOut:
        """The body replaces the draft's content; an activation that was planned for it is dropped."""
        body = await read_body(request)
        async with uow() as work:
            document = await activation.held(work, self.kind, key, version)
            expected.check(document.tag)
            document = await store.update_draft(work, document, body)
            activation.forget(work, document)
        set_etag(response, document.tag)
        return self._out(document)

    async def validate(self, request: Request, key: Key, uow: Uow) -> ValidationOut:
        """Says everything that would keep it from being activated; stores nothing."""
        body = await read_body(request)
        errors = self.kind.problems(key, body)
        if not errors:
            try:
                async with uow() as work:
                    await self.kind.prepare(work, key, body)
            except InvalidDocument as refusal:
                errors = refusal.errors
        return ValidationOut(valid=not errors, errors=[FieldProblem(**error.as_dict()) for error in errors])

    async def activate(
        self,
        key: Key,
        version: Version,
        expected: IfMatch,
        caller: Caller,
        once: OnceIfKeyed,
        body: Annotated[ActivationIn | None, Body(examples=[{"effective_from": "2027-01-01T00:00:00+08:00"}])] = None,
    ) -> Response:
        """New work starts with it from now on; the version before is retired, running work keeps it.

        With `effective_from` that happens then: until that instant it stays a draft, and changing the draft drops the
        plan. Asking again replaces it. Without it, plans of older versions are dropped: the newer decision stands.
        """
        wanted = body.effective_from if body is not None else None

        async def effect(work: UnitOfWork) -> Answer:
            document = await activation.held(work, self.kind, key, version)
            expected.check(document.tag)
            planned: dict[int, Plan] = {}
            if wanted is None or wanted <= work.now:
                document = await activation.activate(work, self.kind, document, by=caller.id)
            else:
                _require_soon(wanted, work.now)
                await activation.plan(work, self.kind, document, at=wanted, by=caller.id)
                planned[version] = Plan(wanted.astimezone(UTC), refused=None)
            return Answer(self._out(document, planned), headers={"ETag": etag(document.tag)})

        return await once(effect)

    async def withdraw(self, key: Key, version: Version, once: OnceIfKeyed) -> Response:
        """It stays a draft, and can be planned for again. Where there is no plan, nothing changes."""

        async def effect(work: UnitOfWork) -> DocumentOut:
            document = await activation.held(work, self.kind, key, version)
            store.require_draft(document)
            activation.forget(work, document)
            return self._out(document, newest=await store.newest_activated(work.raw, self.kind.name, key))

        return await once(effect)

    async def retire(self, key: Key, once: OnceIfKeyed) -> Response:
        """Nothing new starts with it; running work keeps it."""

        async def effect(work: UnitOfWork) -> DocumentOut:
            document = await store.retire(work, self.kind.name, key)
            if document is None:
                raise NotFound(f"there is no active version of {key!r}")
            return self._out(document)

        return await once(effect)


def _require_soon(wanted: datetime, now: datetime) -> None:
    if wanted - now > _LONGEST:
        detail = f"an activation is planned at most five years ahead, until {format_instant(now + _LONGEST)}"
        raise Unprocessable(errors=(FieldError("/effective_from", "instant-range", detail),))
