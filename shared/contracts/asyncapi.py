"""The AsyncAPI 3.0 document of all topics, made from the registry."""

from typing import Any

from shared.contracts.envelope import MAX_ID, MAX_URI
from shared.contracts.examples import payload_example, structured_example
from shared.contracts.json_schemas import published_schema
from shared.contracts.registry import EventType, Registry, Topic

BINDING = "0.5.0"
_DAY = 24 * 60 * 60 * 1000


def document(registry: Registry, *, version: str) -> dict[str, Any]:
    """The whole document as plain data; `version` is that of the product."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Moat events",
            "version": version,
            "description": (
                "CloudEvents 1.0 over Kafka: binary mode is written, binary and structured mode are read. The record "
                "key is the subject. A type marked draft may still change; a frozen one only grows by optional fields."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The brokers that MOAT_BUS_URL names.",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "Host and port of a broker."}},
            }
        },
        "channels": {_channel_id(topic): _channel(topic, registry) for topic in registry.topics.values()},
        "operations": _operations(registry),
        "components": {
            "messages": {entry.type: _message(entry) for entry in registry.values()},
            "schemas": {
                "cloudevent-headers": _headers(),
                **{entry.type: _schema(entry) for entry in registry.values()},
            },
        },
    }


def _channel_id(topic: Topic) -> str:
    return topic.name.split(".")[1]


def _channel(topic: Topic, registry: Registry) -> dict[str, Any]:
    settings: dict[str, Any] = (
        {"cleanup.policy": ["compact"]}
        if topic.retention_days is None
        else {"cleanup.policy": ["delete"], "retention.ms": topic.retention_days * _DAY}
    )
    return {
        "address": topic.name,
        "description": f"{topic.content[0].upper()}{topic.content[1:]}. Written by {topic.producer}.",
        "messages": {
            entry.type: {"$ref": f"#/components/messages/{entry.type}"} for entry in registry.of_topic(topic.name)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": settings,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(registry: Registry) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in registry.topics.values():
        entries = registry.of_topic(topic.name)
        for producer in sorted({entry.producer for entry in entries}):
            sent = [entry for entry in entries if entry.producer == producer]
            operations[f"{producer.replace(' ', '-')}.sends.{_channel_id(topic)}"] = _operation("send", topic, sent)
        for consumer in sorted({name for entry in entries for name in entry.consumers}):
            heard = [entry for entry in entries if consumer in entry.consumers]
            operations[f"{consumer}.receives.{_channel_id(topic)}"] = _operation("receive", topic, heard)
    return operations


def _operation(action: str, topic: Topic, entries: list[EventType]) -> dict[str, Any]:
    channel = _channel_id(topic)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{entry.type}"} for entry in entries],
    }


def _message(entry: EventType) -> dict[str, Any]:
    return {
        "name": entry.type,
        "title": entry.title,
        "summary": entry.when,
        "description": entry.description,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudevent-headers"},
        "payload": {"$ref": f"#/components/schemas/{entry.type}"},
        "examples": [{"name": "example", "headers": _header_example(entry), "payload": payload_example(entry)}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "maxLength": MAX_ID, "description": f"The subject: {entry.subject}."},
                "bindingVersion": BINDING,
            }
        },
        "x-status": entry.status,
        "x-dataschema": entry.dataschema,
    }


def _schema(entry: EventType) -> dict[str, Any]:
    return {key: value for key, value in published_schema(entry).items() if key not in {"$schema", "$id", "examples"}}


def _header_example(entry: EventType) -> dict[str, str]:
    event = structured_example(entry)
    names = ("id", "source", "type", "specversion", "time", "subject", "dataschema", "sequence")
    return {"content-type": "application/json", **{f"ce_{name}": event[name] for name in names if name in event}}


def _headers() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    properties: dict[str, Any] = {
        "ce_id": {**text, "maxLength": MAX_ID, "description": "Id of the event; unique together with the source."},
        "ce_source": {**text, "maxLength": MAX_URI, "description": "Where the event comes from, a URI reference."},
        "ce_type": {**text, "maxLength": MAX_ID, "description": "The type of the event."},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, RFC 3339."},
        "ce_subject": {**text, "maxLength": MAX_ID, "description": "Whom it is about; equal to the record key."},
        "ce_dataschema": {**text, "maxLength": MAX_URI, "description": "Name of the payload's schema."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[0-9]{1,19}$",
            "description": "Counts the producer's events of the subject: the higher is newer.",
        },
        "content-type": {"type": "string", "description": "application/json."},
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
    }
    required = ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_subject"]
    return {
        "type": "object",
        "description": "CloudEvents attributes as Kafka headers.",
        "properties": properties,
        "required": required,
    }
