"""Explaining the clocks of a case: loaded in a transaction, folded and put into words outside of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import ClockResult, OpenTime
from services.crisis.domain.sla.clock import Clock, fold_clock
from services.crisis.domain.sla.pins import Promises
from services.crisis.domain.sla.statutes import Pack
from services.crisis.explain import About, Explained, Explanation, explain_clock
from services.crisis.library import Library
from services.crisis.store.load import load_file
from services.crisis.store.queries import waits_of
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.worktime import Calendar


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clocks of the case; None asks for all. A matter's clocks are found by `matter_id`."""

    target: str | None = None
    clock_id: str | None = None
    matter_id: str | None = None

    def __contains__(self, clock: Clock) -> bool:
        return (
            self.target in {None, clock.target}
            and self.clock_id in {None, clock.id}
            and self.matter_id in {None, clock.matter_id}
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the explanation needs, read at one instant; nothing more is asked of the database."""

    file: CaseFile
    promises: Promises
    packs: Mapping[str, Pack]
    at: datetime
    names: Mapping[str, Mapping[str, str]]
    """What the reasons for which the case has waited are called."""


async def load_for_explanation(work: UnitOfWork, case_id: str, *, library: Library) -> Loaded:
    """The case with all clocks and their recorded events, in a fixed number of statements. Raises NotFound."""
    file = await load_file(work.raw, case_id)
    if file is None:
        raise NotFound(f"there is no case {case_id}")
    books = await library.books(work.raw)
    await library.know(work.raw, [file])
    names = {wait.reason: wait.name for wait in await waits_of(work.raw, case_id)}
    return Loaded(file, books.promises, books.packs, work.now, names)


def explain_case(loaded: Loaded, wanted: Wanted, zone: ZoneInfo) -> Explanation:
    """The wanted clocks of the case, every cycle folded to the instant at which it was loaded."""
    case = loaded.file.case
    clocks = [clock for clock in loaded.file.clocks if clock in wanted]
    return Explanation(
        case_id=case.id,
        number=case.number,
        at=loaded.at,
        zone=zone,
        clocks=tuple(cycle for clock in clocks for cycle in _explained(clock, loaded)),
    )


def _explained(clock: Clock, loaded: Loaded) -> list[Explained]:
    results = fold_clock(clock, loaded.promises, loaded.at, segments=True, lines=True)
    calendars = _calendars(results, loaded.promises.calendars)
    pack = loaded.packs.get(clock.pin)
    about = About(
        clock_id=clock.id,
        case_id=clock.case_id,
        matter_id=clock.matter_id,
        policy=clock.policy,
        zones={name: calendar.zone.key for name, calendar in calendars.items()},
        records=tuple(clock.records or ()),
        regime=None if pack is None else pack.regime,
        source=None if pack is None else pack.sources.get(clock.target),
        names=loaded.names,
        worked={name: calendar.version.make_up_days for name, calendar in calendars.items()},
    )
    return explain_clock(results, at=loaded.at, calendars=loaded.promises.calendars, about=about)


def _calendars(results: tuple[ClockResult, ...], calendars: Mapping[str, OpenTime]) -> dict[str, Calendar]:
    """The calendars that lines name."""
    named = {line.target.calendar for result in results for line in result.lines if line.target.calendar is not None}
    found = ((name, calendars[name]) for name in named)
    return {name: calendar for name, calendar in found if isinstance(calendar, Calendar)}
