"""Looking at the clocks of a case as they stand now."""

from dataclasses import dataclass
from typing import Any

from services.crisis.documents.simulation import clock_as_json
from services.crisis.domain.clocks import ClockResult
from services.crisis.domain.sla.clock import Clock, fold_clock, health_of
from services.crisis.domain.sla.pins import unpinned
from services.crisis.library import Library, plain_key
from services.crisis.store.load import load_file
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ClockView:
    """One cycle of a clock."""

    clock: Clock
    result: ClockResult

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
            **clock_as_json(self.result),
        }


async def clocks_of_case(work: UnitOfWork, case_id: str, *, library: Library) -> list[ClockView]:
    """Every cycle of every clock, folded to now. Raises NotFound."""
    file = await load_file(work.raw, case_id)
    if file is None:
        raise NotFound(f"there is no case {case_id}")
    books = await library.books(work.raw)
    await library.know(work.raw, [file])
    return [
        ClockView(clock, result)
        for clock in file.clocks
        for result in fold_clock(clock, books.promises, work.now, segments=True)
    ]
