"""JSON that means one thing only: no repeated names, no NaN, no text that a database cannot hold.

The fast path is two passes in C. Members that a parser dropped because their name came twice took at least one colon
with them, so a text that has as many colons as its re-encoding has lost nothing. The count is exact as long as no colon
was written as an escape; a text with such an escape, and any that looks suspicious, takes the slow path.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from shared.contracts.errors import ContractError, FieldError, pointer_of

MAX_BYTES = 1_048_576
"""Largest record value that is read: Kafka's own default limit for a message."""
MAX_DEPTH = 32
"""Objects and arrays inside one another, the outermost counted."""

MAX_ERRORS = 20
"""A text that is wrong all over is described no further."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def loads(raw: bytes, *, at: str = "", max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Parse one JSON text; raise `ContractError` with pointers that begin with `at` when it is not strict.

    Refused: over `max_bytes`, deeper than `max_depth`, malformed, not UTF-8, NaN or infinite numbers, names that occur
    twice in one object, U+0000 and lone surrogates in names or text.
    """
    if len(raw) > max_bytes:
        raise ContractError.at(at, "size", f"{len(raw)} bytes; at most {max_bytes} are read")
    try:
        value = _decode(raw)
        if (
            _every_colon_shows(raw)
            and _is_shallow(raw, value, max_depth)
            and raw.count(b":") == _encode(value).count(b":")
        ):
            return value
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        pass  # the slow path finds out where and says why
    return _explain(raw, at=at, max_depth=max_depth)


def check_text(value: Any, *, at: str = "", max_depth: int = MAX_DEPTH) -> None:
    """Raise `ContractError` where an already parsed document is too deep or holds U+0000 or a lone surrogate."""
    try:
        raw = _encode(value)
        if b"\\u0000" not in raw and _is_shallow(raw, value, max_depth):
            return
    except (UnicodeEncodeError, RecursionError, OverflowError, msgspec.MsgspecError):
        pass  # found and told below
    _refuse_problems(value, at, max_depth)


def _refuse_problems(value: Any, at: str, max_depth: int) -> None:
    errors = list(islice(_problems(value, at, max_depth), MAX_ERRORS))
    if errors:
        raise ContractError(errors)


def _every_colon_shows(raw: bytes) -> bool:
    """No U+0000, and no colon written as an escape."""
    return b"\\u00" not in raw or not (b"\\u0000" in raw or b"\\u003a" in raw or b"\\u003A" in raw)


def _is_shallow(raw: bytes, value: Any, max_depth: int) -> bool:
    """Whether `value`, written as `raw`, is nested no deeper than that.

    One record is known by its few brackets; a batch is looked through level by level.
    """
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return True
    level = [value]
    for _ in range(max_depth):
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


class _Members(list[tuple[str, Any]]):
    """An object as it was written, repeated names and all."""


class _NotFinite:
    """Stands where the text said NaN or Infinity."""


def _explain(raw: bytes, *, at: str, max_depth: int) -> Any:
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_Members, parse_constant=lambda _: _NotFinite())
    except UnicodeDecodeError as error:
        raise ContractError.at(at, "utf-8", f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ContractError.at(at, "depth", f"nested deeper than {max_depth}") from None
    except json.JSONDecodeError as error:
        raise ContractError.at(at, "json", f"not JSON: {error}") from None
    except ValueError:
        raise ContractError.at(at, "number", "a number has thousands of digits") from None
    _refuse_problems(parsed, at, max_depth)
    return _plain(parsed)


def _problems(node: Any, at: str, depth: int) -> Iterator[FieldError]:
    match node:
        case str():
            yield from _text_problems(node, at)
        case float() if node in {float("inf"), float("-inf")} or node != node:  # noqa: PLR0124 - NaN is itself no more
            yield FieldError(at, "number", "the number is too large or not a number")
        case _NotFinite():
            yield FieldError(at, "number", "NaN and Infinity are not JSON")
        case _Members() | dict() | list() if depth == 0:
            yield FieldError(at, "depth", "nested too deeply")
        case _Members():
            yield from _member_problems(node, at, depth)
        case dict():
            yield from _member_problems(_Members(node.items()), at, depth)
        case list():
            for index, item in enumerate(node):
                yield from _problems(item, f"{at}/{index}", depth - 1)


def _member_problems(members: _Members, at: str, depth: int) -> Iterator[FieldError]:
    seen: set[str] = set()
    for name, value in members:
        if any(_text_problems(name, at)):
            yield FieldError(at, "text", "a name holds U+0000 or a lone surrogate")
            continue
        here = at + pointer_of((name,))
        if name in seen:
            yield FieldError(here, "duplicate-key", f"the name {name[:128]!r} occurs twice in one object")
        seen.add(name)
        yield from _problems(value, here, depth - 1)


def _text_problems(text: str, at: str) -> Iterator[FieldError]:
    if "\x00" in text:
        yield FieldError(at, "nul", "U+0000 cannot be stored; leave it out")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        yield FieldError(at, "surrogate", f"lone surrogate at character {error.start}; send whole characters")


def _plain(node: Any) -> Any:
    if isinstance(node, _Members):
        return {name: _plain(value) for name, value in node}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node
