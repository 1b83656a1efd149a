"""The real incident log as complaints: what happened to 445 service cases.

Times are shifted by whole weeks into the time of the demo and rounded up to a quarter of an hour, so that it has fewer
instants to stop at.

The log's own words become actions by this table, applied at each change of state:

| in the log | in Moat |
|---|---|
| opened_at | a complaint is received |
| first state that somebody works on it (not New) | acknowledge, then respond |
| Awaiting User Info / Problem / Vendor / Evidence | wait, with that reason |
| leaving such a state | continue |
| Resolved, Closed | propose a resolution, resolve |
| leaving Resolved for Active | reopen |
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

SHIFT: Final = timedelta(weeks=934)
"""From 29 February 2016 back to 6 April 1998, both Mondays."""

GRID_MINUTES: Final = 15

Step = Literal["received", "acknowledge", "respond", "wait", "continue", "resolve", "reopen"]
_WAITING: Final = {
    "Awaiting User Info": "waiting_for_customer",
    "Awaiting Problem": "waiting_for_cause",
    "Awaiting Vendor": "waiting_for_supplier",
    "Awaiting Evidence": "waiting_for_evidence",
}
_DONE: Final = {"Resolved", "Closed"}
_IMPACTS: Final = {"1 - High": "high", "2 - Medium": "medium", "3 - Low": "low"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to one incident. `at` is UTC, rounded up to a quarter of an hour."""

    at: datetime
    order: int
    incident: str
    caller: str
    step: Step
    reason: str = ""
    impact: str = "medium"
    subject: str = ""


def read_incidents(path: Path) -> list[Happening]:
    """Everything that happened, in order of time; within a minute in the order of the log."""
    happenings: list[Happening] = []
    for rows in _by_incident(path).values():
        happenings.extend(_happenings(rows))
    happenings.sort(key=lambda h: (h.at, h.incident, h.order))
    return happenings


def callers(happenings: list[Happening]) -> list[str]:
    """The callers in the order in which they first complained."""
    return list(dict.fromkeys(h.caller for h in happenings if h.step == "received"))


def _by_incident(path: Path) -> dict[str, list[dict[str, str]]]:
    incidents: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            incidents[row["number"]].append(row)
    return incidents


def _happenings(rows: list[dict[str, str]]) -> Iterator[Happening]:
    first = rows[0]
    opened = _instant(first["opened_at"])
    order = 0

    def happened(at: datetime, step: Step, reason: str = "") -> Happening:
        nonlocal order
        order += 1
        return Happening(
            # Some updates are stamped before the opening; nothing happens to a complaint before it is there.
            at=max(at, opened),
            order=order,
            incident=first["number"],
            caller=first["caller_id"],
            step=step,
            reason=reason,
            impact=_IMPACTS.get(first["impact"], "medium"),
            subject=f"{first['category']}, {first['subcategory']}",
        )

    yield happened(opened, "received")
    before, taken_up = "New", False
    for row in rows:
        state = row["incident_state"]
        if state == before or row["sys_updated_at"] == "?":
            continue
        at = _instant(row["sys_updated_at"])
        if not taken_up and state != "New":
            taken_up = True
            yield happened(at, "acknowledge")
            yield happened(at, "respond")
        if before in _DONE and state not in _DONE:
            yield happened(at, "reopen", "the caller said that it was not solved")
        if before in _WAITING:
            yield happened(at, "continue", _WAITING[before])
        if state in _WAITING:
            yield happened(at, "wait", _WAITING[state])
        if state in _DONE and before not in _DONE:
            yield happened(at, "resolve", "solved, as the log says")
        before = state


def _instant(text: str) -> datetime:
    exact = datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC) - SHIFT
    return exact + timedelta(minutes=-exact.minute % GRID_MINUTES)
