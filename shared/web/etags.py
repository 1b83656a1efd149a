"""Edits name the version they were made on: `ETag` goes out with what people edit, `If-Match` comes back with the edit.

    async def rename(id: str, body: RenameIn, expected: IfMatch, response: Response, uow: Uow) -> CustomerOut:
        ...
        expected.check(customer.version)      # after the row is locked: 412 when it has moved on
        set_etag(response, customer.version)

RFC 9110 section 13.1.1; a missing header is 428 (RFC 6585), a weak tag never matches.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response

from shared.contracts.errors import FieldError
from shared.errors import Malformed, PreconditionFailed, PreconditionRequired

_TAGS: Final = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e]*)")\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Precondition:
    """The versions that the caller will accept; None stands for any that exists (`*`)."""

    tags: frozenset[str] | None

    def check(self, version: int | str) -> None:
        """Raise PreconditionFailed when the object is at another version; the answer then names the present one."""
        if self.tags is not None and str(version) not in self.tags:
            raise PreconditionFailed(
                f"it is at version {version} now: read it again and decide anew", current={"version": version}
            )


def parse_if_match(text: str) -> Precondition:
    """What an `If-Match` header says. Raises Malformed."""
    if text.strip() == "*":
        return Precondition(None)
    tags: set[str] = set()
    position = 0
    while position < len(text) or not text:
        match = _TAGS.match(text, position)
        if match is None:
            wrong = FieldError("/header/if-match", "etag", 'quote the version, as in If-Match: "7"')
            raise Malformed(errors=[wrong])
        if not match[1]:
            tags.add(match[2])
        position = match.end()
    return Precondition(frozenset(tags))


async def required_if_match(
    request: Request,  # noqa: ARG001 - keeps the signature of a dependency
    if_match: Annotated[
        str | None,
        Header(description="The `ETag` of the version that was read.", examples=['"7"']),
    ] = None,
) -> Precondition:
    """The dependency behind `IfMatch`."""
    if if_match is None:
        raise PreconditionRequired('send the ETag that you read as If-Match, for example If-Match: "7"')
    return parse_if_match(if_match)


IfMatch = Annotated[Precondition, Depends(required_if_match)]
"""Demands the header."""


def etag(version: int | str) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def set_etag(response: Response, version: int | str) -> None:
    """Send the version's tag with an answer."""
    response.headers["ETag"] = etag(version)
