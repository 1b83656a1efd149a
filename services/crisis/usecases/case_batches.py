"""Jobs over cases: those selected, in order of their ids, a batch a transaction; a job that was cut off goes on."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.recalculating import Judged
from services.crisis.library import Library
from services.crisis.store.load import load_files
from services.crisis.store.recalculations import Selection, count_cases, select_cases
from services.crisis.usecases.session import tools_for
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.runner import RunningJob

BATCH: Final = 200
"""Cases in one transaction: their customers wait for it."""
COUNTS: Final = (
    *("clocks", "changed_clocks", "due_earlier", "due_later", "breaches_more", "breaches_fewer", "results_changed"),
    *("left_statutory", "left_not_promised", "left_unreachable"),
)
"""What the result of such a job counts of its clocks, whatever else it counts."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Locked cases with everything that their folds need."""

    job: RunningJob
    files: Sequence[CaseFile]
    books: Books
    tools: Tools


Step = Callable[[UnitOfWork, Batch], Awaitable[Counter[str]]]
"""Does a batch and answers what it counted."""


async def over_cases(
    job: RunningJob, selection: Selection, library: Library, step: Step, *, counts: Sequence[str]
) -> Mapping[str, Any]:
    """Do the step for all cases; answers how many there were, and the totals of what was counted."""
    none = dict.fromkeys(counts, 0)
    while True:
        async with job.step() as work:
            cases = await select_cases(work.raw, selection, after=job.cursor or "", limit=BATCH)
            if not cases:
                return {"cases": job.done, **job.progress.get("counts", none)}
            batch = await _locked(work, job, cases, library)
            totals = Counter(job.progress.get("counts", none))
            totals.update(await step(work, batch))
            job.progress["counts"] = dict(totals)
            total = job.progress.get("total") or await count_cases(work.raw, selection)
            done = job.done + len(cases)
            job.advance(done=done, total=max(total, done), cursor=cases[-1][0])


async def _locked(work: UnitOfWork, job: RunningJob, cases: Sequence[tuple[str, str]], library: Library) -> Batch:
    await work.lock({customer for _, customer in cases})
    files = await load_files(work.raw, [case for case, _ in cases])
    books = await library.books(work.raw)
    await library.know(work.raw, files)
    return Batch(job, files, books, tools_for(work, books, files))


def counted(judged: Judged, *, live: bool) -> Counter[str]:
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
