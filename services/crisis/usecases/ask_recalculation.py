"""Asking for a recalculation and approving it: which versions, which cases, why, and by whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.crisis.documents.compiling import CALENDAR, SLA_POLICY, calendars_of, parse_sla_policy
from services.crisis.domain.recalculating import Versions
from services.crisis.store.recalculations import Selection
from shared.auth.keys import have_one_owner
from shared.contracts.errors import FieldError
from shared.contracts.instants import format_instant
from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.documents.store import StoredDocument
from shared.errors import Conflict, Forbidden, NotFound, Unprocessable
from shared.jobs.store import JobRecord, get, submit
from shared.worktime import ALWAYS

DRY_RUN: Final = "recalculation"
APPROVED: Final = "recalculation-approved"
APPLICATION: Final = "policy-application"
APPROVED_APPLICATION: Final = "policy-application-approved"
_APPROVED_OF: Final = {DRY_RUN: APPROVED, APPLICATION: APPROVED_APPLICATION}
KINDS: Final = frozenset({*_APPROVED_OF, *_APPROVED_OF.values()})
"""Jobs that list changes of clocks: dry runs, and the runs that apply what was approved."""


class NotApprovable(Conflict):
    """Only a dry run that has succeeded can be approved, and only until it has been applied."""

    slug = "recalculation-not-approvable"
    zh = "只有成功且尚未执行的试算可以批准。"


class OwnRequest(Forbidden):
    """Whoever asked for the dry run cannot approve it: somebody else has to look at what would change."""

    slug = "four-eyes"
    zh = "试算的申请人不得自行批准，须由他人审批。"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: versions by key (None is the active one), the cases, and why."""

    reason: str
    selection: Selection
    policies: Mapping[str, int | None] = field(default_factory=dict)
    calendars: Mapping[str, int | None] = field(default_factory=dict)


async def ask_dry_run(work: UnitOfWork, wanted: Wanted, *, by: str) -> JobRecord:
    """Queue a dry run. Versions are settled now, so that what is approved later is what was looked at.

    Raises Unprocessable for a version that was never active, and for a calendar of a policy that has no active one.
    """
    policies = await _settled(work, SLA_POLICY, wanted.policies, place="policies")
    calendars = await _settled(work, CALENDAR, wanted.calendars, place="calendars")
    named = {key: calendars_of(parse_sla_policy({**found.body, "key": key})) for key, found in policies.items()}
    standing = {found.key: found.version for found in await store.all_active(work.raw, CALENDAR)} | {ALWAYS: 1}
    needed = {calendar for keys in named.values() for calendar in keys}
    _require_versions(needed - standing.keys() - calendars.keys())
    request = {
        "reason": wanted.reason,
        "select": written(wanted.selection),
        "to": {
            "policies": {key: found.version for key, found in policies.items()},
            "calendars": {key: found.version for key, found in calendars.items()},
            "named": named,
            "standing": {key: version for key, version in standing.items() if key in needed},
        },
    }
    return await submit(work, DRY_RUN, request, by=by)


async def approve(work: UnitOfWork, dry_run_id: str, *, by: str, reason: str | None) -> JobRecord:
    """Queue the run that applies what a dry run found.

    Raises NotFound, NotApprovable, OwnRequest for whom asked for the dry run, JobAlreadyOpen.
    """
    dry_run = await get(work.raw, dry_run_id)
    if dry_run.kind not in _APPROVED_OF:
        raise NotFound(f"there is no recalculation {dry_run_id!r}")
    if dry_run.state != "succeeded":
        raise NotApprovable(f"the dry run is {dry_run.state}", state=dry_run.state)
    if await have_one_owner(work.raw, dry_run.requested_by, by):
        raise OwnRequest("you asked for this dry run yourself: let somebody else approve it, with a key of his own")
    if dry_run.kind == APPLICATION:
        await _require_active(work, dry_run.request["to"]["policies"])
    applied = await work.raw.fetchval(
        "select id from job where kind = $1 and state = 'succeeded' and request ->> 'dry_run' = $2",
        _APPROVED_OF[dry_run.kind],
        dry_run_id,
    )
    if applied is not None:
        raise NotApprovable(f"it was applied by /v1/jobs/{applied}; make another dry run", state="applied", job=applied)
    request = {**dry_run.request, "dry_run": dry_run_id, "reason": reason or dry_run.request["reason"]}
    return await submit(work, _APPROVED_OF[dry_run.kind], request, by=by, exclusive_key=dry_run_id)


async def _require_active(work: UnitOfWork, policies: Mapping[str, int]) -> None:
    for key, version in policies.items():
        found = await store.active(work.raw, SLA_POLICY, key)
        if found is None or found.version != version:
            raise NotApprovable(f"version {version} of {key} is no longer active; make another dry run")


def versions_in(request: Mapping[str, Any]) -> Versions:
    """The versions that a job's request names."""
    return Versions(**request["to"])


def selection_in(request: Mapping[str, Any]) -> Selection:
    """The cases that a job's request selects: what a change of versions cannot touch is not looked at."""
    given = dict(request["select"])
    for name in ("opened_from", "opened_to"):
        given[name] = None if given[name] is None else datetime.fromisoformat(given[name])
    to = request["to"]
    touching = (list(to["policies"]), list(to["calendars"])) if to["policies"] or to["calendars"] else None
    return Selection(**given, touching=touching)


async def _settled(
    work: UnitOfWork, kind: str, wanted: Mapping[str, int | None], *, place: str
) -> dict[str, StoredDocument]:
    """The documents asked for by key, in versions that were active at some time."""
    found: dict[str, StoredDocument] = {}
    wrong = []
    for key, version in wanted.items():
        document = await _document(work, kind, key, version)
        if document is None or document.state == "draft":
            said = "no version is active" if version is None else f"version {version} was never active"
            wrong.append(FieldError(f"/to/{place}/{key}", "unknown-version", f"of {key!r} {said}"))
        else:
            found[key] = document
    if wrong:
        raise Unprocessable(errors=wrong)
    return found


def _require_versions(calendars: Iterable[str]) -> None:
    wrong = [
        FieldError(f"/to/calendars/{key}", "unknown-version", "a policy names it and no version is active: say which")
        for key in sorted(calendars)
    ]
    if wrong:
        raise Unprocessable(errors=wrong)


async def _document(work: UnitOfWork, kind: str, key: str, version: int | None) -> StoredDocument | None:
    if version is None:
        return await store.active(work.raw, kind, key)
    try:
        return await store.pinned(work.raw, kind, key, version)
    except NotFound:
        return None


def written(selection: Selection) -> dict[str, Any]:
    """The selection as a job's request holds it; `selection_in` reads it."""
    return {
        "policies": selection.policies,
        "calendars": selection.calendars,
        "service_classes": selection.service_classes,
        "case_ids": selection.case_ids,
        "opened_from": None if selection.opened_from is None else format_instant(selection.opened_from),
        "opened_to": None if selection.opened_to is None else format_instant(selection.opened_to),
        "closed_too": selection.closed_too,
    }
