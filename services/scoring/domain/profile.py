"""A customer's profile as the sum of partial updates, whatever order they arrived in.

Each field remembers which update it was taken from; of two updates the one that happened later decides, ties by source
and event id. A field that was cleared remembers that too, so that an older value arriving late does not bring it back.
`attributes` is a field of its own per name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

COLUMNS: Final = (
    "name",
    "segment",
    "region",
    "account_manager",
    "industry",
    "size",
    "since",
    "parent_customer_id",
    "payment_terms_days",
)
"""Fields with a column of their own."""
DETAILS: Final = ("contacts", "decision_makers", "needs", "plans", "strategic_resources")
"""Fields that are kept as they were told."""
PERSONAL: Final = ("contacts", "decision_makers")
"""Fields about persons: shown to callers who may see personal data."""
_ATTRIBUTE: Final = "attributes."

Told = tuple[str, str, str]
"""Where a field's value comes from: instant as fixed-width UTC text, source, event id. Compares in order of time."""


@dataclass(frozen=True, slots=True)
class ProfileUpdate:
    """One partial update: an absent field is unchanged, None clears it."""

    at: datetime
    source: str
    event_id: str
    fields: Mapping[str, Any]

    @property
    def told(self) -> Told:
        return (self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), self.source, self.event_id)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known: values by field, attributes as `attributes.<name>`; cleared fields are absent."""

    values: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value of a field, None when it is not known."""
        return self.values.get(name)

    def details(self) -> dict[str, Any]:
        """Everything that has no column, attributes nested again."""
        found = {name: self.values[name] for name in DETAILS if name in self.values}
        attributes = {
            name.removeprefix(_ATTRIBUTE): value for name, value in self.values.items() if name.startswith(_ATTRIBUTE)
        }
        return {**found, "attributes": attributes} if attributes else found


def merge(profile: Profile, updates: Iterable[ProfileUpdate]) -> Profile:
    """The profile with these updates, in whatever order they come."""
    values, told = dict(profile.values), dict(profile.told)
    for update in updates:
        for name, value in _flat(update.fields):
            known = told.get(name)
            if known is not None and known >= update.told:
                continue
            told[name] = update.told
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
    return Profile(values, told)


def of_stored(columns: Mapping[str, Any], details: Mapping[str, Any], told: Mapping[str, Iterable[str]]) -> Profile:
    """A profile as it was stored: columns, `Profile.details` and times."""
    values = {name: value for name, value in columns.items() if value is not None}
    for name, value in details.items():
        if name == "attributes":
            values.update({_ATTRIBUTE + attribute: given for attribute, given in value.items()})
        else:
            values[name] = value
    return Profile(values, {name: _told(parts) for name, parts in told.items()})


def _told(parts: Iterable[str]) -> Told:
    at, source, event_id = parts
    return (at, source, event_id)


def _flat(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in fields.items():
        if name != "attributes":
            yield name, value
        elif value is not None:
            for attribute, given in value.items():
                yield _ATTRIBUTE + attribute, given
