"""Events that are kept whole, so that they can still do later what they could not do when they came."""

from datetime import datetime
from typing import Any

from services.crisis.domain.rules import Trigger
from services.crisis.domain.timeline import instant_text
from services.crisis.store.rows import read


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """The event as it is kept."""
    return {
        "source": trigger.source,
        "event_id": trigger.event_id,
        "type": trigger.type,
        "customer_id": trigger.customer_id,
        "at": instant_text(trigger.at),
        "fields": dict(trigger.fields),
        "summary": trigger.summary,
    }


def trigger_of(text: Any) -> Trigger:
    """The event that was kept."""
    kept = read(text)
    return Trigger(**{**kept, "at": datetime.fromisoformat(kept["at"])})
