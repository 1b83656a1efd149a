"""Batches of records: in which lanes they are worked on, and where a group stands after them."""

from collections.abc import Sequence

from shared.bus.port import Received, TopicPartition


def in_lanes(records: Sequence[Received], lanes: int) -> list[list[Received]]:
    if lanes == 1:
        return [list(records)]
    split: list[list[Received]] = [[] for _ in range(lanes)]
    for record in records:
        split[record.partition % lanes].append(record)
    return [lane for lane in split if lane]


def next_positions(records: Sequence[Received]) -> dict[TopicPartition, int]:
    # Thousands of records lie in a few places: a place is made for each of these, not for each record.
    last: dict[tuple[str, int], int] = {}
    for record in records:
        place = record.topic, record.partition
        last[place] = max(record.offset, last.get(place, 0))
    return {TopicPartition(*place): offset + 1 for place, offset in last.items()}
