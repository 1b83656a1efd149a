"""Recalculation as jobs: a dry run that lists what would change, and the approved run that makes it so."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.recalculating import Approved, Difference, Done, Judged, Past, Versions, judge, recalculate
from services.crisis.library import Library
from services.crisis.store.load import load_files
from services.crisis.store.recalculations import (
    Found,
    count_cases,
    load_findings,
    load_past,
    save_findings,
    save_superseded,
    select_cases,
)
from services.crisis.usecases.ask_recalculation import APPROVED, DRY_RUN, selection_in, versions_in
from services.crisis.usecases.session import finish, tools_for
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.runner import Run, RunningJob

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
