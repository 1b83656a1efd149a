"""Every published event type: its payload, topic, producer, listeners and standing."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.contracts.base import Payload
from shared.contracts.errors import UnknownType

Status = Literal["frozen", "draft"]
SCHEMA_URN = "urn:moat:schema:"
PayloadClass = type[Payload]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A Kafka topic as it is created by default. `retention_days` is None where the log is compacted instead."""

    name: str
    producer: str
    content: str
    partitions: int = 12
    retention_days: int | None = 30

    @property
    def compacted(self) -> bool:
        return self.retention_days is None


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One published type. A frozen one may only grow by optional fields; a draft may still change in any way."""

    type: str
    model: PayloadClass
    topic: str
    producer: str
    consumers: tuple[str, ...]
    when: str
    subject: str = "the customer id"
    status: Status = "draft"

    from_outside: bool = False
    """Sent by other systems: what they must send is documented, not what we would."""

    @property
    def description(self) -> str:
        """The public description: the payload's docstring."""
        return inspect.cleandoc(self.model.__doc__ or "")

    @property
    def title(self) -> str:
        """The payload's name in words, e.g. `Order placed`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.model.__name__).capitalize()

    @property
    def dataschema(self) -> str:
        return SCHEMA_URN + self.type


class Registry(Mapping[str, EventType]):
    """The published types by name, in the order of the catalogue."""

    def __init__(self, types: Iterable[EventType], topics: Iterable[Topic]) -> None:
        self._types = {entry.type: entry for entry in types}
        self.topics = {topic.name: topic for topic in topics}
        self._by_model = {entry.model: entry for entry in self._types.values()}

    def __getitem__(self, type_: str) -> EventType:
        """The type of that name; raises `UnknownType`."""
        try:
            return self._types[type_]
        except KeyError:
            raise UnknownType(type_) from None

    def __contains__(self, type_: object) -> bool:
        return type_ in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def of_model(self, model: type[Payload]) -> EventType:
        """The type that this payload belongs to."""
        return self._by_model[model]

    def of_topic(self, topic: str) -> tuple[EventType, ...]:
        return tuple(entry for entry in self._types.values() if entry.topic == topic)

    def consumed_by(self, service: str) -> frozenset[str]:
        """The type names that a service listens to."""
        return frozenset(entry.type for entry in self._types.values() if service in entry.consumers)

    @property
    def frozen(self) -> tuple[EventType, ...]:
        return tuple(entry for entry in self._types.values() if entry.status == "frozen")
