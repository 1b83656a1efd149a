"""Keyset pages: a page begins where the one before it ended, by the values of its order, never by counting rows.

So a page costs the same wherever it lies, and rows added meanwhile neither repeat nor hide others. The token is opaque,
signed, and bound to the query it came from (AIP-158): with another filter it is refused.

    async def list_cases(page: PageRequest, database: ReadDatabase, stage: str | None = None) -> Listing[CaseOut]:
        statement = page.apply(select(...).where(...), Order(case.c.opened_at, descending=True), Order(case.c.id))
        ...
        return page.listing(rows, key=lambda row: (row.opened_at, row.id), item=CaseOut.of)
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
from fastapi import Depends, Query, Request

from shared.contracts.errors import FieldError
from shared.errors import PageTokenInvalid
from shared.web.schema import Listing

DEFAULT_SIZE: Final = 50
MOST: Final = 1000
_SIGNATURE_BYTES: Final = 16
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Row = TypeVar("Row")
Item = TypeVar("Item")
Key = tuple[Any, ...]


class PageTokens:
    """Writes and reads page tokens. All replicas share the secret, which a service reads when it starts."""

    def __init__(self, secret: bytes = b"") -> None:
        self.secret = secret

    def write(self, query: str, key: Key) -> str:
        """A token for the page of `query` that begins after `key`."""
        content = _encode([_digest(query), [_tagged(value) for value in key]])
        return base64.urlsafe_b64encode(self._sign(content) + content).rstrip(b"=").decode()

    def read(self, query: str, token: str) -> Key:
        """The key in a token of ours for this very query. Raises PageTokenInvalid."""
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise _invalid("it is not one of ours") from None
        signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(content)):
            raise _invalid("it is not one of ours")
        digest, values = _decode(content)
        if digest != _digest(query):
            raise _invalid("it belongs to another query: keep path and filters as they were, or begin without it")
        return tuple(_untagged(value) for value in values)

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self.secret, content, "sha256")[:_SIGNATURE_BYTES]


@dataclass(frozen=True, slots=True)
class Order:
    """One column of the order; the last one must make it unique, none may be null."""

    column: sa.ColumnElement[Any]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page that was asked for: at most `size` items after `after` (None: from the beginning)."""

    size: int
    after: Key | None
    query: str
    tokens: PageTokens

    @property
    def limit(self) -> int:
        """How many rows to fetch: one more than the page holds, which tells whether there is another."""
        return self.size + 1

    def apply(self, statement: "sa.Select[Any]", *order: Order) -> "sa.Select[Any]":
        """`statement` in this order, limited to this page and one row more."""
        if self.after is not None:
            statement = statement.where(_beyond(order, self.after))
        terms = [o.column.desc() if o.descending else o.column.asc() for o in order]
        return statement.order_by(*terms).limit(self.limit)

    def listing(self, rows: Sequence[Row], *, key: Callable[[Row], Key], item: Callable[[Row], Item]) -> Listing[Item]:
        """The answer made of the rows fetched with `limit`; `key` gives a row's values in the order of the list."""
        more = len(rows) > self.size
        shown = rows[: self.size]
        token = self.tokens.write(self.query, key(shown[-1])) if more else None
        return Listing(items=[item(row) for row in shown], next_page_token=token)


async def page_request(
    request: Request,
    page_size: Annotated[
        int, Query(ge=0, description=f"Items per page; more than {MOST} is taken as {MOST}.", examples=[DEFAULT_SIZE])
    ] = DEFAULT_SIZE,
    page_token: Annotated[str | None, Query(description="`next_page_token` of the page before.")] = None,
) -> Page:
    """The dependency behind `PageRequest`."""
    tokens: PageTokens = request.app.state.kernel.page_tokens
    filters = sorted((k, v) for k, v in request.query_params.multi_items() if k not in {"page_size", "page_token"})
    query = repr((request.url.path, filters))
    after = tokens.read(query, page_token) if page_token else None
    return Page(min(page_size or DEFAULT_SIZE, MOST), after, query, tokens)


PageRequest = Annotated[Page, Depends(page_request)]


def _beyond(order: Sequence[Order], after: Key) -> sa.ColumnElement[bool]:
    """Rows that come after `after`: a row comparison where all run one way, which an index answers; else spelt out."""
    bound = [sa.literal(value, o.column.type) for o, value in zip(order, after, strict=True)]
    ways = {o.descending for o in order}
    if len(ways) == 1:
        left, right = sa.tuple_(*(o.column for o in order)), sa.tuple_(*bound)
        return left < right if ways.pop() else left > right
    terms = []
    for position, (o, value) in enumerate(zip(order, bound, strict=True)):
        equal = [p.column == b for p, b in zip(order[:position], bound[:position], strict=True)]
        terms.append(sa.and_(*equal, o.column < value if o.descending else o.column > value))
    return sa.or_(*terms)


def _tagged(value: Any) -> Any:
    match value:
        case datetime():
            return ["t", value.astimezone(UTC).isoformat()]
        case date():
            return ["d", value.isoformat()]
        case str() | int() | float():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} cannot be part of a page's order")


def _untagged(value: Any) -> Any:
    match value:
        case ["t", text]:
            return datetime.fromisoformat(text)
        case ["d", text]:
            return date.fromisoformat(text)
        case _:
            return value


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _invalid(detail: str) -> PageTokenInvalid:
    return PageTokenInvalid(errors=[FieldError("/query/page_token", "page-token", detail)])
