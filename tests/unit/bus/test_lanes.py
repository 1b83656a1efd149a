"""Lanes: parts of a batch that are worked on side by side."""

from shared.bus.batches import in_lanes
from shared.bus.port import Received


def test_a_small_batch_stays_whole():
    assert [len(lane) for lane in in_lanes(_records(99), 4)] == [99]


def test_a_large_batch_is_split_by_partition_and_keeps_the_order_of_each():
    records = _records(1000)

    lanes = in_lanes(records, 2)

    assert [{record.partition % 2 for record in lane} for lane in lanes] == [{0}, {1}]
    assert sorted((record for lane in lanes for record in lane), key=lambda record: record.offset) == records
    assert all([record.offset for record in lane] == sorted(record.offset for record in lane) for lane in lanes)


def test_there_are_no_more_lanes_than_a_batch_is_worth():
    assert len(in_lanes(_records(150), 8)) == 2


def _records(number):
    return [Received("t", offset % 12, offset, 0, b"k", b"{}", ()) for offset in range(number)]
