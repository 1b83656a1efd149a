"""Recalculation as jobs: a dry run that lists what would change, and the approved run that makes it so."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.recalculating import Approved, Difference, Done, Past, Versions, judge, recalculate
from services.crisis.library import Library
from services.crisis.store.recalculations import Found, load_findings, load_past, save_findings, save_superseded
from services.crisis.usecases.ask_recalculation import selection_in, versions_in
from services.crisis.usecases.case_batches import COUNTS, Batch, counted, over_cases
from services.crisis.usecases.session import finish
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.runner import Run

_DRY_COUNTS: Final = (*COUNTS, "changed_cases", "would_go_over")
_APPROVED_COUNTS: Final = (*COUNTS, "repinned", "applied", "moved_on", "no_change")


def dry_run_job(library: Library) -> Run:
    """The handler of dry runs: every selected case in order of ids; nothing is written but what was found."""

    async def examine(work: UnitOfWork, batch: Batch) -> Counter[str]:
        counts: Counter[str] = Counter()
        found: list[Found] = []
        versions, past = await _known(work, batch, library)
        for file in batch.files:
            before = len(found)
            for clock in file.clocks:
                judged = judge(clock, past.get(clock.id, {}), versions, batch.tools.promises, batch.tools.now)
                counts.update(counted(judged, live=clock.is_live))
                found += [Found(clock, difference, "would_change") for difference in judged.differences]
            counts["changed_cases"] += len(found) > before
        await save_findings(work.raw, batch.job.id, found)
        return counts

    return lambda job: over_cases(job, selection_in(job.request), library, examine, counts=_DRY_COUNTS)


def approved_job(library: Library) -> Run:
    """The handler of approved runs: every selected case again, as it is now; only what was approved is applied."""

    async def apply(work: UnitOfWork, batch: Batch) -> Counter[str]:
        job = batch.job
        wanted = await load_findings(work.raw, job.request["dry_run"], [file.case.id for file in batch.files])
        versions, past = await _known(work, batch, library)
        approved = Approved(job.id, job.requested_by, job.request["reason"], versions, wanted)
        counts: Counter[str] = Counter()
        found: list[Found] = []
        for file in batch.files:
            for done in recalculate(file, past, approved, batch.books, batch.tools):
                counts.update(counted(done.judged, live=False))
                counts["repinned"] += done.is_repinned
                if done.outcome is not None:
                    counts[done.outcome] += 1
                    found += _findings(done, wanted.get(done.clock.id, ()))
        await save_findings(work.raw, job.id, found)
        await save_superseded(work.raw, job.id, work.now, [one for one in found if one.outcome == "applied"])
        await finish(work, batch.files, batch.books)
        return counts

    return lambda job: over_cases(job, selection_in(job.request), library, apply, counts=_APPROVED_COUNTS)


async def _known(work: UnitOfWork, batch: Batch, library: Library) -> tuple[Versions, Mapping[str, Past]]:
    """The versions that the job names, with the promises of every pin in their place, and the stored past cycles."""
    versions = versions_in(batch.job.request)
    await library.know_pins(work.raw, versions.swap(_pins(batch.files)).values())
    return versions, await load_past(work.raw, (clock for file in batch.files for clock in file.clocks))


def _pins(files: Iterable[CaseFile]) -> set[str]:
    return {file.case.policy for file in files} | {
        pin for file in files for clock in file.clocks for pin in clock.pins_in_force
    }


def _findings(done: Done, wanted: Sequence[Difference]) -> list[Found]:
    """What is reported of a clock of an approved run; where nothing is left to change, what was approved."""
    assert done.outcome is not None
    return [Found(done.clock, one, done.outcome) for one in done.judged.differences or wanted]
