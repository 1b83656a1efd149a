"""Tables as CSV beside JSON: RFC 4180, UTF-8, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel

from services.crisis.api.csv_titles import title
from shared.contracts.instants import format_instant

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
CSV: Final = "text/csv; charset=utf-8"


async def _wants_csv(
    format: Annotated[  # noqa: A002 - the name that callers know
        Literal["json", "csv"] | None, Query(description="`csv` or `json`; without it the Accept header decides.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> bool:
    if format is not None:
        return format == "csv"
    return _quality(accept, "text/csv") > max(_quality(accept, "application/json"), _quality(accept, "*/*"))


WantsCsv = Annotated[bool, Depends(_wants_csv)]
"""Whether the caller asked for a table: `?format=csv`, or an Accept header that prefers `text/csv`."""


Language = Literal["en", "zh-CN"]
Titles = Annotated[
    Language, Query(alias="lang", description="Titles of a table's columns: `en` are the names of the fields.")
]
"""In which language a table's columns are titled."""


def documented(example: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that also answers CSV."""
    return {200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": example}}}}


def json_answer(body: BaseModel) -> Response:
    """The model as JSON."""
    return Response(body.model_dump_json(by_alias=True), media_type="application/json", headers={"Vary": "Accept"})


def csv_answer(
    name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, lang: Language = "en"
) -> Response:
    """A header line and the rows, to be saved as `name`.csv. None is an empty cell, instants are UTC with a `Z`.

    With Chinese titles the text begins with a byte order mark: without it spreadsheets take it for GBK.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if lang == "zh-CN":
        text.write("\ufeff")
    writer.writerow([title(column) for column in columns] if lang == "zh-CN" else columns)
    for row in rows:
        writer.writerow([cell(row[column]) for column in columns])
    headers = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), media_type=CSV, headers=headers)


def cell(value: Any) -> Any:
    """A value as a cell. Text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP)."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return format_instant(value)
        case str() if value.lstrip(" ").startswith(_FORMULA):
            return "'" + value
        case _:
            return value


def _quality(accept: str, media: str) -> float:
    """The weight that an Accept header gives to exactly this media type; 0 where it does not name it."""
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name == media:
            weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
            try:
                return float(weight)
            except ValueError:
                return 0.0
    return 0.0
