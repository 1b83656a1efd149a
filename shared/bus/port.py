"""The bus as its callers see it: keyed records on partitioned topics, delivered at least once and in order per key.

Two adapters keep this promise and pass one conformance suite: `kafka.py` (Apache Kafka) and `postgres.py` (the embedded
default). Which one runs is decided by the URL, in `open_bus`, and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import msgspec

MAX_RECORD_BYTES: Final = 1_000_000
"""Key, value and headers of one record together, on both buses (Kafka's default limit is 1 MiB with its framing)."""

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class TopicPartition:
    """One ordered log of a topic."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is published. Records with the same key go to the same partition, in the order given."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Received(msgspec.Struct, frozen=True, gc=False):
    """What is delivered: a record, bytes unchanged, and where it stood. `timestamp_ms` is Unix time of publishing."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def place(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it has to be.

    `retention_hours` None means for ever; a compacted topic keeps the latest record per key.
    """

    name: str
    partitions: int = 12
    compacted: bool = False
    retention_hours: int | None = 24 * 7


class BusUnavailable(Exception):  # noqa: N818 - a named fact, see the house style
    """The broker cannot be reached now; what was asked may be asked again."""


class TopicMismatch(Exception):  # noqa: N818
    """A topic exists, but not as this deployment needs it: its partitions or clean-up policy differ."""


class UnknownTopic(Exception):  # noqa: N818
    """The topic was never created: see `Bus.ensure_topics`."""


class RecordTooLarge(Exception):  # noqa: N818
    """The record has more than MAX_RECORD_BYTES and can never be published."""


class GroupBusy(Exception):  # noqa: N818
    """The group has members: stop its consumers first."""


class Subscription(Protocol):
    """One member of a consumer group. Partitions are spread over the members; a poll returns only owned ones."""

    async def poll(self, *, max_records: int, wait: float) -> Sequence[Received]:
        """Up to `max_records` next records, in order per partition; empty after `wait` seconds without any.

        Raises BusUnavailable while the broker is away; polling again later goes on where it stopped.
        """

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Make `positions` (the next offset to read) durable.

        A partition lost to another member meanwhile is skipped.
        """

    def owned(self) -> frozenset[TopicPartition]:
        """The partitions that this member owns now."""

    def rewind(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on reading from `positions`: for redelivery after a failed batch."""

    async def lag(self) -> int:
        """Records of the whole group's topics that are published and not yet committed by the group."""

    async def close(self) -> None:
        """Leave the group within a bounded time; what was not committed will be delivered to others."""


class Bus(Protocol):
    """Publishes, subscribes and looks after topics."""

    async def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Create missing topics; raise TopicMismatch when an existing one has other partitions or clean-up."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every record is durable. After an exception any subset may be durable; publishing again is safe.

        Calls made at the same time keep the order in which they were made; when one fails with BusUnavailable, those
        waiting behind it fail too, so that a caller who publishes them again in order keeps the order per key.
        Raises RecordTooLarge or UnknownTopic before anything is sent.
        """

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`. A group that never committed begins with the oldest record kept. Raises UnknownTopic."""

    async def read(self, topic: str, *, start: int | datetime = 0, limit: int = 100) -> Sequence[Received]:
        """Records of `topic`, oldest first, from an offset in every partition or from an instant on; joins no group."""

    async def reset(self, group: str, topics: Sequence[str], *, to: datetime) -> None:
        """Let `group` go on from the first records published at or after `to`.

        Raises GroupBusy while it has members.
        """

    async def forget(self, group: str) -> None:
        """Delete what is kept of `group`: should it come back, it begins like a new one. An unknown one is no error.

        Raises GroupBusy while it has members.
        """

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Records published and not yet committed by `group`, without joining it."""

    async def ping(self) -> None:
        """Return when the broker answers; raise BusUnavailable otherwise."""

    async def close(self) -> None:
        """Flush and let go of connections within a bounded time."""
