"""Events to and from bus records: CloudEvents 1.0 over Kafka, binary mode written, binary and structured mode read.

The mode is told by the content type alone, as the protocol binding says (section 3): a structured record may repeat the
`ce_` headers, and a reader that looks for those first misreads it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from shared.contracts.attributes import REQUIRED, event_from_texts, parse_sequence, sound_traceparent
from shared.contracts.envelope import CloudEvent, EncodedEvent, require_sound
from shared.contracts.errors import ContractError, FieldError
from shared.contracts.instants import format_instant, parse_instant
from shared.contracts.strictjson import check_text, loads
from shared.contracts.structured import parse_structured

CONTENT_TYPE = b"application/json"
STRUCTURED = "application/cloudevents"
_encode_json = msgspec.json.Encoder().encode
_USUAL = frozenset({*(f"ce_{name}" for name in (*REQUIRED, "dataschema", "sequence")), "content-type", "traceparent"})
_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_HEADER = ("content-type", CONTENT_TYPE)


def encode(event: CloudEvent) -> EncodedEvent:
    """The event in binary mode. Raises `ContractError` for unsound attributes, an event without data or broken text."""
    require_sound(event)
    if event.data is None:
        raise ContractError.at("/data", "required", "an event carries an object")
    headers = [
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        _SPECVERSION,
        ("ce_time", _instant(event.time)),
        ("ce_subject", event.subject.encode()),
        _CONTENT_HEADER,
    ]
    if event.dataschema is not None:
        headers.append(("ce_dataschema", event.dataschema.encode()))
    if event.sequence is not None:
        headers.append(("ce_sequence", b"%d" % event.sequence))
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    if event.extensions:
        headers.extend((f"ce_{name}", text.encode()) for name, text in event.extensions.items())
    try:
        value = _encode_json(event.data)
    except UnicodeEncodeError:
        raise ContractError.at("/data", "surrogate", "lone surrogates cannot be written") from None
    if b"\\u0000" in value:
        check_text(event.data, at="/data")
    return EncodedEvent(event.subject.encode(), value, tuple(headers))


@lru_cache(maxsize=256)
def _instant(instant: datetime) -> bytes:
    """All events of a transaction happen at one instant."""
    return format_instant(instant).encode()


def decode(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> CloudEvent:
    """The event that a record carries, in either mode; `ContractError` says everything that is wrong with it.

    The key must be the subject. The payload is strict JSON but not yet checked against its type: see `validate`.
    """
    named = dict(headers)
    content_type = named.get("content-type")
    if content_type is not None and content_type != CONTENT_TYPE:
        media = content_type.decode("utf-8", "replace").strip().lower()
        if media.startswith(STRUCTURED):
            return _with_key(key, _decode_structured(media, value))
        _require_json(media)
    if len(named) != len(headers):
        _refuse_repeated(headers)
    data = None if value is None else _payload(value)
    event = _read_plain(named, data) or event_from_texts(_texts(named), data)
    return _with_key(key, event)


def type_told(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The type that a record in binary mode names, read without looking at the rest; None where `decode` has to tell.

    For readers that leave most types alone: what a record of another type holds is for others to check.
    """
    found: bytes | None = None
    for name, raw in headers:
        if name == "ce_type":
            if found is not None:
                return None
            found = raw
        elif name == "content-type" and raw != CONTENT_TYPE:
            return None
    return None if found is None else found.decode("utf-8", "replace")


def _read_plain(named: dict[str, bytes], data: dict[str, Any] | None) -> CloudEvent | None:
    """The event if its headers are the usual ones and readable; None leaves the record to the thorough reader."""
    if not named.keys() <= _USUAL:
        return None
    dataschema = named.get("ce_dataschema")
    sequence = named.get("ce_sequence")
    traceparent = named.get("traceparent")
    try:
        event = CloudEvent(
            id=named["ce_id"].decode(),
            source=named["ce_source"].decode(),
            type=named["ce_type"].decode(),
            subject=named["ce_subject"].decode(),
            time=parse_instant(named["ce_time"].decode()),
            data=data,
            sequence=None if sequence is None else parse_sequence(sequence.decode()),
            traceparent=None if traceparent is None else sound_traceparent(traceparent.decode()),
            dataschema=None if dataschema is None else dataschema.decode(),
            specversion=named["ce_specversion"].decode(),
        )
    except (KeyError, ValueError, AttributeError):
        return None
    return require_sound(event)


def _texts(named: dict[str, bytes]) -> dict[str, str]:
    try:
        texts = {name[3:]: raw.decode() for name, raw in named.items() if name[:3] == "ce_"}
        if "traceparent" in named:
            texts["traceparent"] = named["traceparent"].decode()
    except (UnicodeDecodeError, AttributeError):
        raise ContractError(_unreadable(named)) from None
    return texts


def _unreadable(named: dict[str, bytes]) -> Iterator[FieldError]:
    for name, raw in named.items():
        try:
            raw.decode()
        except (UnicodeDecodeError, AttributeError):
            yield FieldError(f"/{name.removeprefix('ce_')}", "utf-8", f"the header {name} is not UTF-8 text")


def _payload(value: bytes) -> dict[str, Any]:
    data = loads(value, at="/data")
    if type(data) is not dict:
        raise ContractError.at("/data", "type", "the payload is a JSON object")
    return data


def _with_key(key: bytes | None, event: CloudEvent) -> CloudEvent:
    if key == event.subject.encode():
        return event
    found = "missing" if key is None else repr(key[:128].decode("utf-8", "replace"))
    raise ContractError.at(
        "/subject", "key", f"the record key is {found}, the subject {event.subject!r}: they must agree"
    )


def _decode_structured(media: str, value: bytes | None) -> CloudEvent:
    if not media.startswith(f"{STRUCTURED}+json"):
        raise ContractError.at("/datacontenttype", "content-type", "structured events are application/cloudevents+json")
    if value is None:
        raise ContractError.at("", "required", "a structured event has a value")
    return parse_structured(loads(value))


def _require_json(media: str) -> None:
    essence = media.partition(";")[0].strip()
    if essence != "application/json" and not essence.endswith("+json"):
        raise ContractError.at(
            "/datacontenttype", "content-type", f"{essence[:64]!r} is not read; send application/json"
        )


def _refuse_repeated(headers: Sequence[tuple[str, bytes]]) -> None:
    names = [name for name, _ in headers]
    for name in ("content-type", *sorted({name for name in names if name.startswith("ce_")})):
        if names.count(name) > 1:
            raise ContractError.at(f"/{name.removeprefix('ce_')}", "duplicate-key", f"the header {name} occurs twice")
