"""Every scope that a key or token can carry. There are no others, and none contains another.

`admin` too is only itself: it opens administration (clock, quiescence, and what a service marks so), not the data. A
key for everything names everything, so that reading the key's row says what it can do.
"""

from types import MappingProxyType
from typing import Final

SCOPES: Final = MappingProxyType(
    {
        "facts:write": "Send facts about customers.",
        "scoring:read": "Read customers, tiers, models and reports.",
        "scoring:write": "Change customers and their profiles, start imports.",
        "scoring:model": "Write, validate and activate tier models.",
        "scoring:review": "Take part in tier reviews.",
        "scoring:approve": "Approve overrides and reviews.",
        "crisis:read": "Read cases, clocks, timelines and reports.",
        "crisis:write": "Open cases and work on them.",
        "crisis:command": "Act as incident commander: severity, merge, dismiss.",
        "crisis:policy": "Write policies, calendars, playbooks and rules.",
        "crisis:approve": "Approve remedies and exceptions.",
        "notify:read": "Read messages, deliveries and schedules.",
        "notify:write": "Change people, teams, contact points and schedules.",
        "notify:route": "Write routes and templates.",
        "notify:send": "Send messages by hand.",
        "admin": "Administer the service itself; says nothing about the data.",
        "pii:read": "See personal data unmasked.",
    }
)
"""Scopes and what they allow."""


def unknown(scopes: "list[str] | tuple[str, ...] | frozenset[str]") -> list[str]:
    """Those of `scopes` that do not exist, sorted."""
    return sorted(set(scopes) - SCOPES.keys())
