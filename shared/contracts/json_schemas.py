"""JSON Schemas of the published types: one for documentation, one that says what a reader demands.

The published schema of a type that Moat emits lists every field as sent, because our producers always send them; that
of a fact says what other systems must send. The reader's schema is what compatibility is judged by.
"""

from typing import Any

from shared.contracts.base import Payload
from shared.contracts.registry import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PROSE = frozenset({"description", "examples", "title"})
_MAPS = frozenset({"properties", "$defs"})
"""Keywords whose members are named by the author: `description` may be the name of a field there."""


def published_schema(entry: EventType) -> dict[str, Any]:
    """The documented schema of a type, self-contained, with descriptions and the example."""
    schema = _inlined(entry.model, mode="validation" if entry.from_outside else "serialization")
    return {"$schema": DIALECT, "$id": entry.dataschema, "title": entry.type} | without_field_titles(schema)


def reader_schema(model: type[Payload]) -> dict[str, Any]:
    """What a reader of this version demands, without prose: what the compatibility check compares."""
    bare: dict[str, Any] = _without(_inlined(model, mode="validation"), _PROSE)
    return bare


def without_field_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the titles that only repeat the names of fields and classes."""
    bare: dict[str, Any] = _without(schema, frozenset({"title"}))
    return bare


def _inlined(model: type[Payload], *, mode: Any) -> dict[str, Any]:
    schema = model.model_json_schema(mode=mode)
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _resolve(schema, definitions)
    return inlined


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        node = target | {key: value for key, value in node.items() if key != "$ref"}
    return {key: _resolve(value, definitions) for key, value in node.items()}


def _without(node: Any, keywords: frozenset[str], *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_without(item, keywords) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key == "examples" else _without(value, keywords, names=key in _MAPS and not names)
        for key, value in node.items()
        if names or key not in keywords
    }
