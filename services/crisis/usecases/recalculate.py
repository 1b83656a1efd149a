"""Recalculation as jobs: a dry run that lists what would change, and the approved run that makes it so."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.crisis.documents.compiling import CALENDAR, SLA_POLICY, calendars_of, parse_sla_policy
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.recalculating import Approved, Difference, Done, Judged, Past, Versions, judge, recalculate
from services.crisis.library import Library
from services.crisis.store.load import load_files
from services.crisis.store.recalculations import (
    Found,
    Selection,
    count_cases,
    load_findings,
    load_past,
    save_findings,
    save_superseded,
    select_cases,
)
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.errors import FieldError
from shared.contracts.instants import format_instant
from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.documents.store import StoredDocument
from shared.errors import Conflict, NotFound, Unprocessable
from shared.jobs.runner import Run, RunningJob
from shared.jobs.store import JobRecord, get, submit
from shared.worktime import ALWAYS

DRY_RUN: Final = "recalculation"
APPROVED: Final = "recalculation-approved"
BATCH: Final = 200
"""Cases in one transaction: their customers wait for it."""
_COUNTS: Final = (
    *("clocks", "changed_clocks", "due_earlier", "due_later", "breaches_more", "breaches_fewer", "results_changed"),
    *("left_statutory", "left_not_promised", "left_unreachable"),
)
_COUNTS_OF: Final = {
    DRY_RUN: (*_COUNTS, "changed_cases", "would_go_over"),
    APPROVED: (*_COUNTS, "repinned", "applied", "moved_on", "no_change"),
}
"""What a result counts, in each kind of job."""


class NotApprovable(Conflict):
    """Only a dry run that has succeeded can be approved, and only until it has been applied."""

    slug = "recalculation-not-approvable"
    zh = "只有成功且尚未执行的试算可以批准。"


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
        "select": _written(wanted.selection),
        "to": {
            "policies": {key: found.version for key, found in policies.items()},
            "calendars": {key: found.version for key, found in calendars.items()},
            "named": named,
            "standing": {key: version for key, version in standing.items() if key in needed},
        },
    }
    return await submit(work, DRY_RUN, request, by=by)


async def approve(work: UnitOfWork, dry_run_id: str, *, by: str, reason: str | None) -> JobRecord:
    """Queue the run that applies what a dry run found. Raises NotFound, NotApprovable, JobAlreadyOpen."""
    dry_run = await get(work.raw, dry_run_id)
    if dry_run.kind != DRY_RUN:
        raise NotFound(f"there is no recalculation {dry_run_id!r}")
    if dry_run.state != "succeeded":
        raise NotApprovable(f"the dry run is {dry_run.state}", state=dry_run.state)
    applied = await work.raw.fetchval(
        "select id from job where kind = $1 and state = 'succeeded' and request ->> 'dry_run' = $2",
        APPROVED,
        dry_run_id,
    )
    if applied is not None:
        raise NotApprovable(f"it was applied by /v1/jobs/{applied}; make another dry run", state="applied", job=applied)
    request = {**dry_run.request, "dry_run": dry_run_id, "reason": reason or dry_run.request["reason"]}
    return await submit(work, APPROVED, request, by=by, exclusive_key=dry_run_id)


def dry_run_job(library: Library) -> Run:
    """The handler of dry runs: every selected case in order of ids; nothing is written but what was found."""

    async def examine(work: UnitOfWork, batch: "_Batch") -> Counter[str]:
        counts: Counter[str] = Counter()
        found: list[Found] = []
        for file in batch.files:
            before = len(found)
            for clock in file.clocks:
                past = batch.past.get(clock.id, {})
                judged = judge(clock, past, batch.versions, batch.tools.promises, batch.tools.now)
                counts.update(_counted(judged, live=clock.is_live))
                found += [Found(clock, difference, "would_change") for difference in judged.differences]
            counts["changed_cases"] += len(found) > before
        await save_findings(work.raw, batch.job.id, found)
        return counts

    return lambda job: _run(job, DRY_RUN, library, examine)


def approved_job(library: Library) -> Run:
    """The handler of approved runs: every selected case again, as it is now; only what was approved is applied."""

    async def apply(work: UnitOfWork, batch: "_Batch") -> Counter[str]:
        job = batch.job
        wanted = await load_findings(work.raw, job.request["dry_run"], [file.case.id for file in batch.files])
        approved = Approved(job.id, job.requested_by, job.request["reason"], batch.versions, wanted)
        counts: Counter[str] = Counter()
        found: list[Found] = []
        for file in batch.files:
            for done in recalculate(file, batch.past, approved, batch.books, batch.tools):
                counts.update(_counted(done.judged, live=False))
                counts["repinned"] += done.is_repinned
                if done.outcome is not None:
                    counts[done.outcome] += 1
                    found += _findings(done, wanted.get(done.clock.id, ()))
        await save_findings(work.raw, job.id, found)
        await save_superseded(work.raw, job.id, work.now, [one for one in found if one.outcome == "applied"])
        await finish(work, batch.files)
        return counts

    return lambda job: _run(job, APPROVED, library, apply)


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


@dataclass(frozen=True, slots=True)
class _Batch:
    """Locked cases with everything that their folds need."""

    job: RunningJob
    versions: Versions
    files: Sequence[CaseFile]
    past: Mapping[str, Past]
    books: Books
    tools: Tools


Step = Callable[[UnitOfWork, _Batch], Awaitable[Counter[str]]]


async def _run(job: RunningJob, kind: str, library: Library, step: Step) -> dict[str, Any]:
    versions, selection = versions_in(job.request), selection_in(job.request)
    none = dict.fromkeys(_COUNTS_OF[kind], 0)
    while True:
        async with job.step() as work:
            cases = await select_cases(work.raw, selection, after=job.cursor or "", limit=BATCH)
            if not cases:
                return {"cases": job.done, **job.progress.get("counts", none)}
            batch = await _locked(work, job, versions, cases, library)
            counts = Counter(job.progress.get("counts", none))
            counts.update(await step(work, batch))
            job.progress["counts"] = dict(counts)
            total = job.progress.get("total") or await count_cases(work.raw, selection)
            done = job.done + len(cases)
            job.advance(done=done, total=max(total, done), cursor=cases[-1][0])


async def _locked(
    work: UnitOfWork, job: RunningJob, versions: Versions, cases: Sequence[tuple[str, str]], library: Library
) -> _Batch:
    await work.lock({customer for _, customer in cases})
    files = await load_files(work.raw, [case for case, _ in cases])
    past = await load_past(work.raw, (clock for file in files for clock in file.clocks))
    books = await library.books(work.raw)
    await library.know(work.raw, files)
    await library.know_pins(work.raw, versions.swap(_pins(files)).values())
    return _Batch(job, versions, files, past, books, tools_for(work, books, files))


def _pins(files: Iterable[CaseFile]) -> set[str]:
    return {file.case.policy for file in files} | {
        pin for file in files for clock in file.clocks for pin in clock.pins_in_force
    }


def _counted(judged: Judged, *, live: bool) -> Counter[str]:
    """A clock in the totals."""
    counts: Counter[str] = Counter(clocks=1)
    if judged.left is not None:
        counts[f"left_{judged.left}"] += 1
    if judged.differences:
        counts["changed_clocks"] += 1
    elif live and judged.swap:
        counts["would_go_over"] += 1
    for one in judged.differences:
        if one.before is None or one.after is None:
            continue
        counts["due_earlier"] += one.after.due_at < one.before.due_at
        counts["due_later"] += one.after.due_at > one.before.due_at
        counts["breaches_more"] += one.before.breached_at is None is not one.after.breached_at
        counts["breaches_fewer"] += one.after.breached_at is None is not one.before.breached_at
        counts["results_changed"] += one.before.result != one.after.result
    return counts


def _findings(done: Done, wanted: Sequence[Difference]) -> list[Found]:
    """What is reported of a clock of an approved run; where nothing is left to change, what was approved."""
    assert done.outcome is not None
    return [Found(done.clock, one, done.outcome) for one in done.judged.differences or wanted]


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


def _written(selection: Selection) -> dict[str, Any]:
    return {
        "policies": selection.policies,
        "calendars": selection.calendars,
        "service_classes": selection.service_classes,
        "case_ids": selection.case_ids,
        "opened_from": None if selection.opened_from is None else format_instant(selection.opened_from),
        "opened_to": None if selection.opened_to is None else format_instant(selection.opened_to),
        "closed_too": selection.closed_too,
    }
