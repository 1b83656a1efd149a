"""Pins: the exact versions of policy and calendars that a clock started with, and keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Self

from services.crisis.domain.clocks import OpenTime, Policy, Target
from services.crisis.domain.sla.changes import ChangeRules


class MalformedPin(ValueError):  # noqa: N818 - reads as a fact
    """The text names no versions; pins are written by this module alone."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A policy version and the versions of the calendars that its targets name, in the order of their keys."""

    policy: str
    version: int
    calendars: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """`key@3;cn-office@2`: how the fold and the rows of the database name this exact promise."""
        return ";".join(pinned(key, version) for key, version in ((self.policy, self.version), *self.calendars))

    @classmethod
    def parse(cls, name: str) -> Self:
        """The pin of that name; raises MalformedPin."""
        (policy, version), *calendars = (unpinned(part) for part in name.split(";"))
        return cls(policy, version, tuple(calendars))

    def with_calendar(self, key: str, version: int) -> "Pin":
        """The same policy version on another version of one of its calendars."""
        calendars = tuple((name, version if name == key else known) for name, known in self.calendars)
        return Pin(self.policy, self.version, calendars)


def pinned(key: str, version: int) -> str:
    return f"{key}@{version}"


@cache
def unpinned(name: str) -> tuple[str, int]:
    """Key and version; keys may themselves hold an `@`."""
    key, _, version = name.rpartition("@")
    if not key or not version.isdigit():
        raise MalformedPin(name)
    return key, int(version)


MATTER_TARGETS = ("acknowledge", "first_response", "initial_resolution", "resolution")
"""Targets that start with a matter, if the policy has them."""
UPDATE_CADENCE = "update_cadence"
NEXT_RESPONSE = "next_response"
"""Starts when the customer writes again, after the first response."""
AFTERCARE = ("follow_up", "retrospective")
"""Targets that start when the last matter is resolved."""
STAGE_PREFIX = "stage_"
"""`stage_assessment` is the time that a case may stay in the stage `assessment`."""
TASK_PREFIX = "task:"
"""`task:legal_review` is what a department owes the case within: an operational level agreement (OLA)."""


_DEFAULT: Final = ChangeRules()


class Promises:
    """Pinned promises, made ready for the fold. Everything that a transaction may fold is put in before it decides."""

    def __init__(self) -> None:
        self.policies: dict[str, Policy] = {}
        self.calendars: dict[str, OpenTime] = {}
        self._changes: dict[str, ChangeRules] = {}
        self._parts: dict[tuple[str, tuple[str, ...]], Policy] = {}

    def add(
        self, pin: Pin, policy: Policy, calendars: Mapping[str, OpenTime], changes: ChangeRules | None = None
    ) -> None:
        """Make a pin known. `policy` is the document's, with plain keys; `calendars` are the pinned versions by key.

        `changes` is what the document says of changes while its promises run.
        """
        if changes is not None:
            self._changes[pin.name] = changes
        versions = dict(pin.calendars)
        targets = {
            name: target if target.calendar is None else _with_calendar(target, versions)
            for name, target in policy.targets.items()
        }
        self.policies[pin.name] = Policy(key=pin.name, targets=targets, reopen=policy.reopen)
        for key, version in pin.calendars:
            self.calendars[pinned(key, version)] = calendars[key]

    def changes(self, pin: str) -> ChangeRules:
        """What the policy of a pin says of changes while its promises run."""
        return self._changes.get(pin, _DEFAULT)

    def part(self, pin: str, targets: Sequence[str]) -> Policy:
        """The pinned policy with only those of `targets` that it has."""
        wanted = tuple(targets)
        found = self._parts.get((pin, wanted))
        if found is None:
            whole = self.policies[pin]
            kept = {name: whole.targets[name] for name in wanted if name in whole.targets}
            found = self._parts[pin, wanted] = Policy(key=pin, targets=kept, reopen=whole.reopen)
        return found

    def copy(self) -> "Promises":
        """A copy to which may be added what is only tried, such as a draft."""
        tried = Promises()
        tried.policies, tried.calendars = dict(self.policies), dict(self.calendars)
        tried._changes = dict(self._changes)
        return tried

    def __contains__(self, pin: str) -> bool:
        return pin in self.policies


def _with_calendar(target: Target, versions: Mapping[str, int]) -> Target:
    assert target.calendar is not None
    return replace(target, calendar=pinned(target.calendar, versions[target.calendar]))
