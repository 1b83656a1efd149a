"""A calendar was published: what was provisional is derived again by it, the rest changes as its policies say."""

from collections.abc import Iterable, Mapping

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Behaviour
from services.crisis.domain.grading import retarget
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.pins import Pin, Promises, unpinned

CAUSE = "calendar_published"


def concerns(clock: Clock, calendar: str) -> bool:
    """Whether a new version of the calendar moves this clock in any case: it is due by it, provisionally."""
    return rests_on(clock, calendar) and clock.state is not None and clock.state.provisional


def rests_on(clock: Clock, calendar: str) -> bool:
    """Whether this calendar says when the clock, which runs and is not yet broken, is due."""
    found = due_by(clock)
    return found is not None and found[0] == calendar


def due_by(clock: Clock) -> tuple[str, int] | None:
    """The calendar and the version of it that say when the clock, which runs and is not yet broken, is due."""
    state = clock.state
    if state is None or state.calendar is None or state.has_breached or not clock.is_live:
        return None
    return unpinned(state.calendar)


def follows(clock: Clock, promises: Promises) -> tuple[str, int] | None:
    """The calendar whose next version changes this clock, and the version of it by which the clock stands.

    None for one that is certain and whose policy says that it keeps its calendar.
    """
    found = due_by(clock)
    if found is None or concerns(clock, found[0]):
        return found
    if clock.statutory or promises.changes(clock.policy).on_calendar_change is Behaviour.KEEP:
        return None
    version = dict(Pin.parse(clock.policy).calendars).get(found[0])
    return None if version is None else (found[0], version)


def renewed(clock: Clock, calendar: str, version: int) -> Mapping[str, str]:
    """The pins by which the clock's list is read now, each with what stands in its place on that version.

    Those that name a later version, which was published meanwhile, stay.
    """
    pins = {name: Pin.parse(name) for name in sorted(clock.pins_in_force)}
    older = {name: pin for name, pin in pins.items() if dict(pin.calendars).get(calendar, version) < version}
    return {name: pin.with_calendar(calendar, version).name for name, pin in older.items()}


def rederive(file: CaseFile, calendar: str, version: int, books: Books, tools: Tools) -> None:
    """Read the clocks concerned by that version, and tell of each whose due instant moved.

    The clocks have to be loaded with their events, and the promises of the renewed pins have to be known.
    """
    told: list[ClockFact] = []
    certain = [clock for clock in file.clocks if rests_on(clock, calendar) and not concerns(clock, calendar)]
    for clock in file.clocks:
        pins = renewed(clock, calendar, version) if concerns(clock, calendar) else {}
        if not pins:
            continue
        assert clock.state is not None
        said = {"derived_from": clock.state.due_if_resumed_now, "cause": CAUSE}
        clock.repin(pins, now=tools.now, actor=SYSTEM, cause=CAUSE)
        told += file.put_to([clock], (), tools, actor=SYSTEM, said=said)
    follow_up(file, told + _changed(file, certain, calendar, version, tools), books, tools)


def _changed(file: CaseFile, clocks: Iterable[Clock], calendar: str, version: int, tools: Tools) -> list[ClockFact]:
    """What those tell whose due instant was certain: they change as their policies say of a calendar."""
    by_pin: dict[str, list[Clock]] = {}
    for clock in clocks:
        pin = Pin.parse(clock.policy)
        if dict(pin.calendars).get(calendar, version) < version:
            by_pin.setdefault(pin.with_calendar(calendar, version).name, []).append(clock)
    told: list[ClockFact] = []
    for name, same in by_pin.items():
        told += retarget(file, name, tools, cause=CAUSE, behaviour=lambda rules: rules.on_calendar_change, clocks=same)
    return told
