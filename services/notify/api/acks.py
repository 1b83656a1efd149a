"""Acknowledgement by signed link, open to all: who holds the link was sent it.

GET shows a page and changes nothing, for mail scanners open every link; POST acknowledges.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from services.notify.api.ack_page import POLICY, Line, Showing, page
from services.notify.domain.tokens import ForgedToken
from services.notify.names import ACK_KEY
from services.notify.usecases.acknowledge import LinkExpired, LinkUnknown, Notice, acknowledge_by_link, look_up
from shared.auth.guard import open_to_all
from shared.contracts import format_instant
from shared.db.secrets import signing_key
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Refusal
from shared.web.kernel import Uow
from shared.web.problems import respond
from shared.web.routing import Router

router = Router(prefix="/v1/acks", tags=["acknowledgements"], dependencies=[open_to_all()])

Token = Annotated[str, Path(max_length=128, description="The token of a link that was sent.")]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The page; with `Accept: application/json` how it stands.",
        "content": {"text/html": {}, "application/json": {"example": {"state": "acknowledged", "message_id": "…"}}},
    },
    404: {"description": "Not one of our links.", "content": {"text/html": {}}},
    410: {"description": "The link has expired.", "content": {"text/html": {}}},
}


@dataclass(frozen=True, slots=True)
class _Failure:
    showing: Showing
    status: int


@router.get("/{token}", summary="Show what is to be acknowledged", response_class=HTMLResponse, responses=_ANSWERS)
async def show(token: Token, request: Request, uow: Uow) -> Response:
    """The page with the button. Nothing is acknowledged by opening it."""
    try:
        async with uow() as work:
            notice = await look_up(work, token, keys=await _keys(work), wall=datetime.now(UTC))
    except (ForgedToken, LinkUnknown, LinkExpired) as error:
        return _refused(request, error)
    return _answer(request, notice)


@router.post("/{token}", summary="Acknowledge by link", response_class=HTMLResponse, responses=_ANSWERS)
async def acknowledge(token: Token, request: Request, uow: Uow) -> Response:
    """Acknowledge, once; doing it again shows that it is done and changes nothing."""
    try:
        async with uow() as work:
            notice = await acknowledge_by_link(work, token, keys=await _keys(work), wall=datetime.now(UTC))
    except (ForgedToken, LinkUnknown, LinkExpired) as error:
        return _refused(request, error)
    return _answer(request, notice)


async def _keys(work: UnitOfWork) -> tuple[bytes, ...]:
    return (await signing_key(work.raw, ACK_KEY, work.now),)


def _answer(request: Request, notice: Notice) -> Response:
    row = notice.row
    if _wants_json(request):
        return JSONResponse(
            {
                "state": notice.standing,
                "message_id": row.message_id,
                "case_id": row.case_id,
                "matter_id": row.matter_id,
                "merged_into": _into(notice),
                "person": notice.person,
                "acknowledged_at": None if notice.given is None else format_instant(notice.given.at),
            }
        )
    said = row.variables
    lines = [
        Line("case", str(said.get("case_number") or "")),
        Line("title", str(said.get("title") or "")),
        Line("customer", str(said.get("customer_name") or said.get("customer_id") or "")),
        Line("severity", str(said.get("severity") or "")),
    ]
    if notice.goes_on_as is not None:
        lines.append(Line("into", notice.goes_on_as[1]))
    if notice.given is not None:
        lines.append(Line("at", format_instant(notice.given.at.replace(microsecond=0))))
    return _html(page(notice.standing, notice.locale, tuple(lines)), 200)


def _into(notice: Notice) -> dict[str, str] | None:
    """The case that goes on where the message's own was merged."""
    return None if notice.goes_on_as is None else dict(zip(("id", "number"), notice.goes_on_as, strict=True))


def _refused(request: Request, error: Exception) -> Response:
    failure = _Failure("expired", 410) if isinstance(error, LinkExpired) else _Failure("unknown", 404)
    if _wants_json(request):
        refusal: Refusal = error if isinstance(error, Refusal) else LinkUnknown()
        answer = respond(request.scope, refusal)
        answer.status_code = failure.status
        return answer
    accepted = request.headers.get("accept-language", "zh")
    return _html(page(failure.showing, "zh-CN" if accepted[:2].lower() == "zh" else "en"), failure.status)


def _html(text: str, status: int) -> Response:
    return HTMLResponse(text, status, headers={"content-security-policy": POLICY})


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept
