"""The law beside the contract: the statutory clocks of a regulated matter."""

from services.crisis.domain.books import Books
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.sla.statutes import STATUTORY_TARGETS, Pack
from services.crisis.domain.timeline import instant_text


def start_statutory(file: CaseFile, matter: Matter, books: Books, tools: Tools) -> list[ClockFact]:
    """Start the limits of the matter's regime at its receipt, once; an unknown regime is written down."""
    if matter.regulated is None or file.clocks_of([matter.id], STATUTORY_TARGETS):
        return []
    pack = books.pack_for(matter.regulated, matter.received_at)
    if pack is None:
        file.note(
            tools,
            "statutory.unknown_regime",
            f"No statutory pack in force is named {matter.regulated}: no statutory clock runs",
            data={"matter_id": matter.id, "regulated": matter.regulated},
        )
        return []
    told = file.start(
        [statutory_clock(matter, pack, target, tools) for target in pack.targets], matter.received_at, tools
    )
    file.note(
        tools,
        "statutory.started",
        f"Regulated by {pack.regime}: {', '.join(pack.targets)}",
        at=min(matter.received_at, tools.now),
        data={
            "matter_id": matter.id,
            "regulated": pack.key,
            "pack": pack.pin,
            "due": {clock.target: _due_text(clock) for clock in file.clocks_of([matter.id], pack.targets)},
        },
    )
    return told


def statutory_clock(matter: Matter, pack: Pack, target: str, tools: Tools) -> Clock:
    """A clock of the pack that has not started."""
    return Clock(
        id=tools.new_id(),
        case_id=matter.case_id,
        matter_id=matter.id,
        customer_id=matter.customer_id,
        target=target,
        pin=pack.pin,
        policy=pack.pin,
    )


def _due_text(clock: Clock) -> str | None:
    return None if clock.state is None else instant_text(clock.state.due_if_resumed_now)
