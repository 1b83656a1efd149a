"""Pinned documents for people: `cn-office@2` is version 2 of `cn-office`; a key without a version was sent along."""

from services.crisis.domain.sla.pins import MalformedPin, unpinned

Named = tuple[str, int | None]


def named(name: str) -> Named:
    """Key and version of a pinned calendar, or of the policy of a pin (`key@3;cn-office@2`).

    Pins of other kinds of documents begin with the kind (`escalation:`), which is not part of the key.
    """
    try:
        key, version = unpinned(name.split(";", 1)[0])
    except MalformedPin:
        return name, None
    return key.rpartition(":")[2], version


def calendars_in(pin: str) -> list[Named]:
    """The calendars that a pin of a policy holds."""
    return [named(part) for part in pin.split(";")[1:]]


def shown(name: str) -> str:
    """`cn-office v2`."""
    key, version = named(name)
    return key if version is None else f"{key} v{version}"
