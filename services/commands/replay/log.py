"""The incident log as clock events. Its wall times name no zone and are taken as UTC.

| in the log | for the clock |
|---|---|
| opened_at | start |
| a state that waits (`Awaiting User Info / Problem / Vendor / Evidence`) | pause, with that reason |
| leaving it | resume |
| Resolved, or Closed | stop |
| leaving Resolved or Closed for work | reopen |
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from services.crisis.domain.clocks import ClockEvent, Pause, Reopen, Resume, Start, Stop

WAITING: Final = {
    "Awaiting User Info": "waiting_for_customer",
    "Awaiting Problem": "waiting_for_cause",
    "Awaiting Vendor": "waiting_for_supplier",
    "Awaiting Evidence": "waiting_for_evidence",
}
End = Literal["resolved", "closed"]
_DONE: Final[dict[End, frozenset[str]]] = {
    "resolved": frozenset({"Resolved", "Closed"}),
    "closed": frozenset({"Closed"}),
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: `changes` are its states with their instants, in the order of the log; UTC, to the minute.

    `made_sla` is what the log says last. It turns to no with the closing only, never while the incident is open.
    """

    number: str
    priority: str
    made_sla: bool
    opened_at: datetime
    changes: tuple[tuple[datetime, str], ...]


def read_log(path: Path) -> list[Incident]:
    """All incidents in the order in which the log names them first."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["number"]].append(row)
    return [_incident(number, of_one) for number, of_one in rows.items()]


def end_of(incidents: list[Incident]) -> datetime:
    """The last instant that the log tells of."""
    return max(at for incident in incidents for at, _ in incident.changes)


def events_of(incident: Incident, *, end: End = "resolved", pauses: bool = True) -> list[ClockEvent]:
    """What the clock is told. `end` says which state fulfils it; without `pauses` it runs on through the waits."""
    return [event for event in _events(incident, _DONE[end]) if pauses or not isinstance(event, Pause | Resume)]


def _events(incident: Incident, done: frozenset[str]) -> Iterator[ClockEvent]:
    yield Start(at=incident.opened_at)
    before = "New"
    for at, state in incident.changes:
        if state == before:
            continue
        if before in done and state not in done:
            yield Reopen(at=at)
        if before in WAITING:
            yield Resume(at=at, reason=WAITING[before])
        if state in WAITING:
            yield Pause(at=at, reason=WAITING[state])
        if state in done and before not in done:
            yield Stop(at=at)
        before = state


def _incident(number: str, rows: list[dict[str, str]]) -> Incident:
    opened = _instant(rows[0]["opened_at"])
    told = [(row["sys_updated_at"], row["incident_state"]) for row in rows if row["sys_updated_at"] != "?"]
    return Incident(
        number=number,
        priority=rows[-1]["priority"],
        made_sla=rows[-1]["made_sla"] == "TRUE",
        opened_at=opened,
        # Some updates are stamped before the opening; nothing happens to an incident before it is there.
        changes=tuple((max(_instant(at), opened), state) for at, state in told),
    )


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)
