"""What may be done with a case, when, and where it leads: one ordered table.

    warning → assessment → intervention → repair → retrospective → closed
    预警    → 评估       → 干预         → 修复   → 复盘          → 关闭

and `dismissed`, `merged`. The first row of an action that holds the case's stage decides; guards are asked in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.crisis.domain.case import Case, Matter, Stage

Guard = Callable[[Case, Sequence[Matter]], str | None]
"""Answers what is missing, or None."""


def assessed(case: Case, _: Sequence[Matter]) -> str | None:
    """Nobody intervenes before cause, impact and what the customer wants are written down."""
    wanted = ("cause", "impact", "customer_wants")
    missing = [name for name in wanted if not (case.assessment or {}).get(name)]
    return f"the assessment lacks {', '.join(missing)}" if missing else None


def nothing_open(_: Case, matters: Sequence[Matter]) -> str | None:
    """Every matter has been resolved."""
    still = [matter.id for matter in matters if matter.is_open]
    return f"{len(still)} matter(s) are still open: {', '.join(still[:5])}" if still else None


@dataclass(frozen=True, slots=True)
class Transition:
    """A row: the action, the stages in which it may be done, the stage that follows (None: the same), its guards."""

    action: str
    stages: frozenset[Stage]
    to: Stage | None = None
    guards: tuple[Guard, ...] = ()


def _row(action: str, stages: str, to: Stage | None = None, *guards: Guard) -> Transition:
    return Transition(action, frozenset(stages.split()), to, guards)  # type: ignore[arg-type] # spelled as Stage is


_OPEN = "warning assessment intervention repair retrospective"
_WORKED_ON = "warning assessment intervention"

TRANSITIONS: tuple[Transition, ...] = (
    _row("acknowledge", _OPEN),
    _row("assign", _OPEN),
    _row("change-severity", _OPEN),
    _row("respond", _OPEN),
    _row("update", _OPEN),
    _row("customer-wrote", _OPEN),
    _row("start-clock", _OPEN),
    _row("stop-clock", _OPEN),
    _row("final-answer", _OPEN),
    _row("extend", _OPEN),
    _row("wait", _OPEN),
    _row("continue", _OPEN),
    _row("start-task", _OPEN),
    _row("finish-task", _OPEN),
    _row("cancel-task", _OPEN),
    _row("assess", "warning assessment", "assessment"),
    _row("assess", "intervention"),
    _row("start-intervention", "assessment", "intervention", assessed),
    _row("propose-resolution", _WORKED_ON),
    _row("resolve", _WORKED_ON),
    _row("start-repair", _WORKED_ON, "repair", nothing_open),
    _row("close", _OPEN, "closed", nothing_open),
    _row("dismiss", "warning assessment", "dismissed"),
    _row("reopen", "closed repair retrospective", "assessment"),
    _row("reopen", "warning assessment intervention"),
)
ACTIONS: tuple[str, ...] = tuple(dict.fromkeys(row.action for row in TRANSITIONS))


def find(action: str, case: Case) -> Transition | None:
    """The row that holds for this action and the case's stage; None where the action may not be done now."""
    return next((row for row in TRANSITIONS if row.action == action and case.stage in row.stages), None)


def missing_for(transition: Transition, case: Case, matters: Sequence[Matter]) -> str | None:
    """The first thing that a guard of the row misses."""
    return next((lack for guard in transition.guards if (lack := guard(case, matters))), None)


STOPS: dict[str, tuple[str, ...]] = {
    "acknowledge": ("acknowledge", "statutory_acknowledge"),
    "respond": ("first_response", "next_response", "statutory_response"),
    "update": ("update_cadence", "statutory_update", "extension_notice"),
    "propose-resolution": ("initial_resolution",),
    "resolve": ("resolution",),
    "final-answer": ("final_answer",),
}
"""Which targets an action fulfils; nothing else is stopped by it."""
