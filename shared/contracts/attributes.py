"""From attribute texts to an envelope, the same for both modes; everything that is wrong is said at once."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.contracts.envelope import TRACEPARENT, CloudEvent, require_sound
from shared.contracts.errors import ContractError, FieldError
from shared.contracts.instants import parse_instant

REQUIRED = ("id", "source", "type", "specversion", "time", "subject")
MAX_SEQUENCE = 2**63 - 1
_SEQUENCE = re.compile(r"[0-9]{1,19}").fullmatch


def event_from_texts(texts: dict[str, str], data: dict[str, Any] | None) -> CloudEvent:
    """The envelope made of attribute texts by name (without `ce_`); what is not ours is kept as an extension.

    Consumes `texts`. Raises `ContractError`. A malformed `traceparent` is dropped, as Trace Context asks of a reader.
    """
    try:
        named = texts.copy()
        traceparent = named.pop("traceparent", None)
        sequence = named.pop("sequence", None)
        named.pop("datacontenttype", None)
        event = CloudEvent(
            id=named.pop("id"),
            source=named.pop("source"),
            type=named.pop("type"),
            subject=named.pop("subject"),
            time=parse_instant(named.pop("time")),
            data=data,
            sequence=None if sequence is None else parse_sequence(sequence),
            traceparent=None if traceparent is None else sound_traceparent(traceparent),
            dataschema=named.pop("dataschema", None),
            specversion=named.pop("specversion"),
            extensions=named,
        )
    except (KeyError, ValueError):
        raise ContractError(_reasons(texts)) from None
    return require_sound(event)


def sound_traceparent(text: str) -> str | None:
    """The trace context, or None for a malformed one: a reader starts anew rather than refuse."""
    return text if TRACEPARENT(text) else None


def parse_sequence(text: str) -> int:
    """The number of an event within its subject; `ValueError` for anything but a whole number from 0 to 2^63 - 1."""
    if _SEQUENCE(text) is None or int(text) > MAX_SEQUENCE:
        raise ValueError("not a version")
    return int(text)


def _reasons(texts: dict[str, str]) -> Iterator[FieldError]:
    for name in REQUIRED:
        if name not in texts:
            yield FieldError(f"/{name}", "required", f"the attribute {name} is missing")
    if "time" in texts and _instant_or_none(texts["time"]) is None:
        yield FieldError("/time", "instant", "the time is an RFC 3339 instant such as 2026-03-01T08:00:00Z")
    if "sequence" in texts:
        try:
            parse_sequence(texts["sequence"])
        except ValueError:
            yield FieldError("/sequence", "sequence", "a whole number below 2^63, counted per subject")


def _instant_or_none(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None
