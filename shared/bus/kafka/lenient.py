"""Reading records whose header names are not UTF-8.

Any client may put such a record on an open topic, and brokers take it. aiokafka raises UnicodeDecodeError at it, again
and again, and the partition stands still for ever. Here such a batch is parsed again, with U+FFFD where a header's name
could not be decoded, as Java's client does; key and value stay as they are: the record can be judged like any other.
"""

import struct
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy

_Records = fetcher.MemoryRecords
_PartitionRecords = fetcher.PartitionRecords
_LENGTH_AT = 8
_BEFORE_LENGTH = 12


def read_any_header_name() -> None:
    """Make every consumer of this process read such records. Doing so again changes nothing."""
    fetcher.MemoryRecords = RereadableRecords
    fetcher.PartitionRecords = LenientPartitionRecords


class RereadableRecords(_Records):  # type: ignore[misc, valid-type]
    """Batches as they were fetched, with the bytes they came in."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.raw = raw


class LenientPartitionRecords(_PartitionRecords):  # type: ignore[misc, valid-type]
    """Goes over to lenient parsing at the first name that is not UTF-8; until then it costs nothing."""

    _records: Any

    def _unpack_records(self) -> Any:
        raw = self._records.raw
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._records = _LenientRecords(raw, start=self.next_fetch_offset)
            yield from super()._unpack_records()


class _LenientRecords:
    """The batches from the one on that holds offset `start`."""

    def __init__(self, raw: Any, *, start: int) -> None:
        self._raw = memoryview(raw)
        self._at = 0
        while self.has_next() and _LenientBatch(self._raw[self._at : self._end()]).next_offset <= start:
            self._at = self._end()

    def has_next(self) -> bool:
        return len(self._raw) - self._at >= _BEFORE_LENGTH and self._end() <= len(self._raw)

    def next_batch(self) -> "_LenientBatch":
        end = self._end()
        batch = _LenientBatch(self._raw[self._at : end])
        self._at = end
        return batch

    def _end(self) -> int:
        (length,) = struct.unpack_from(">i", self._raw, self._at + _LENGTH_AT)
        return self._at + _BEFORE_LENGTH + int(length)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    """Bytes of which every slice decodes somehow; only names of headers are ever decoded."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        found = super().__getitem__(at)
        return _LenientBytes(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:  # noqa: ARG002
        return super().decode(encoding, "replace")
