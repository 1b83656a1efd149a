"""A calendar was published: promises that were provisional are derived again by it; nothing else moves."""

from collections.abc import Mapping

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.sla.clock import Clock
from services.crisis.domain.sla.pins import Pin, unpinned

CAUSE = "calendar_published"


def concerns(clock: Clock, calendar: str) -> bool:
    """Whether a new version of the calendar moves this clock: it runs, is provisional by it, and is not yet broken."""
    state = clock.state
    if state is None or state.calendar is None or state.has_breached:
        return False
    return clock.is_live and state.provisional and unpinned(state.calendar)[0] == calendar


def renewed(clock: Clock, calendar: str, version: int) -> Mapping[str, str]:
    """The pins by which the clock's list is read now, each with what stands in its place on that version."""
    pins = {pin: Pin.parse(pin).with_calendar(calendar, version).name for pin in sorted(clock.pins_in_force)}
    return {pin: other for pin, other in pins.items() if other != pin}


def rederive(file: CaseFile, calendar: str, version: int, books: Books, tools: Tools) -> None:
    """Pin the clocks concerned to that version, and tell of each whose due instant moved.

    The clocks have to be loaded with their events, and the promises of the renewed pins have to be known.
    """
    told = []
    for clock in file.clocks:
        pins = renewed(clock, calendar, version) if concerns(clock, calendar) else {}
        if not pins:
            continue
        assert clock.state is not None
        said = {"derived_from": clock.state.due_if_resumed_now, "cause": CAUSE}
        clock.repin(pins, now=tools.now, actor=SYSTEM, cause=CAUSE)
        told += file.put_to([clock], (), tools, actor=SYSTEM, said=said)
    follow_up(file, told, books, tools)
