"""RFC 9457 problem details: the one table from named facts to HTTP, and how an answer is written.

`type` is a path of the same service (`/problems/<slug>`), stable for ever; the catalogue page there explains it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from shared import errors as facts
from shared.bus.port import BusUnavailable
from shared.contracts.errors import ContractError, FieldError, UnknownType, pointer_of, rule_of, words_of
from shared.db.database import is_transient
from shared.documents.model import InvalidDocument
from shared.observability import tracing

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[facts.Refusal], int]] = {
    facts.Malformed: 400,
    facts.Unauthenticated: 401,
    facts.Forbidden: 403,
    facts.NotFound: 404,
    facts.MethodNotAllowed: 405,
    facts.Conflict: 409,
    facts.Gone: 410,
    facts.PreconditionFailed: 412,
    facts.TooLarge: 413,
    facts.UnsupportedMedia: 415,
    facts.Unprocessable: 422,
    facts.PreconditionRequired: 428,
    facts.TooManyRequests: 429,
    facts.Refusal: 500,
    facts.InternalFault: 500,
    facts.NotSupported: 501,
    facts.Unavailable: 503,
    facts.TimedOut: 504,
}
"""The status of each fact; a fact that is not named here has the status of the nearest one it specialises."""

_BY_STATUS: Final = {
    400: facts.Malformed,
    401: facts.Unauthenticated,
    403: facts.Forbidden,
    404: facts.NotFound,
    405: facts.MethodNotAllowed,
    413: facts.TooLarge,
    415: facts.UnsupportedMedia,
    429: facts.TooManyRequests,
    503: facts.Unavailable,
}
_MOST_ERRORS: Final = 50
_encode = msgspec.json.Encoder(enc_hook=str).encode


def status_of(fact: type[facts.Refusal]) -> int:
    """The HTTP status of a fact."""
    return next(STATUS[kind] for kind in fact.__mro__ if kind in STATUS)


def refusal_of(error: BaseException) -> facts.Refusal:
    """The named fact behind any exception. What nobody foresaw is an internal fault without a word of its insides."""
    match error:
        case facts.Refusal():
            return error
        case RequestValidationError():
            return facts.Unprocessable(errors=_field_errors(error.errors()))
        case ContractError():
            return facts.Unprocessable(errors=error.errors)
        case InvalidDocument():
            return facts.Unprocessable(errors=error.errors)
        case UnknownType():
            return facts.Unprocessable(errors=error.errors)
        case HTTPException():
            if isinstance(error.__cause__, ContractError):
                return facts.Malformed(errors=error.__cause__.errors)
            if isinstance(error.__cause__, facts.Refusal):  # raised while FastAPI read the body
                return error.__cause__
            kind = _BY_STATUS.get(error.status_code)
            return facts.InternalFault() if kind is None else kind()
        case ClientDisconnect():
            return facts.Malformed("the sender left before the end of the body")
        case BusUnavailable():
            return facts.Unavailable("the message broker cannot be reached")
        case _ if is_transient(error):
            return facts.Unavailable("the database cannot be reached or is busy")
        case _:
            return facts.InternalFault()


def answer(scope: Scope, error: BaseException) -> Response:
    """The problem that tells the caller of `error`. A fault of ours is logged here, once, with its traceback."""
    refusal = refusal_of(error)
    if isinstance(refusal, facts.InternalFault):
        log.error("http.fault", path=scope["path"], method=scope["method"], exc_info=error)
    elif isinstance(refusal, facts.Unavailable) and refusal is not error:
        log.warning("http.unavailable", path=scope["path"], error=type(error).__name__, detail=str(error)[:300])
    return respond(scope, refusal)


def respond(scope: Scope, refusal: facts.Refusal) -> Response:
    """The response that states `refusal`."""
    status = status_of(type(refusal))
    chinese = any(name == b"accept-language" and value[:2].lower() == b"zh" for name, value in scope["headers"])
    return Response(
        _encode(body_of(refusal, status, scope["path"], chinese=chinese)),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=_headers(refusal),
    )


def body_of(refusal: facts.Refusal, status: int, instance: str | None, *, chinese: bool = False) -> dict[str, Any]:
    """The problem document; also used where a problem is a part of an answer (one bad fact among many)."""
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.slug}",
        "title": refusal.zh if chinese else refusal.title(),
        "status": status,
    }
    if refusal.detail or refusal.errors:
        body["detail"] = refusal.detail or "; ".join(f"{e.pointer or '/'}: {e.detail}" for e in refusal.errors[:3])
    if instance is not None:
        body["instance"] = instance
    if refusal.errors:
        body["errors"] = [error.as_dict() for error in refusal.errors[:_MOST_ERRORS]]
    body.update(refusal.members)
    trace = tracing.current()
    if trace is not None:
        body["trace_id"] = trace.trace_id
    return body


def problem(error: BaseException) -> dict[str, Any]:
    """The problem document of `error` as a part of an answer."""
    refusal = refusal_of(error)
    return body_of(refusal, status_of(type(refusal)), None)


def _headers(refusal: facts.Refusal) -> dict[str, str]:
    match refusal:
        case facts.Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="moat"'}
        case facts.Forbidden():
            needed = " ".join(refusal.members.get("missing_scopes", ()))
            return {"WWW-Authenticate": f'Bearer realm="moat", error="insufficient_scope", scope="{needed}"'}
        case facts.MethodNotAllowed():
            return {"Allow": ", ".join(refusal.members.get("allowed", ()))}
        case facts.Unavailable():
            return {"Retry-After": str(refusal.retry_after)}
        case _:
            return {}


def _field_errors(found: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """What FastAPI found, said with our words. Pointers into the body are bare, other places come first by name."""
    errors: list[FieldError] = []
    for problem in found:
        place, *path = problem["loc"]
        pointer = pointer_of(path) if place == "body" else pointer_of((place, *path))
        errors.append(FieldError(pointer, rule_of(problem["type"]), words_of(problem)))
    return errors
