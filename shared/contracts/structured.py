"""Structured mode: a whole event as one JSON object, as the HTTP door takes it and as a record may carry it."""

import base64
import binascii
from typing import Any

from shared.contracts.attributes import event_from_texts
from shared.contracts.envelope import CloudEvent, require_sound
from shared.contracts.errors import ContractError, FieldError
from shared.contracts.instants import format_instant
from shared.contracts.strictjson import check_text, loads


def parse_structured(obj: Any) -> CloudEvent:
    """The event that an already parsed JSON object describes; `ContractError` says everything that is wrong with it.

    Parse the bytes with `strictjson.loads` first: a plain parser has silently dropped repeated names. The payload is
    not yet checked against its type: see `validate`.
    """
    if not isinstance(obj, dict):
        raise ContractError.at("", "type", "an event is a JSON object")
    check_text(obj)
    data = _data(obj)
    texts: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, value in obj.items():
        if name in {"data", "data_base64"} or value is None:
            continue
        text = _attribute_text(value)
        if text is None:
            errors.append(FieldError(f"/{name[:64]}", "type", "attributes are text, whole numbers or booleans"))
        else:
            texts[name] = text
    if errors:
        raise ContractError(errors)
    return event_from_texts(texts, data)


def to_structured(event: CloudEvent) -> dict[str, Any]:
    """The event as the JSON object of structured mode. Raises `ContractError` for unsound attributes."""
    require_sound(event)
    optional = {
        "dataschema": event.dataschema,
        "sequence": None if event.sequence is None else str(event.sequence),
        "traceparent": event.traceparent,
        "data": event.data,
    }
    return {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": format_instant(event.time),
        "subject": event.subject,
        "datacontenttype": "application/json",
        **event.extensions,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _attribute_text(value: Any) -> str | None:
    """The canonical text of an attribute value (CloudEvents, section "Type system"); None where it has none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return None


def _data(obj: dict[str, Any]) -> dict[str, Any] | None:
    content_type = obj.get("datacontenttype", "application/json")
    essence = str(content_type).lower().partition(";")[0].strip()
    if essence != "application/json" and not essence.endswith("+json"):
        raise ContractError.at("/datacontenttype", "content-type", "the payload is application/json")
    data = obj.get("data")
    if "data_base64" in obj:
        if data is not None:
            raise ContractError.at("/data_base64", "data", "send data or data_base64, not both")
        data = loads(_bytes(obj["data_base64"]), at="/data")
    if data is not None and not isinstance(data, dict):
        raise ContractError.at("/data", "type", "the payload is a JSON object")
    return data


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise ContractError.at("/data_base64", "base64", "not base64") from None
