"""An event as routes and templates see it: flat facts by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Fact = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a customer. `facts` are the scalar fields of the payload, and `event_type`."""

    event_id: str
    type: str
    at: datetime
    subject: str
    customer_id: str | None
    case_id: str | None
    matter_id: str | None
    facts: Mapping[str, Fact]

    @property
    def written_at(self) -> datetime | None:
        """When the sender wrote it down, which may be long after it happened; None where the event does not say."""
        said = self.text("fired_at")
        return None if said is None else datetime.fromisoformat(said)

    @property
    def is_drill(self) -> bool:
        return self.facts.get("drill") is True

    def text(self, name: str) -> str | None:
        """The fact as text, or None where there is none."""
        value = self.facts.get(name)
        return None if value is None or value == "" else str(value)

    def whole(self, name: str) -> int | None:
        """The fact as a whole number, or None where it is none."""
        value = self.facts.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
