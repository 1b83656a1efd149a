"""aiokafka's own log lines, at a rate that people can read."""

import logging
import time
from typing import Final

_LOGGERS: Final = (
    "aiokafka",
    "aiokafka.client",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.consumer.subscription_state",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)
_AGAIN_SECONDS: Final = 30.0


class OnceInAWhile(logging.Filter):
    """Lets the same message through twice a minute: clients repeat it ten times a second while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it. Messages are the same when their text before the values is."""
        now = time.monotonic()
        message = str(record.msg)
        if now < self._next.get(message, 0.0):
            return False
        self._next[message] = now + _AGAIN_SECONDS
        return True


def quieten() -> None:
    """Apply it to the client's loggers; doing so again changes nothing."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(existing, OnceInAWhile) for existing in logger.filters):
            logger.addFilter(OnceInAWhile())
