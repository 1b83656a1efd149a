"""What the event loop says of work that a client library began and left behind when its server went away."""

import logging
from typing import Final

_GIVEN_UP: Final = "unexpected connection_lost() call"
"""asyncpg's word, as a plain ConnectionError, for the future of a connection that was given up while being made."""


class Leftovers(logging.Filter):
    """Lets such lines through as warnings: whoever asked the client was answered with an error of its own.

    aiokafka shields a commit, so that one given up in time ends alone; asyncpg leaves futures of connections that were
    lost, or given up while they were made.
    What nobody retrieved of our own work stays an error.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lower the level where it is due; always write the line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and "exception was never retrieved" in str(record.msg) and _is_of_a_client(error):
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def _is_of_a_client(error: BaseException) -> bool:
    library = type(error).__module__.partition(".")[0]
    lost = str(getattr(error, "sqlstate", None)).startswith("08")
    given_up = type(error) is ConnectionError and str(error) == _GIVEN_UP
    return library == "aiokafka" or (library == "asyncpg" and lost) or given_up


def lower_leftovers() -> None:
    """Apply it to the event loop's logger; doing so again changes nothing."""
    logger = logging.getLogger("asyncio")
    if not any(isinstance(existing, Leftovers) for existing in logger.filters):
        logger.addFilter(Leftovers())
