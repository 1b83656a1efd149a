"""An order: who wants what done with a case; and why it may be refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Refused(Exception):  # noqa: N818 - a named fact
    """The case is not in a state that allows this. The message says what is missing."""


class StageForbids(Refused):
    """The action may not be done in the stage that the case is in."""


class WrongTime(ValueError):  # noqa: N818 - a named fact
    """The effective time lies in the future, or before the case."""


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
