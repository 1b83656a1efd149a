"""The transactional outbox: events are rows of the transaction that made them true, and leave through the relay.

Rows are deleted when the broker has acknowledged them, so the table is as small as what is still to be sent.
"""

import io
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from shared.bus.outbox_copy import COLUMNS, binary_rows
from shared.bus.port import Headers
from shared.contracts import CloudEvent, encode
from shared.db.subjects import number_events
from shared.db.tables import SHARDS
from shared.ids import new_id
from shared.observability.tracing import traceparent_for


class OutboxRow(NamedTuple):
    """A record on its way, bytes unchanged; `type` tells an operator what it is."""

    id: str
    topic: str
    key: bytes | None
    type: str
    value: bytes | None
    headers: Headers
    shard: int


class Outbox:
    """What one transaction publishes. Order of adding is order of publishing, per key."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._events: list[tuple[str, CloudEvent, str | None]] = []
        self._rows: list[OutboxRow] = []

    def __bool__(self) -> bool:
        return bool(self._events or self._rows)

    def add(self, topic: str, event: CloudEvent) -> None:
        """Publish `event` on `topic` under its subject; it is numbered when the transaction ends.

        An event without a trace continues the one it is added in: the request's, or that of the delivery it follows.
        """
        self._events.append((topic, event, event.traceparent or traceparent_for(event.subject)))

    def add_record(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers, kind: str) -> None:
        """Publish bytes as they are, unnumbered: facts passed through the door, and dead letters."""
        self._rows.append(OutboxRow(new_id(), topic, key, kind, value, headers, shard_of(key)))

    async def write(self, raw: "asyncpg.Connection[asyncpg.Record]") -> int:
        """Write the rows, numbering events per subject; answers how many. Nothing is left to write afterwards."""
        rows = [*self._rows, *await self._number(raw)]
        self._events, self._rows = [], []
        if rows:
            await _insert(raw, rows, self.now)
        return len(rows)

    async def _number(self, raw: "asyncpg.Connection[asyncpg.Record]") -> list[OutboxRow]:
        if not self._events:
            return []
        counters = await number_events(raw, Counter(event.subject for _, event, _ in self._events))
        rows: list[OutboxRow] = []
        for topic, event, traceparent in self._events:
            counters[event.subject] += 1
            numbered = msgspec.structs.replace(event, sequence=counters[event.subject], traceparent=traceparent)
            key, value, headers = encode(numbered)
            rows.append(OutboxRow(event.id, topic, key, event.type, value, headers, shard_of(key)))
        return rows


def shard_of(key: bytes | None) -> int:
    """The relay shard of a key; records of one key are always sent by one owner."""
    return zlib.crc32(key or b"") % SHARDS


async def _insert(raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[OutboxRow], now: datetime) -> None:
    source = io.BytesIO(binary_rows(rows, now))
    await raw.copy_to_table("outbox", columns=COLUMNS, source=source, format="binary")
