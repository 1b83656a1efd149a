"""Dead letters: records that can never be handled, bytes unchanged, with text headers that say why.

They are written through the outbox, in the transaction that lets the offset advance, so that none is ever lost. What
was replayed or dropped is marked by a further record on the same topic, so a broker is all that is needed to look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.bus.outbox import Outbox
from shared.bus.port import MAX_RECORD_BYTES, Bus, Received, Record
from shared.contracts import ContractError, UnknownType

_MOST_MESSAGE_BYTES = 1024
_MARKS = "dlq-marks"
_PAGE = 1000
_CUT = "dlq-cut-from-bytes"
_ROOM = 256


class NoSuchLetter(Exception):  # noqa: N818
    """There is no dead letter at that position; `moat dlq list` prints the positions."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter and what its marks say."""

    record: Received

    @property
    def position(self) -> str:
        return f"{self.record.partition}:{self.record.offset}"

    @property
    def topic(self) -> str:
        return self._mark("dlq-original-topic")

    @property
    def origin(self) -> str:
        return f"{self.topic}[{self._mark('dlq-original-partition')}]@{self._mark('dlq-original-offset')}"

    @property
    def error(self) -> str:
        return f"{self._mark('dlq-error-type')}: {self._mark('dlq-error-message')}"

    @property
    def failed_at(self) -> str:
        return self._mark("dlq-failed-at")

    def _mark(self, name: str) -> str:
        return next((value.decode("utf-8", "replace") for key, value in self.record.headers if key == name), "")


def dead_letter_topic(group: str) -> str:
    """The topic of a consumer group's dead letters."""
    return f"moat.dead.{group}"


def write_dead_letter(outbox: Outbox, group: str, record: Received, error: Exception, now: datetime) -> None:
    """Publish `record` to the group's dead letters; key, value and headers stay as they are.

    Two exceptions: NUL in the name of a header, which no text in the database can hold, and a value that leaves no room
    for the marks, which is cut.
    """
    marks = {
        "dlq-original-topic": record.topic.encode(),
        "dlq-original-partition": str(record.partition).encode(),
        "dlq-original-offset": str(record.offset).encode(),
        "dlq-original-timestamp": str(record.timestamp_ms).encode(),
        "dlq-original-group": group.encode(),
        "dlq-error-type": type(error).__name__.encode(),
        "dlq-error-message": _cut(str(error)),
        "dlq-failed-at": now.isoformat().encode(),
    }
    if isinstance(error, ContractError | UnknownType):
        marks["dlq-error-pointer"] = _cut(error.errors[0].pointer)
        marks["dlq-error-rule"] = error.errors[0].rule.encode()
    value = record.value
    excess = _size(record, marks) - MAX_RECORD_BYTES
    if value is not None and excess > 0:
        # As large as a record may be already, and with the marks larger: the whole of it stays where it came from.
        marks[_CUT] = str(len(value)).encode()
        value = value[: -(excess + _ROOM)]
    headers = (
        *((name.replace("\0", "\N{REPLACEMENT CHARACTER}"), text) for name, text in record.headers),
        *marks.items(),
    )
    outbox.add_record(dead_letter_topic(group), key=record.key, value=value, headers=headers, kind="dead-letter")


async def listed(bus: Bus, group: str, *, start: int = 0, limit: int = 50) -> list[DeadLetter]:
    """Dead letters of `group` from offset `start` on that nobody has dealt with, oldest first."""
    found: list[DeadLetter] = []
    settled: set[str] = set()
    position = start
    while records := await bus.read(dead_letter_topic(group), start=position, limit=_PAGE):
        for record in records:
            marked = _marked(record)
            if marked is None:
                found.append(DeadLetter(record))
            else:
                settled.add(marked)
        position = records[-1].offset + 1
    return [letter for letter in found if letter.position not in settled][:limit]


async def one(bus: Bus, group: str, position: str) -> DeadLetter:
    """The dead letter at `position` (PARTITION:OFFSET); raises NoSuchLetter."""
    partition, _, offset = position.partition(":")
    if not (partition.isdigit() and offset.isdigit()):
        raise NoSuchLetter(f"{position!r} is not PARTITION:OFFSET")
    for record in await bus.read(dead_letter_topic(group), start=int(offset), limit=1):
        if record.offset == int(offset) and record.partition == int(partition) and _marked(record) is None:
            return DeadLetter(record)
    raise NoSuchLetter(f"no dead letter of {group} at {position}; `moat dlq list {group}` prints the positions")


async def replay(bus: Bus, group: str, letter: DeadLetter) -> None:
    """Publish the record again where it came from, without our marks, and mark the letter as replayed.

    Raises NoSuchLetter for one whose value had to be cut.
    """
    if any(name == _CUT for name, _ in letter.record.headers):
        raise NoSuchLetter(f"dead letter {letter.position} was cut to fit; the whole record is at {letter.origin}")
    await bus.publish([Record(letter.topic, letter.record.key, letter.record.value, _own_headers(letter.record))])
    await mark(bus, group, letter, "replayed")


async def mark(bus: Bus, group: str, letter: DeadLetter, verdict: str) -> None:
    """Say on the topic that a letter was dealt with."""
    headers = ((_MARKS, letter.position.encode()), ("dlq-verdict", verdict.encode()))
    await bus.publish([Record(dead_letter_topic(group), letter.record.key, None, headers)])


def _marked(record: Received) -> str | None:
    return next((value.decode() for name, value in record.headers if name == _MARKS), None)


def _size(record: Received, marks: Mapping[str, bytes]) -> int:
    names = [*record.headers, *marks.items()]
    return (
        len(record.key or b"") + len(record.value or b"") + sum(len(name) * 3 + len(text) + 16 for name, text in names)
    )


def _own_headers(record: Received) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value) for name, value in record.headers if not name.startswith("dlq-"))


def _cut(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:_MOST_MESSAGE_BYTES]
