"""Looking at the clocks of a case as they stand now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.crisis.documents.simulation import clock_as_json
from services.crisis.domain.clocks import ClockResult, Stage
from services.crisis.domain.sla.clock import Clock, fold_clock, health_of
from services.crisis.domain.sla.pins import unpinned
from services.crisis.domain.sla.statutes import Obligation, Owed, Pack, obligations
from services.crisis.library import Library, plain_key
from services.crisis.store.load import load_file
from shared.contracts.instants import format_instant
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ClockView:
    """One cycle of a clock. `obligation` is what is owed where the law wants the same thing; None elsewhere."""

    clock: Clock
    result: ClockResult
    obligation: Obligation | None = None
    pack: Pack | None = None

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
            "regime": None if self.pack is None else self.pack.regime,
            "source": None if self.pack is None else self.pack.sources.get(self.clock.target),
            "obligation": None if self.obligation is None else obligation_as_json(self.obligation),
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


async def clocks_of_case(work: UnitOfWork, case_id: str, *, library: Library) -> list[ClockView]:
    """Every cycle of every clock, folded to now. Raises NotFound."""
    file = await load_file(work.raw, case_id)
    if file is None:
        raise NotFound(f"there is no case {case_id}")
    books = await library.books(work.raw)
    await library.know(work.raw, [file])
    folded = [(clock, fold_clock(clock, books.promises, work.now, segments=True)) for clock in file.clocks]
    owed = _by_clock(obligations(_owed(clock, results[-1]) for clock, results in folded if _is_open(results[-1])))
    return [
        ClockView(clock, result, owed.get(clock.id) if result is results[-1] else None, books.packs.get(clock.pin))
        for clock, results in folded
        for result in results
    ]


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
