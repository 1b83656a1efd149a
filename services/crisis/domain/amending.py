"""What later became known of a complaint: it changes its matter, or takes it back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.ending import case_resolved, end_matters
from services.crisis.domain.grading import raise_severity
from services.crisis.domain.intake import Desk, Taken
from services.crisis.domain.ownership import relieve_owner
from services.crisis.domain.rules import Trigger
from services.crisis.domain.severity import heavier
from services.crisis.domain.starting import owe_next_response
from services.crisis.domain.statutory import start_statutory

_FIELDS = {
    "subject": "title",
    "impact": "impact",
    "public": "is_public",
    "category": "category",
    "regulated": "regulated",
    "remedy_sought": "remedy_sought",
    "complained_about": "complained_about",
}
AMENDABLE: Final = frozenset(_FIELDS)
"""What an amendment may say of a complaint that means something to us."""
NO_OPEN_MATTER: Final = "no_open_matter"
_NEVER_CLEARED = frozenset({"subject", "impact", "public"})


@dataclass(frozen=True, slots=True)
class Amendment:
    """An event about a complaint that is there already. A field absent in `changes` is unchanged, null clears it."""

    kind: Literal["updated", "withdrawn"]
    trigger: Trigger
    complaint_id: str
    changes: Mapping[str, Any]
    reason: str | None = None


def amend(desk: Desk, amendment: Amendment, *, books: Books, tools: Tools) -> Taken:
    """Change or end the matter; muted where the customer's open case has no such open matter."""
    file = desk.file
    matter = None if file is None else _find(file, amendment.complaint_id)
    if file is None or matter is None:
        return Taken(amendment.trigger, "muted", reason=NO_OPEN_MATTER)
    file.next_version()
    if amendment.kind == "withdrawn":
        _withdraw(file, matter, amendment, books, tools)
    else:
        _update(file, matter, amendment, books, tools)
    return Taken(amendment.trigger, "amended", case_id=file.case.id, matter_id=matter.id)


def _find(file: CaseFile, complaint_id: str) -> Matter | None:
    return next(
        (m for m in file.open_matters() if m.type == "complaint" and m.reference == complaint_id),
        None,
    )


def _update(file: CaseFile, matter: Matter, amendment: Amendment, books: Books, tools: Tools) -> None:
    given = {
        _FIELDS[name]: value
        for name, value in amendment.changes.items()
        if name in _FIELDS and not (value is None and name in _NEVER_CLEARED)
    }
    changed = file.put(replace(matter, **given))
    relieve_owner(file, changed, tools)
    file.change(impact=heavier(file.case.impact, changed.impact), is_public=file.case.is_public or changed.is_public)
    changes = [
        (name, _text(getattr(matter, name)), _text(getattr(changed, name)))
        for name in given
        if getattr(matter, name) != getattr(changed, name)
    ]
    file.tell_case("updated", tools, update="edit", matter_id=matter.id, changes=changes)
    file.note(
        tools,
        "matter.updated",
        f"More became known: {matter.title}",
        at=min(amendment.trigger.at, tools.now),
        data={
            "matter_id": matter.id,
            "event_id": amendment.trigger.event_id,
            "changes": [list(change) for change in changes],
        },
    )
    told = start_statutory(file, changed, books, tools)
    told += owe_next_response(file, tools, at=min(amendment.trigger.at, tools.now))
    told += raise_severity(file, books, tools, because="more became known")
    follow_up(file, told, books, tools)


def _withdraw(file: CaseFile, matter: Matter, amendment: Amendment, books: Books, tools: Tools) -> None:
    at = min(max(amendment.trigger.at, matter.received_at), tools.now)
    reason = amendment.reason
    told = end_matters(file, [matter], tools, status="withdrawn", at=at, by=None, resolution="withdrawn", reason=reason)
    file.note(
        tools,
        "matter.withdrawn",
        f"Taken back by the customer: {matter.title}",
        at=at,
        data={"matter_id": matter.id, "event_id": amendment.trigger.event_id, "reason": reason},
    )
    told += case_resolved(file, [file.matters[matter.id]], tools, at=at, by=None, reason=reason)
    follow_up(file, told, books, tools)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:512]
