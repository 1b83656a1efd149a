"""What the embedded bus knows of its topics."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.bus.port import TopicPartition, UnknownTopic


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's row. `channel` is where its news is told by NOTIFY, `log` its table."""

    id: int
    name: str
    partitions: int
    compacted: bool
    retention_hours: int | None

    @property
    def log(self) -> str:
        return f"bus.log_{self.id}"

    @property
    def channel(self) -> str:
        return f"bus_{self.id}"

    def place(self, partition: int) -> TopicPartition:
        return TopicPartition(self.name, partition)


class Topics:
    """Looks topics up by name, once: neither id nor partitions of a topic ever change."""

    def __init__(self) -> None:
        self._known: dict[str, Topic] = {}

    async def find(self, connection: asyncpg.Connection, names: Sequence[str]) -> list[Topic]:
        """The topics of these names, in order of id. Raises UnknownTopic."""
        if any(name not in self._known for name in names):
            for topic in await all_topics(connection):
                self._known[topic.name] = topic
        missing = sorted(set(names) - self._known.keys())
        if missing:
            raise UnknownTopic(f"Topic {missing[0]} does not exist: create it with ensure_topics")
        return sorted({self._known[name] for name in names}, key=lambda topic: topic.id)


async def all_topics(connection: asyncpg.Connection) -> list[Topic]:
    """Every topic there is."""
    rows = await connection.fetch("select id, name, partitions, compacted, retention_hours from bus.topic order by id")
    return [Topic(*row) for row in rows]
