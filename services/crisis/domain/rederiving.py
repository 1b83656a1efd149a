"""A calendar was published: statutory limits that were provisional are derived again; nothing else moves."""

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.sla.clock import Clock
from services.crisis.domain.sla.pins import Pin

CAUSE = "calendar_published"


def concerns(clock: Clock, calendar: str) -> bool:
    """Whether a calendar's new version moves this clock: a running limit by law, provisional and not yet broken."""
    state = clock.state
    if state is None or not (clock.is_live and state.statutory and state.provisional) or state.has_breached:
        return False
    return calendar in dict(Pin.parse(clock.pin).calendars)


def rederive(file: CaseFile, calendar: str, version: int, books: Books, tools: Tools) -> None:
    """Pin the clocks concerned to that version, and tell of each whose due instant moved.

    The clocks have to be loaded with their events, and the promises of the renewed pins have to be known.
    """
    told = []
    for clock in file.clocks:
        if not concerns(clock, calendar):
            continue
        assert clock.state is not None
        renewed = Pin.parse(clock.pin).with_calendar(calendar, version).name
        if renewed == clock.pin:
            continue
        clock.repin({clock.pin: renewed}, now=tools.now, actor=SYSTEM, cause=CAUSE)
        said = {"derived_from": clock.state.due_if_resumed_now, "cause": CAUSE}
        told += file.put_to([clock], (), tools, actor=SYSTEM, said=said)
    follow_up(file, told, books, tools)
