"""Looking at the clocks of a case as they stand now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crisis.documents.simulation import clock_as_json
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import ClockResult, Stage
from services.crisis.domain.clocks.instants import SECOND, from_micros
from services.crisis.domain.clocks.segments import paused_by_reason
from services.crisis.domain.sla.clock import Clock, fold_clock, health_of
from services.crisis.domain.sla.pins import unpinned
from services.crisis.domain.sla.statutes import Obligation, Owed, Pack, obligations
from services.crisis.domain.waiting import Wait
from services.crisis.library import Library, plain_key
from services.crisis.store.load import load_file
from services.crisis.store.queries import waits_of
from shared.contracts.instants import format_instant
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ClockView:
    """One cycle of a clock. `obligation` is what is owed where the law wants the same thing; None elsewhere.

    `held` are the reasons for which it stands still now, each with its beginning and its wait.
    """

    clock: Clock
    result: ClockResult
    obligation: Obligation | None = None
    pack: Pack | None = None
    held: tuple[tuple[str, datetime, Wait | None], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fields of a simulated clock, and whose it is."""
        policy, policy_version = plain_key(self.clock.policy)
        calendar, version = (None, None) if self.result.calendar is None else unpinned(self.result.calendar)
        return {
            "id": self.clock.id,
            "case_id": self.clock.case_id,
            "matter_id": self.clock.matter_id,
            "policy": policy,
            "policy_version": policy_version,
            "calendar": calendar,
            "calendar_version": version,
            "health": health_of(self.result),
            "statutory": self.result.statutory,
            "department": self.result.department,
            "regime": None if self.pack is None else self.pack.regime,
            "source": None if self.pack is None else self.pack.sources.get(self.clock.target),
            "obligation": None if self.obligation is None else obligation_as_json(self.obligation),
            "waiting": [_held_as_json(*one) for one in self.held],
            "paused_by_reason": {
                reason: micros / SECOND for reason, micros in paused_by_reason(self.result.segments).items()
            },
            **clock_as_json(self.result),
        }


def obligation_as_json(owed: Obligation) -> dict[str, Any]:
    """What is due: the stricter of contract and statute, and both."""
    return {
        "matter_id": owed.matter_id,
        "target": owed.target,
        "due_at": format_instant(owed.due_at),
        "stricter": owed.stricter,
        "contract": None if owed.contract is None else _side(owed.contract),
        "statute": _side(owed.statute),
    }


def _side(owed: Owed) -> dict[str, Any]:
    policy, version = plain_key(owed.policy)
    return {
        "clock_id": owed.clock_id,
        "target": owed.target,
        "due_at": format_instant(owed.due_at),
        "policy": policy,
        "policy_version": version,
    }


@dataclass(frozen=True, slots=True)
class ClocksView:
    """Every cycle of every clock of a case, and its waits, those that are over, too."""

    clocks: Sequence[ClockView]
    waits: Sequence[Wait]

    def as_json(self) -> dict[str, Any]:
        items = [view.as_json() for view in self.clocks]
        return {"items": items, "waits": [wait_as_json(wait) for wait in self.waits], "next_page_token": None}


def wait_as_json(wait: Wait) -> dict[str, Any]:
    """A wait as people see it: why, who waits for whom, since when and until when."""
    return {
        "reason": wait.reason,
        "name": dict(wait.name),
        "who": wait.who,
        "for_whom": wait.for_whom,
        "matter_id": wait.matter_id,
        "since": format_instant(wait.since),
        "ends_at": format_instant(wait.ends_at),
        "ends_because": wait.ends_because,
        "by": wait.by,
        "approved_by": wait.approved_by,
        "ended_at": None if wait.ended_at is None else format_instant(wait.ended_at),
        "ended_by": wait.ended_by,
        "ended_because": wait.ended_because,
    }


def _held_as_json(reason: str, since: datetime, wait: Wait | None) -> dict[str, Any]:
    return {
        "reason": reason,
        "name": None if wait is None else dict(wait.name),
        "who": None if wait is None else wait.who,
        "for_whom": None if wait is None else wait.for_whom,
        "since": format_instant(since),
        "ends_at": None if wait is None else format_instant(wait.ends_at),
        "approved_by": None if wait is None else wait.approved_by,
    }


async def clocks_of_case(work: UnitOfWork, case_id: str, *, library: Library) -> ClocksView:
    """Every cycle of every clock, folded to now. Raises NotFound."""
    file = await load_file(work.raw, case_id)
    if file is None:
        raise NotFound(f"there is no case {case_id}")
    books = await library.books(work.raw)
    await library.know(work.raw, [file])
    folded = [(clock, fold_clock(clock, books.promises, work.now, segments=True)) for clock in file.clocks]
    owed = _by_clock(obligations(_owed(clock, results[-1]) for clock, results in folded if _is_open(results[-1])))
    views = []
    for clock, results in folded:
        pack = books.packs.get(clock.pin)
        views += [ClockView(clock, result, pack=pack) for result in results[:-1]]
        held = tuple(_held(file, clock, work.now))
        views.append(ClockView(clock, results[-1], owed.get(clock.id), pack, held))
    return ClocksView(views, await waits_of(work.raw, case_id))


def _held(file: CaseFile, clock: Clock, now: datetime) -> Iterator[tuple[str, datetime, Wait | None]]:
    """Why the clock stands still: each reason, since when, and its wait, of two the one that ends last."""
    if not clock.can_wait:
        return
    pauses = clock.pauses(now)
    for reason in pauses.reasons:
        *_, (begin, _) = pauses.stretches(reason)
        waits = [wait for wait in file.open_waits() if wait.reason == reason and wait.covers(clock)]
        yield reason, from_micros(begin), max(waits, key=lambda wait: wait.ends_at, default=None)


def _is_open(result: ClockResult) -> bool:
    return result.stage in {Stage.IN_PROGRESS, Stage.PAUSED}


def _owed(clock: Clock, result: ClockResult) -> Owed:
    due = result.due_if_resumed_now
    return Owed(clock.id, clock.matter_id, clock.target, clock.policy, due, result.statutory)


def _by_clock(found: Iterable[Obligation]) -> dict[str, Obligation]:
    """Each obligation by the clocks of both its sides."""
    sides: dict[str, Obligation] = {}
    for owed in found:
        sides[owed.statute.clock_id] = owed
        if owed.contract is not None:
            sides[owed.contract.clock_id] = owed
    return sides
