"""What the services promise one another and the world: event types, their envelope, their codec.

event = decode(record.key, record.value, record.headers)    # envelope, strict JSON, key = subject
payload = validate(event)                                    # the typed payload, or UnknownType, or ContractError
encoded = encode(event_of(payload, id=…, source=…, subject=…, time=…, sequence=…))
"""

from shared.contracts.base import Payload
from shared.contracts.catalogue import TOPICS, registry
from shared.contracts.codec import decode, encode, type_told
from shared.contracts.currencies import decimal_text, minor_units
from shared.contracts.envelope import CloudEvent, EncodedEvent
from shared.contracts.errors import ContractError, FieldError, UnknownType
from shared.contracts.instants import format_instant, parse_instant
from shared.contracts.registry import EventType, Registry, Topic
from shared.contracts.strictjson import loads
from shared.contracts.structured import parse_structured, to_structured
from shared.contracts.validation import event_of, refuse_future, topic_of, validate

__all__ = [
    "TOPICS",
    "CloudEvent",
    "ContractError",
    "EncodedEvent",
    "EventType",
    "FieldError",
    "Payload",
    "Registry",
    "Topic",
    "UnknownType",
    "decimal_text",
    "decode",
    "encode",
    "event_of",
    "format_instant",
    "loads",
    "minor_units",
    "parse_instant",
    "parse_structured",
    "refuse_future",
    "registry",
    "to_structured",
    "topic_of",
    "type_told",
    "validate",
]
