"""An order: who wants what done with a case; and why it may be refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.crisis.domain.case import Matter


class Refused(Exception):  # noqa: N818 - a named fact
    """The case is not in a state that allows this. The message says what is missing."""


class StageForbids(Refused):
    """The action may not be done in the stage that the case is in."""


class ConflictOfInterest(Refused):
    """The person complained about can neither own, investigate nor approve the case."""


def refuse_interested(person: str | None, matters: Iterable[Matter]) -> None:
    """Raise ConflictOfInterest if one of these matters is a complaint about the person."""
    if person is not None and any(matter.complained_about == person for matter in matters):
        raise ConflictOfInterest(f"a complaint of this case is about {person}")


class WrongField(ValueError):  # noqa: N818 - a named fact
    """Something that the order says is not right: where (a JSON pointer), which rule, and what would be right."""

    def __init__(self, pointer: str, rule: str, detail: str) -> None:
        self.pointer, self.rule = pointer, rule
        super().__init__(detail)


class WrongTime(WrongField):
    """The effective time lies in the future, or before the case."""

    def __init__(self, detail: str, *, pointer: str = "/at") -> None:
        super().__init__(pointer, "effective-time", detail)


@dataclass(frozen=True, slots=True)
class Order:
    """An action on a case. `at` is when it took effect (None: now); without `matter_id` it speaks to all open matters.

    `fields` holds what only this action takes, under the names of the HTTP body.
    """

    action: str
    by: str
    reason: str | None = None
    at: datetime | None = None
    matter_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
