"""The partitioner agrees with Kafka's."""

import aiokafka.partitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.partitioner import murmur2, partition_of


@given(st.binary(max_size=200))
def test_murmur2_agrees_with_the_client_librarys(data: bytes):
    assert murmur2(data) == aiokafka.partitioner.murmur2(data) & 0xFFFFFFFF


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=200))
def test_a_key_stays_in_its_partition(key: bytes, partitions: int):
    partition = partition_of(key, partitions)

    assert partition == aiokafka.partitioner.DefaultPartitioner()(key, list(range(partitions)), [])


def test_a_record_without_a_key_goes_to_the_first_partition():
    assert partition_of(None, 12) == 0
