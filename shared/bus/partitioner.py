"""Which partition a key belongs to: the rule of Kafka's Java client, on both buses."""

import struct
from functools import lru_cache
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_R: Final = 24
_WORD: Final = 0xFFFFFFFF


@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes | None, partitions: int) -> int:
    """The partition of `key` among `partitions`; a record without a key goes to partition 0.

    Source: `org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey`.
    """
    return 0 if key is None else (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, unsigned, as `org.apache.kafka.common.utils.Utils.murmur2` computes it."""
    length = len(data)
    h = _SEED ^ length
    for word in struct.unpack_from(f"<{length >> 2}I", data):
        k = word * _M & _WORD
        k = (k ^ k >> _R) * _M & _WORD
        h = (h * _M & _WORD) ^ k
    tail = data[length & ~3 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _WORD
    h = (h ^ h >> 13) * _M & _WORD
    return h ^ h >> 15
