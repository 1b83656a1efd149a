"""The envelope of every event: CloudEvents 1.0 with the attributes that Moat fixes."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from shared.contracts.errors import ContractError, FieldError

MAX_ID = 128
MAX_URI = 512
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
EXTENSION_NAME = re.compile(r"[a-z0-9]{1,40}").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
ATTRIBUTES = frozenset(
    {
        "id",
        "source",
        "type",
        "specversion",
        "time",
        "subject",
        "dataschema",
        "datacontenttype",
        "sequence",
        "traceparent",
    }
)


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as producers and consumers hold it, whatever mode carried it.

    `subject` is the bus key: the customer id, or `model:<key>`, `rule:<key>`, `team:<id>`. `time` is aware, in UTC.
    `data` is the parsed payload in JSON's own types (amounts and instants still text), or None for a tombstone.
    `sequence` counts the events of one subject and producing service: the higher is the newer.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any] | None
    sequence: int | None = None
    traceparent: str | None = None
    dataschema: str | None = None
    specversion: str = "1.0"
    extensions: dict[str, str] = {}  # a struct copies its default


class EncodedEvent(NamedTuple):
    """An event as a bus record: UTF-8 key, JSON value, headers in a fixed order."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def require_sound(event: CloudEvent) -> CloudEvent:
    """The event itself; raises `ContractError` when an attribute is empty, too long or unprintable."""
    if (
        event.id.isprintable()
        and event.source.isprintable()
        and event.type.isprintable()
        and event.subject.isprintable()
        and 0 < len(event.id) <= MAX_ID
        and 0 < len(event.source) <= MAX_URI
        and 0 < len(event.type) <= MAX_ID
        and 0 < len(event.subject) <= MAX_ID
        and event.specversion == "1.0"
        and event.time.tzinfo is not None
        and (event.dataschema is None or (event.dataschema.isprintable() and 0 < len(event.dataschema) <= MAX_URI))
        and not event.extensions
    ):
        return event
    errors = list(_attribute_errors(event))
    if errors:
        raise ContractError(errors)
    return event


def _attribute_errors(event: CloudEvent) -> Iterator[FieldError]:
    for name, text, longest in (
        ("id", event.id, MAX_ID),
        ("source", event.source, MAX_URI),
        ("type", event.type, MAX_ID),
        ("subject", event.subject, MAX_ID),
        ("dataschema", event.dataschema, MAX_URI),
        *((name, text, MAX_URI) for name, text in event.extensions.items()),
    ):
        if text is not None:
            yield from _text_errors(f"/{name}", text, longest)
    if event.specversion != "1.0":
        yield FieldError("/specversion", "specversion", f"{event.specversion[:16]!r} is not spoken here; send 1.0")
    if event.time.tzinfo is None:
        yield FieldError("/time", "instant", "the time carries no offset")
    for name in event.extensions:
        if EXTENSION_NAME(name) is None or name in ATTRIBUTES or name in {"data", "data_base64"}:
            yield FieldError(
                f"/{name[:64]}", "extension", "extension names are lower-case letters and digits, not taken"
            )


def _text_errors(pointer: str, text: str, longest: int) -> Iterable[FieldError]:
    if not text:
        yield FieldError(pointer, "length", "empty")
    if len(text) > longest:
        yield FieldError(pointer, "length", f"{len(text)} characters; at most {longest}")
    if _CONTROL(text):
        yield FieldError(pointer, "characters", "control characters and lone surrogates are not allowed")
