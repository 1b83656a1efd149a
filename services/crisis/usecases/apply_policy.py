"""Applying the active version of an SLA policy to what runs: a dry run, and the approved run that makes it so."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.crisis.documents.compiling import SLA_POLICY
from services.crisis.domain.applying import Application, apply, foresee
from services.crisis.domain.clocks import Behaviour
from services.crisis.domain.sla.pins import Pin
from services.crisis.library import Library
from services.crisis.store.recalculations import Found, Selection, load_findings, save_findings
from services.crisis.usecases.ask_recalculation import APPLICATION, selection_in, written
from services.crisis.usecases.case_batches import COUNTS, Batch, counted, over_cases
from services.crisis.usecases.session import finish
from shared.db.unit_of_work import UnitOfWork
from shared.documents import store
from shared.errors import Conflict
from shared.jobs.runner import Run
from shared.jobs.store import JobRecord, submit

_DRY_COUNTS: Final = (*COUNTS, "left_kept", "left_full", "changed_cases", "would_go_over")
_APPROVED_COUNTS: Final = (*COUNTS, "left_kept", "left_full", "changed_cases", "applied", "no_change")


class NotInForce(Conflict):
    """Only the active version of a policy can be applied to what runs."""

    slug = "policy-not-in-force"
    zh = "只有已启用的策略版本可以应用于进行中的承诺。"


@dataclass(frozen=True, slots=True)
class WantedApplication:
    """What is asked for; without a behaviour each policy in force says (`on_policy_change`)."""

    key: str
    version: int
    behaviour: Behaviour | None
    selection: Selection
    reason: str


async def ask_application(work: UnitOfWork, wanted: WantedApplication, *, by: str, library: Library) -> JobRecord:
    """Queue a dry run. Raises NotFound for an unknown version, NotInForce for one that is not active."""
    found = await store.pinned(work.raw, SLA_POLICY, wanted.key, wanted.version)
    if found.state != "active":
        raise NotInForce(f"version {wanted.version} of {wanted.key} is {found.state}", state=found.state)
    books = await library.books(work.raw)
    (pin,) = (choice.pin for choice in books.policies if Pin.parse(choice.pin).policy == wanted.key)
    request = {
        "reason": wanted.reason,
        "select": written(wanted.selection),
        "to": {"policies": {wanted.key: wanted.version}, "calendars": {}},
        "pin": pin,
        "behaviour": None if wanted.behaviour is None else wanted.behaviour.value,
    }
    return await submit(work, APPLICATION, request, by=by)


def application_job(library: Library) -> Run:
    """The handler of dry runs: nothing is written but what would change."""

    async def examine(work: UnitOfWork, batch: Batch) -> Counter[str]:
        wanted = await _application(work, batch, library)
        totals: Counter[str] = Counter()
        found: list[Found] = []
        for file in batch.files:
            before = len(found)
            for clock in file.clocks:
                judged = foresee(clock, wanted, batch.tools.promises, batch.tools.now)
                if judged is not None:
                    totals.update(counted(judged, live=True))
                    found += [Found(clock, difference, "would_change") for difference in judged.differences]
            totals["changed_cases"] += len(found) > before
        await save_findings(work.raw, batch.job.id, found)
        return totals

    return lambda job: over_cases(job, selection_in(job.request), library, examine, counts=_DRY_COUNTS)


def approved_application_job(library: Library) -> Run:
    """The handler of approved runs: every selected case as it is now, each once."""

    async def go_over(work: UnitOfWork, batch: Batch) -> Counter[str]:
        wanted = await _application(work, batch, library)
        cases = [file.case.id for file in batch.files]
        approved = await load_findings(work.raw, batch.job.request["dry_run"], cases)
        totals: Counter[str] = Counter()
        found: list[Found] = []
        for file in batch.files:
            before = len(found)
            for clock, judged in apply(file, wanted, batch.books, batch.tools):
                totals.update(counted(judged, live=False))
                totals["applied"] += bool(judged.differences)
                found += [Found(clock, difference, "applied") for difference in judged.differences]
            totals["changed_cases"] += len(found) > before
            done = {one.clock.id for one in found[before:]}
            for clock in file.clocks:
                left = approved.get(clock.id, ()) if clock.id not in done else ()
                totals["no_change"] += bool(left)
                found += [Found(clock, difference, "no_change") for difference in left]
        await save_findings(work.raw, batch.job.id, found)
        await finish(work, batch.files, batch.books)
        return totals

    return lambda job: over_cases(job, selection_in(job.request), library, go_over, counts=_APPROVED_COUNTS)


async def _application(work: UnitOfWork, batch: Batch, library: Library) -> Application:
    request: Mapping[str, Any] = batch.job.request
    await library.know_pins(work.raw, [request["pin"]])
    behaviour = None if request["behaviour"] is None else Behaviour(request["behaviour"])
    return Application(batch.job.id, request["pin"], behaviour, batch.job.requested_by, request["reason"])
