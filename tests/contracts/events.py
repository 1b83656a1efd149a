"""Builders and strategies for events in these tests."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.contracts import CloudEvent
from shared.contracts.envelope import ATTRIBUTES

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


def an_event(**changed: Any) -> CloudEvent:
    """A sound event about an order; any attribute can be changed."""
    fields: dict[str, Any] = {
        "id": "crm-778812",
        "source": "/crm",
        "type": "customer.order.placed.v1",
        "subject": "C-10001",
        "time": AT,
        "data": an_order(),
    }
    return CloudEvent(**(fields | changed))


def an_order(**changed: Any) -> dict[str, Any]:
    """The payload of an order; a field set to `...` is left out."""
    order = {"order_id": "SO-1", "amount": "1299.00", "currency": "CNY", "placed_at": "2026-03-05T08:00:00Z"} | changed
    return {name: value for name, value in order.items() if value is not ...}


def headers_of(**changed: bytes | None) -> list[tuple[str, bytes]]:
    """Binary-mode headers of a sound event; None leaves one out, underscores in `content_type` become a dash."""
    headers: dict[str, bytes | None] = {
        "ce_id": b"crm-778812",
        "ce_source": b"/crm",
        "ce_type": b"customer.order.placed.v1",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-03-05T08:00:00Z",
        "ce_subject": b"C-10001",
        "content_type": b"application/json",
    }
    merged = headers | changed
    return [(name.replace("content_type", "content-type"), raw) for name, raw in merged.items() if raw is not None]


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(texts, json_values, max_size=5)
attribute_texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x00"), min_size=1, max_size=128
)
_extension_names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(
    lambda name: name not in {*ATTRIBUTES, "data"}
)
_instants = st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
_traceparents = st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True)

events = st.builds(
    CloudEvent,
    id=attribute_texts,
    source=attribute_texts,
    type=attribute_texts,
    subject=attribute_texts,
    time=_instants,
    data=json_objects,
    sequence=st.none() | st.integers(0, 2**63 - 1),
    traceparent=st.none() | _traceparents,
    dataschema=st.none() | attribute_texts,
    extensions=st.dictionaries(_extension_names, attribute_texts, max_size=3),
)
