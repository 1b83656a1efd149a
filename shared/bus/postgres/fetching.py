"""Reading the logs of the embedded bus."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.bus.port import Received, TopicPartition
from shared.bus.postgres.membership import Claim
from shared.bus.postgres.publisher import read_headers
from shared.bus.postgres.topics import Topic


@dataclass(slots=True)
class _Reading:
    """How far an owned partition was delivered and committed, and how far it reaches as far as we know."""

    position_id: int
    next_offset: int
    committed: int
    end: int = 0


class Log:
    """The owned partitions of one member, and what of them has not been delivered yet."""

    def __init__(self) -> None:
        self._readings: dict[TopicPartition, _Reading] = {}

    def places(self) -> frozenset[TopicPartition]:
        return frozenset(self._readings)

    def owns(self, place: TopicPartition) -> bool:
        return place in self._readings

    def clear(self) -> None:
        self._readings.clear()

    def add(self, claims: Mapping[TopicPartition, Claim]) -> None:
        for place, claim in claims.items():
            self._readings[place] = _Reading(claim.position_id, claim.next_offset, claim.next_offset)

    def remove(self, places: Iterable[TopicPartition]) -> list[int]:
        """Forget `places`; answers their position rows."""
        return [self._readings.pop(place).position_id for place in places]

    def by_row(self, positions: Mapping[TopicPartition, int]) -> dict[int, int]:
        return {self._readings[place].position_id: offset for place, offset in positions.items()}

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        for place, offset in positions.items():
            reading = self._readings[place]
            reading.committed = offset
            # After a lost session we start again from what was committed; a commit that came late moves us on.
            reading.next_offset = max(reading.next_offset, offset)

    def is_committed(self, place: TopicPartition) -> bool:
        reading = self._readings[place]
        return reading.committed >= reading.next_offset

    def rewind(self, positions: Mapping[TopicPartition, int]) -> None:
        for place, offset in positions.items():
            if place in self._readings:
                self._readings[place].next_offset = offset

    def heard(self, topic: Topic, news: str) -> bool:
        """Take in `partition=end,…` of a notification; whether any of it is new to us."""
        new = False
        for entry in news.split(","):
            partition, _, end = entry.partition("=")
            reading = self._readings.get(topic.place(int(partition)))
            if reading is not None and int(end) > reading.end:
                reading.end = int(end)
                new = True
        return new

    async def look(self, connection: asyncpg.Connection, topics: Iterable[Topic]) -> None:
        """Read how far the logs reach."""
        names = {topic.id: topic.name for topic in topics}
        rows = await connection.fetch(
            "select topic_id, partition, next_offset from bus.partition where topic_id = any($1)", [*names]
        )
        for row in rows:
            reading = self._readings.get(TopicPartition(names[row["topic_id"]], row["partition"]))
            if reading is not None:
                reading.end = row["next_offset"]

    async def fetch(
        self,
        connection: asyncpg.Connection,
        topics: Mapping[str, Topic],
        *,
        limit: int,
        skip: Collection[TopicPartition],
    ) -> list[Received]:
        """Up to `limit` next records, each partition getting its turn; they count as delivered."""
        ready: dict[str, list[TopicPartition]] = {}
        for place, reading in self._readings.items():
            if reading.next_offset < reading.end and place not in skip:
                ready.setdefault(place.topic, []).append(place)
        found: list[Received] = []
        for name, places in ready.items():
            room = limit - len(found)
            if room <= 0:
                break
            chosen = places[:room]
            starts = {place.partition: self._readings[place].next_offset for place in chosen}
            records = await fetch_from(connection, topics[name], starts, each=max(1, room // len(chosen)))
            self._advance(chosen, records)
            found += records
        return found

    def _advance(self, places: Iterable[TopicPartition], records: Sequence[Received]) -> None:
        last = {record.partition: record.offset for record in records}
        for place in places:
            # The turn goes round: who was served now stands last.
            reading = self._readings.pop(place)
            # Nothing there although the log reaches further: compaction or age took the rest.
            reading.next_offset = last[place.partition] + 1 if place.partition in last else reading.end
            self._readings[place] = reading


async def fetch_from(
    connection: asyncpg.Connection, topic: Topic, starts: Mapping[int, int], *, each: int, since_ms: int = 0
) -> list[Received]:
    """Up to `each` records of every partition in `starts`, from that offset and from `since_ms` on."""
    rows = await connection.fetch(
        f"""select l.* from unnest($1::smallint[], $2::bigint[]) as w(partition, start) cross join lateral (
              select partition, "offset", published_ms, key, value, headers from {topic.log}
              where partition = w.partition and "offset" >= w.start and published_ms >= $3 order by "offset" limit $4
            ) as l""",  # noqa: S608 - the table's name is a number of ours
        [*starts],
        [*starts.values()],
        since_ms,
        each,
    )
    name = topic.name
    return [
        Received(name, partition, offset, at, key, value, read_headers(headers))
        for partition, offset, at, key, value, headers in rows
    ]


async def group_lag(connection: asyncpg.Connection, group: str, topics: Iterable[Topic]) -> int:
    """Records published and not committed by `group`."""
    return int(
        await connection.fetchval(
            """select coalesce(sum(p.next_offset - greatest(coalesce(g.next_offset, 0), p.first_offset)), 0)::bigint
           from bus.partition p left join bus.position g
             on g.grp = $1 and g.topic_id = p.topic_id and g.partition = p.partition
           where p.topic_id = any($2)""",
            group,
            [topic.id for topic in topics],
        )
    )


async def move_group(connection: asyncpg.Connection, group: str, topics: Iterable[Topic], *, to: datetime) -> None:
    """Set the group's positions to the first records published at or after `to`, or to the end."""
    for topic in topics:
        await connection.execute(
            f"""insert into bus.position (grp, topic_id, partition, next_offset)
                select $1, $2, p.partition, coalesce(
                  (select min("offset") from {topic.log} l where l.partition = p.partition and l.published_ms >= $3),
                  p.next_offset)
                from bus.partition p where p.topic_id = $2
                on conflict (grp, topic_id, partition) do update set next_offset = excluded.next_offset""",  # noqa: S608
            group,
            topic.id,
            int(to.timestamp() * 1000),
        )
