"""What a consumer commits after a batch."""

from shared.bus.batches import next_positions
from shared.bus.port import Received, TopicPartition


def a_record(topic, partition, offset):
    return Received(topic, partition, offset, 0, b"k", b"v", ())


def test_after_a_batch_each_partition_goes_on_behind_its_last_record_whatever_the_order():
    records = [a_record("a", 0, 7), a_record("b", 0, 0), a_record("a", 1, 3), a_record("a", 0, 9), a_record("a", 0, 8)]
    assert next_positions(records) == {
        TopicPartition("a", 0): 10,
        TopicPartition("a", 1): 4,
        TopicPartition("b", 0): 1,
    }


def test_nothing_delivered_commits_nothing():
    assert next_positions([]) == {}
