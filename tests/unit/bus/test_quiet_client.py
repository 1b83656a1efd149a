"""The client library's repeated complaints are written now and then, different ones at once."""

import logging

from shared.bus.kafka.quiet import OnceInAWhile, quieten


def complaint(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("aiokafka.conn", logging.ERROR, __file__, 1, message, values, None)


def test_a_message_is_written_once_in_a_while_whatever_its_values(monkeypatch):
    now = 100.0
    monkeypatch.setattr("shared.bus.kafka.quiet.time.monotonic", lambda: now)
    often = OnceInAWhile()

    assert often.filter(complaint("Unable to connect to %s", "one"))
    assert not often.filter(complaint("Unable to connect to %s", "two"))
    assert often.filter(complaint("Heartbeat failed"))
    now += 31
    assert often.filter(complaint("Unable to connect to %s", "three"))


def test_it_is_applied_once():
    quieten()
    quieten()

    filters = logging.getLogger("aiokafka.conn").filters
    assert [type(existing) for existing in filters].count(OnceInAWhile) == 1
