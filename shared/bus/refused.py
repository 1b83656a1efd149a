"""What the bus will not take as it is: it stays in the outbox, is logged, and does not stop the rest."""

import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_ROW_SECONDS: Final = 600.0
_TOPIC_SECONDS: Final = 10.0


class Refused:
    """Outbox rows that are too large, and topics that do not exist; both are tried again after a while.

    All rows of a missing topic wait together, so that the order per key holds when somebody makes the topic.
    """

    def __init__(self) -> None:
        self._rows: dict[int, float] = {}
        self._topics: dict[str, float] = {}

    def hold_row(self, seq: int, *, reason: str) -> None:
        """Leave out this row for ten minutes."""
        log.error("relay.row_refused", seq=seq, reason=reason[:300])
        self._rows[seq] = time.monotonic() + _ROW_SECONDS

    def hold_topic(self, topic: str, *, reason: str) -> None:
        """Leave out the rows of this topic for ten seconds."""
        log.error("relay.topic_refused", topic=topic, reason=reason[:300])
        self._topics[topic] = time.monotonic() + _TOPIC_SECONDS

    def rows(self) -> list[int]:
        """The rows to leave out now."""
        self._rows = _still(self._rows)
        return list(self._rows)

    def topics(self) -> list[str]:
        """The topics to leave out now."""
        self._topics = _still(self._topics)
        return list(self._topics)


def _still(held: dict[int, float] | dict[str, float]) -> dict:  # type: ignore[type-arg]
    now = time.monotonic()
    return {what: until for what, until in held.items() if until > now}
