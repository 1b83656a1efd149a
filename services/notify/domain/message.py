"""What became of a message, told from its deliveries."""

from collections.abc import Collection
from enum import StrEnum


class DeliveryState(StrEnum):
    """`pending` waits for its turn or its next try; all below `sending` have ended."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OBSOLETE = "obsolete"
    SUPPRESSED = "suppressed"


class MessageState(StrEnum):
    """`undeliverable`: nobody was told, and nobody will be."""

    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    UNDELIVERABLE = "undeliverable"
    OBSOLETE = "obsolete"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


_ARRIVED = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.READ})
_OPEN = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


def message_state(deliveries: Collection[str]) -> MessageState:
    """One recipient told is enough to be `sent`; as long as any may still be told it is `pending`."""
    states = {DeliveryState(state) for state in deliveries}
    if states & _ARRIVED:
        return MessageState.SENT
    if states & _OPEN:
        return MessageState.PENDING
    if DeliveryState.UNKNOWN in states:
        return MessageState.UNKNOWN
    if DeliveryState.FAILED in states or not states:
        return MessageState.UNDELIVERABLE
    return MessageState.OBSOLETE if DeliveryState.OBSOLETE in states else MessageState.SUPPRESSED
