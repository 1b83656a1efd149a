"""Batches of records: in which lanes they are worked on, and where a group stands after them."""

from collections.abc import Sequence
from typing import Final

from shared.bus.port import Received, TopicPartition

_WORTH_A_LANE: Final = 100
"""Records for which a transaction of their own pays."""


def in_lanes(records: Sequence[Received], lanes: int) -> list[list[Received]]:
    """Up to `lanes` parts that may be handled side by side, each partition wholly in one; a small batch stays whole."""
    lanes = min(lanes, 1 + len(records) // _WORTH_A_LANE)
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
