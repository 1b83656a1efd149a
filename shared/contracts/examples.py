"""The published example of each type, whole: envelope and payload, as the pages and the AsyncAPI document show it."""

from datetime import UTC, datetime
from typing import Any, cast

from shared.contracts.envelope import CloudEvent
from shared.contracts.instants import parse_instant
from shared.contracts.registry import EventType
from shared.contracts.structured import to_structured

_FALLBACK = datetime(2026, 3, 5, 8, tzinfo=UTC)


def payload_example(entry: EventType) -> dict[str, Any]:
    """The example that the model states; every model has one."""
    extra: Any = entry.model.model_config.get("json_schema_extra")
    if not isinstance(extra, dict) or "examples" not in extra:
        raise TypeError(f"{entry.model.__name__} states no example")
    return cast("dict[str, Any]", extra["examples"][0])


def event_example(entry: EventType) -> CloudEvent:
    """The example as an event: the same each time, so that generated files do not change by themselves."""
    data = payload_example(entry)
    names = (entry.model.happened, "at", "as_of", "activated_at", "answered_at")
    happened = next((data[name] for name in names if name in data), None)
    version = data.get("version")
    return CloudEvent(
        id=f"example-{entry.type}",
        source="/crm" if entry.from_outside else f"/moat/{entry.producer}",
        type=entry.type,
        subject=_subject(entry, data),
        time=parse_instant(happened) if isinstance(happened, str) else _FALLBACK,
        data=data,
        sequence=version if isinstance(version, int) else None,
        dataschema=entry.dataschema,
    )


def structured_example(entry: EventType) -> dict[str, Any]:
    """The example in structured mode, ready to be sent to the HTTP door."""
    return to_structured(event_example(entry))


def _subject(entry: EventType, data: dict[str, Any]) -> str:
    if entry.subject == "`model:<key>`":
        return f"model:{data['model']}"
    customer = data.get("customer_id")
    return customer if isinstance(customer, str) else "C-10001"
