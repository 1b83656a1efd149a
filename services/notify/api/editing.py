"""What edits have in common: the version that was read, and the answer that tells whether something was made."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Response
from pydantic import BaseModel
from sqlalchemy import RowMapping

from shared.web.etags import Precondition, parse_if_match, set_etag

Row = Mapping[str, Any] | RowMapping
"""A row by column name, however it was read."""
Model = TypeVar("Model", bound=BaseModel)


async def _optional(
    if_match: Annotated[
        str | None,
        Header(description="The `ETag` that was read; leave it out to make a new one.", examples=['"1"']),
    ] = None,
) -> Precondition | None:
    return None if if_match is None else parse_if_match(if_match)


IfMatchWhenThere = Annotated[Precondition | None, Depends(_optional)]
"""Demanded where the record exists, absent where it is to be made."""


def answer(response: Response, body: Model, *, revision: int, is_new: bool) -> Model:
    """`body` with its version as ETag; 201 for a record that was made."""
    set_etag(response, revision)
    if is_new:
        response.status_code = 201
    return body
