"""Dead letters: records that can never be handled, bytes unchanged, with text headers that say why.

They are written through the outbox, in the transaction that lets the offset advance, so that none is ever lost.
"""

from datetime import datetime

from shared.bus.outbox import Outbox
from shared.bus.port import Received
from shared.contracts import ContractError

_MOST_MESSAGE_BYTES = 1024


def dead_letter_topic(group: str) -> str:
    """The topic of a consumer group's dead letters."""
    return f"moat.dead.{group}"


def write_dead_letter(outbox: Outbox, group: str, record: Received, error: Exception, now: datetime) -> None:
    """Publish `record` to the group's dead letters; key, value and headers stay as they are."""
    detail = f"{error}".encode()[:_MOST_MESSAGE_BYTES]
    marks = {
        "dlq-original-topic": record.topic.encode(),
        "dlq-original-partition": str(record.partition).encode(),
        "dlq-original-offset": str(record.offset).encode(),
        "dlq-original-timestamp": str(record.timestamp_ms).encode(),
        "dlq-original-group": group.encode(),
        "dlq-error-type": type(error).__name__.encode(),
        "dlq-error-message": detail,
        "dlq-failed-at": now.isoformat().encode(),
    }
    if isinstance(error, ContractError) and error.errors:
        marks["dlq-error-pointer"] = str(error.errors[0].pointer).encode()
        marks["dlq-error-rule"] = str(error.errors[0].rule).encode()
    headers = (*record.headers, *((name, value) for name, value in marks.items()))
    outbox.add_record(dead_letter_topic(group), key=record.key, value=record.value, headers=headers, kind="dead-letter")
