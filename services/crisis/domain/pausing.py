"""How waits end: at the instant they were given, when the customer answers, with the case, or when somebody goes on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Resume
from services.crisis.domain.rules import Trigger
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.timeline import instant_text
from services.crisis.domain.waiting import EndsOn, Wait

_WHY = {
    "until": "it was to last until then",
    "one_wait": "a wait lasts no longer for this reason",
    "reason_in_total": "no more may be waited for this reason",
    "in_total": "no more may be waited in all",
    "customer_answered": "the customer was in touch",
    "case_closed": "the case was closed",
    "case_dismissed": "the case was dismissed",
    "case_merged": "the case went up in another",
}


def end_waits(
    file: CaseFile,
    waits: Sequence[Wait],
    tools: Tools,
    *,
    at: datetime,
    because: str,
    by: str = SYSTEM,
    trigger: Trigger | None = None,
) -> list[ClockFact]:
    """End open waits at `at`, none before it began: their clocks go on, unless another wait holds them too."""
    told: list[ClockFact] = []
    for wait in waits:
        ended_at = min(max(at, wait.since), tools.now)
        clocks = _held_by(file, wait, tools.now)
        file.put_wait(replace(wait, ended_at=ended_at, ended_by=by, ended_because=because))
        said = {"reason": wait.reason, "at": ended_at}
        told += file.put_to(clocks, [Resume(at=ended_at, reason=wait.reason)], tools, actor=by, said=said)
        file.note(
            tools,
            "case.continued",
            f"Going on: {wait.reason} is over, {_WHY[because]}",
            actor=by,
            at=ended_at,
            data=_ending(wait, because, trigger),
        )
    return told


def end_at_limit(file: CaseFile, wait: Wait, tools: Tools) -> list[ClockFact]:
    """The instant has come at which a wait ends by itself; it ends then, however late this is noticed."""
    _say_continued(file, tools, at=wait.ends_at, matter_id=wait.matter_id)
    return end_waits(file, [wait], tools, at=wait.ends_at, because=wait.ends_because)


def customer_answered(file: CaseFile, trigger: Trigger, books: Books, tools: Tools) -> list[ClockFact]:
    """End the waits that end on such an event, at the instant at which it happened; one from before a wait ends it not.

    The clocks of the file have to be loaded with their events where a wait is open.
    """
    at = min(trigger.at, tools.now)
    over = [
        wait
        for wait in file.open_waits()
        if wait.since <= at and _ends_on(books.wait_rules[wait.rules].reasons[wait.reason].ends_on, trigger)
    ]
    if not over:
        return []
    _say_continued(file, tools, at=at, matter_id=None)
    return end_waits(file, over, tools, at=at, because="customer_answered", trigger=trigger)


def close_ended(file: CaseFile, tools: Tools, *, at: datetime, by: str) -> None:
    """Close waits whose reason holds no clock any more: somebody went on, perhaps at an instant in the past."""
    for wait in file.open_waits():
        if not any(wait.covers(clock) and wait.reason in clock.reasons(tools.now) for clock in _waiting(file)):
            ended_at = min(max(at, wait.since), tools.now)
            file.put_wait(replace(wait, ended_at=ended_at, ended_by=by, ended_because="continued"))


def _held_by(file: CaseFile, wait: Wait, now: datetime) -> list[Clock]:
    """The clocks that stand still for this wait's reason; of one that is written down late, not for the next of it."""
    others = [one for one in file.open_waits() if one.id != wait.id and one.reason == wait.reason]
    return [
        clock
        for clock in _waiting(file)
        if wait.covers(clock) and wait.reason in clock.reasons(now) and not any(one.covers(clock) for one in others)
    ]


def _waiting(file: CaseFile) -> list[Clock]:
    return [clock for clock in file.clocks if clock.can_wait]


def _say_continued(file: CaseFile, tools: Tools, *, at: datetime, matter_id: str | None) -> None:
    file.next_version()
    file.tell_case("updated", tools, at=at, update="continued", matter_id=matter_id)


def _ends_on(events: Sequence[EndsOn], trigger: Trigger) -> bool:
    return any(event.is_met_by(trigger.type, trigger.fields) for event in events)


def _ending(wait: Wait, because: str, trigger: Trigger | None) -> dict[str, Any]:
    return {
        "waiting_for": wait.reason,
        "matter_id": wait.matter_id,
        "since": instant_text(wait.since),
        "because": because,
        "event_id": None if trigger is None else trigger.event_id,
        "event_type": None if trigger is None else trigger.type,
    }
