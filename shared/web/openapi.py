"""The OpenAPI document: what FastAPI finds, and what all our routes have besides: credentials, scopes, problems."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi

from shared.auth.scopes import SCOPES
from shared.web.etags import required_if_match
from shared.web.idempotency import once_optional, once_required
from shared.web.pages import page_request
from shared.web.problems import MEDIA_TYPE
from shared.web.routing import Route
from shared.web.schema import FieldProblem, Problem

_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
_PROBLEMS: Final = {
    400: "The request cannot be read, or a header is missing or malformed.",
    401: "No valid credential was sent.",
    403: "The credential lacks the scope.",
    404: "There is nothing with this id.",
    409: "The object's state does not allow it; the body says how it stands.",
    410: "It was here, and is not any more.",
    412: "The object has changed since the version in If-Match.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Something in the request is not right; `errors` names field and rule.",
    428: "If-Match is missing.",
    503: "Not possible right now; see Retry-After.",
}


def openapi_bytes(app: FastAPI) -> bytes:
    """The document as JSON, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = build_openapi(app)
    return msgspec.json.encode(app.openapi_schema)


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """The document of `app`."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": "/", "description": "This service."}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (Problem, FieldProblem):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = _SCHEMES
    for route in app.routes:
        if isinstance(route, Route) and route.include_in_schema:
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route)
    return document


def _complete(operation: dict[str, Any], route: Route) -> None:
    """Add to one operation what follows from what its route demands."""
    if route.scopes:
        scopes = sorted(route.scopes)
        operation["security"] = [{"bearer": scopes}, {"apiKey": scopes}]
        operation["x-required-scopes"] = scopes
        needs = "Needs " + " and ".join(f"`{scope}` ({SCOPES[scope]})" for scope in scopes)
        operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()
    _require_headers(operation, set(_calls(route.dependant)))
    examples = operation.pop("x-path-examples", {})
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in examples:
            parameter["example"] = examples[parameter["name"]]
    responses = operation.setdefault("responses", {})
    for status, description in _possible(route):
        own = responses.get(str(status), {})
        if status == 422 or "content" not in own:
            content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            responses[str(status)] = {"description": own.get("description") or description, "content": content}


def _require_headers(operation: dict[str, Any], calls: set[Any]) -> None:
    """A header that a dependency demands is declared optional, so that its absence is our problem and not FastAPI's."""
    demanded = {
        name for name, call in (("Idempotency-Key", once_required), ("if-match", required_if_match)) if call in calls
    }
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] in {"Idempotency-Key", "if-match"}:
            examples = parameter["schema"].get("examples", [])
            parameter["schema"] = {"type": "string", **({"examples": examples} if examples else {})}
            parameter["required"] = parameter["name"] in demanded


def _possible(route: Route) -> Iterator[tuple[int, str]]:
    calls = set(_calls(route.dependant))
    statuses: set[int] = {int(status) for status in route.responses if int(status) >= 400}
    if route.scopes:
        statuses |= {401, 403, 503}
    if "{" in route.path_format and route.scopes:
        statuses.add(404)
    if route.body_field is not None:
        statuses |= {400, 413, 415, 422}
    if _has_parameters(route.dependant):
        statuses.add(422)
    if required_if_match in calls:
        statuses |= {400, 409, 412, 428}
    if calls & {once_required, once_optional}:
        statuses |= {400, 409, 422}
    if page_request in calls:
        statuses.add(400)
    for status in sorted(statuses):
        if status in _PROBLEMS:
            yield status, _PROBLEMS[status]


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _has_parameters(dependant: Dependant) -> bool:
    own = dependant.path_params or dependant.query_params or dependant.header_params
    return bool(own) or any(_has_parameters(dependency) for dependency in dependant.dependencies)


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything that a document describes."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation
