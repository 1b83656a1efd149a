"""Requests to simulate, as the documentation shows them: a promise in office hours, and each behaviour of a change."""

from typing import Any, Final

_OFFICE: Final[dict[str, Any]] = {
    "policy": {
        "key": "key-customer",
        "targets": {"first_response": {"business": "PT4H", "calendar": "cn-office", "warn": ["50%", "90%"]}},
    },
    "calendars": [
        {"key": "cn-office", "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"]}}
    ],
    "policies": [],
    "events": [{"at": "2026-03-02T01:00:00Z", "type": "start"}],
    "until": "2026-03-02T06:00:00Z",
}
_STANDARD: Final[dict[str, Any]] = {"key": "standard", "targets": {"resolution": {"elapsed": "PT10H"}}}
_KEY: Final[dict[str, Any]] = {"key": "key", "targets": {"resolution": {"elapsed": "PT4H"}}}
_CHANGES: Final = {
    "keep": "stays due at 10:00, ten hours after the start",
    "retarget_from_start": "is due at 04:00, as if four hours had been promised from the start",
    "restart_now": "ends as cancelled, and a second cycle is due at 06:00, four hours after the change",
    "prorate": "is due at 05:12: eight of ten hours were left, so eight tenths of four hours are",
    "tighten_only": "is due at 04:00, the earlier of both; a later one would have changed nothing",
}


def _changed(behaviour: str) -> dict[str, Any]:
    return {
        "policy": _STANDARD,
        "policies": [_KEY],
        "events": [
            {"at": "2026-03-02T00:00:00Z", "type": "start"},
            {"at": "2026-03-02T02:00:00Z", "type": "retarget", "policy": "key", "behaviour": behaviour},
        ],
        "until": "2026-03-02T03:00:00Z",
    }


EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "office hours": {"summary": "Four office hours from a Monday morning", "value": _OFFICE},
    **{
        behaviour: {
            "summary": f"retarget: {behaviour}",
            "description": f"Ten hours become four after two have passed. The clock {outcome}.",
            "value": _changed(behaviour),
        }
        for behaviour, outcome in _CHANGES.items()
    },
}
"""By name, as OpenAPI writes examples of a body."""
