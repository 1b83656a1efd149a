"""Why each clock of a case stands as it does: as JSON, as text in two languages, as a picture."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Response

from services.crisis.api.explain_example import EXAMPLE, EXAMPLE_TEXT
from services.crisis.explain import Explanation, Language, as_json, as_svg, as_text
from services.crisis.library import Library
from services.crisis.usecases.explain import Wanted, explain_case, load_for_explanation
from shared.contracts.errors import FieldError
from shared.errors import Unprocessable
from shared.web.kernel import Uow, part
from shared.worktime.zones import is_zone, zone

POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""The picture holds nothing that has to be allowed."""
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The explanation.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
            "text/plain": {"schema": {"type": "string"}, "example": EXAMPLE_TEXT},
            "image/svg+xml": {"schema": {"type": "string"}},
        },
    }
}
_DESCRIPTION: Final = """Every clock and cycle of the case, by the same fold that runs it: its lines, each with its own
due instant, the documents and versions behind it and *why* in both languages; every counted, closed, paused and stopped
stretch with its reason; the sums, which are the real time to the microsecond (`adds_up`); warnings fired and planned;
the breach and its cause; and each recorded event with who recorded it.

`format=text` answers plain text, `format=svg` a picture: a time strip for each clock. Their language is `lang`, else
that of `Accept-Language`, else English. Times are shown in `zone`, UTC if none is given; a zone that IANA does not know
is refused with `/query/zone`.

```
curl -H "Authorization: Bearer $KEY" "$CRISIS/v1/cases/$CASE/sla/explain?zone=Asia/Shanghai&format=text&lang=zh-CN"
```

逐段说明每个时钟为何如此计时：JSON、中英文文本或图形。"""


@dataclass(frozen=True, slots=True)
class Shown:
    """How the explanation is to be shown."""

    format: Literal["json", "text", "svg"]
    language: Language
    zone: ZoneInfo


async def shown(
    format: Annotated[  # noqa: A002 - the name that people expect
        Literal["json", "text", "svg"], Query(description="`json`, `text` for reading, `svg` for a picture.")
    ] = "json",
    lang: Annotated[Language | None, Query(description="Language of text and picture.")] = None,
    zone_name: Annotated[
        str, Query(alias="zone", max_length=64, description="IANA zone of the local times.", examples=["Asia/Shanghai"])
    ] = "UTC",
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Shown:
    """What was asked for; raises Unprocessable for a zone that does not exist."""
    if not is_zone(zone_name):
        raise Unprocessable(
            errors=[FieldError("/query/zone", "unknown-zone", f"There is no IANA time zone {zone_name!r}")]
        )
    language: Language = "zh-CN" if (accept_language or "")[:2].lower() == "zh" else "en"
    return Shown(format, lang or language, zone(zone_name))


async def wanted(
    target: Annotated[str | None, Query(max_length=100, description="Only clocks of this target.")] = None,
    clock_id: Annotated[str | None, Query(max_length=128, description="Only this clock.")] = None,
    matter_id: Annotated[str | None, Query(max_length=128, description="Only clocks of this matter.")] = None,
) -> Wanted:
    """Which clocks are explained."""
    return Wanted(target, clock_id, matter_id)


async def explain_clocks(
    case_id: Annotated[str, Path(max_length=128, description="The case.")],
    asked: Annotated[Wanted, Depends(wanted)],
    how: Annotated[Shown, Depends(shown)],
    uow: Uow,
    library: Annotated[Library, part(Library)],
) -> Response:
    async with uow() as work:
        loaded = await load_for_explanation(work, case_id, library=library)
    return await asyncio.to_thread(lambda: _answer(explain_case(loaded, asked, how.zone), how))


def add_explain(router: APIRouter) -> None:
    """Give a router of cases the explanation."""
    router.get(
        "/{case_id}/sla/explain",
        summary="Explain the clocks of a case",
        description=_DESCRIPTION,
        responses=_ANSWERS,
        response_class=Response,
    )(explain_clocks)


def _answer(explanation: Explanation, how: Shown) -> Response:
    headers: dict[str, str] = {"Content-Language": how.language}
    match how.format:
        case "json":
            return Response(orjson.dumps(as_json(explanation)), media_type="application/json")
        case "text":
            return Response(as_text(explanation, how.language), media_type="text/plain", headers=headers)
        case "svg":
            headers["Content-Security-Policy"] = POLICY
            return Response(as_svg(explanation, how.language), media_type="image/svg+xml", headers=headers)
