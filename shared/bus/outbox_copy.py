"""Outbox rows in PostgreSQL's binary COPY format, written by hand: the header arrays are the dear part of a row.

The driver encodes an array element by element through its general machinery; here the array of names is made once per
shape of event, and a row costs half. The format is that of "COPY … (FORMAT binary)": a signature, then per row the
number of columns and for each its length and bytes, then a trailer. Arrays are: dimensions, a flag for nulls, the
element type, length and lower bound, then the elements.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Final

from shared.bus.port import Headers

COLUMNS: Final = (
    "id", "aggregatetype", "aggregateid", "type", "payload", "header_names", "header_values", "shard", "created_at",
)  # fmt: skip
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_COLUMN_COUNT: Final = Struct("!h").pack(len(COLUMNS))
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT, _BYTEA = 25, 17
"""Type numbers of the server's own types; they never change."""
_length: Final = Struct("!i").pack
_array_head: Final = Struct("!iIiii").pack
_last_columns: Final = Struct("!ihiq").pack

Row = tuple[str, str, bytes | None, str, bytes | None, Headers, int]
"""Id, topic, key, type, value, headers, shard."""


def binary_rows(rows: Iterable[Row], created_at: datetime) -> bytes:
    """The whole COPY stream of these rows in the order of COLUMNS. `created_at` is aware."""
    instant = (created_at - _EPOCH) // timedelta(microseconds=1)
    pieces = [_SIGNATURE]
    add = pieces.append
    for id_, topic, key, kind, value, headers, shard in rows:
        add(_COLUMN_COUNT)
        add(_field(id_.encode()))
        add(_text(topic))
        add(_field(key))
        add(_text(kind))
        add(_field(value))
        add(_names(tuple([name for name, _ in headers])))
        add(_array([content for _, content in headers], _BYTEA))
        add(_last_columns(2, shard, 8, instant))
    add(_TRAILER)
    return b"".join(pieces)


def _field(content: bytes | None) -> bytes:
    return _NULL if content is None else _length(len(content)) + content


@lru_cache(maxsize=1024)
def _text(text: str) -> bytes:
    """Topics and types are few."""
    return _field(text.encode())


@lru_cache(maxsize=1024)
def _names(names: tuple[str, ...]) -> bytes:
    """Events of one type have the same headers."""
    return _array([name.encode() for name in names], _TEXT)


def _array(elements: Sequence[bytes], type_: int) -> bytes:
    if not elements:
        return _length(12) + Struct("!iIi").pack(0, 0, type_)
    pieces = [_array_head(1, 0, type_, len(elements), 1)]
    for element in elements:
        pieces.append(_length(len(element)))
        pieces.append(element)
    return _field(b"".join(pieces))
