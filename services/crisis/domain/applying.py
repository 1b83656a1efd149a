"""A new version of a policy for promises that run: activating it changes none, applying it changes them from now on.

A recalculation reads the past by other versions, as if they had always stood; this is a change like one of the tier,
by the same behaviours, recorded at the instant at which it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.domain.clocks import Behaviour, Retarget, UnreachableTarget
from services.crisis.domain.grading import retarget
from services.crisis.domain.recalculating import Difference, Judged, Reading, standing
from services.crisis.domain.sla.changes import ChangeRules
from services.crisis.domain.sla.clock import Clock, fold_clock
from services.crisis.domain.sla.pins import Pin, Promises

CAUSE: Final = "policy_changed"


@dataclass(frozen=True, slots=True)
class Application:
    """The version to apply, by its pin; without a behaviour each clock changes as the policy in force says."""

    id: str
    pin: str
    behaviour: Behaviour | None
    by: str
    reason: str

    def of(self, rules: ChangeRules) -> Behaviour:
        """What happens to a clock whose policy says this of changes."""
        return self.behaviour or rules.on_policy_change


def foresee(clock: Clock, wanted: Application, promises: Promises, now: datetime) -> Judged | None:
    """What the version would make of a clock now; None for one that does not run on another version of the policy.

    Its records, and the promises of both versions, have to be known.
    """
    if not clock.is_live or not _stands_on_another(clock.policy, wanted.pin):
        return None
    if clock.statutory:
        return Judged(left="statutory")
    if clock.target not in promises.policies[wanted.pin].targets:
        return Judged(left="not_promised")
    how = wanted.of(promises.changes(clock.policy))
    if how is Behaviour.KEEP:
        return Judged(left="kept")
    if clock.is_full:
        return Judged(left="full")
    assert clock.state is not None
    tried = replace(clock, records=list(clock.records or ()), unsaved=[])
    tried.record(Retarget(at=now, policy=wanted.pin, behaviour=how), now=now, actor=wanted.by, pin=wanted.pin)
    try:
        results = {result.cycle: result for result in fold_clock(tried, promises, now)}
        before = {clock.state.cycle: standing(clock, promises, now)}
    except UnreachableTarget:
        return Judged(left="unreachable")
    found = [
        Difference(clock.id, number, clock.recorded, before.get(number), Reading.of(result, wanted.pin))
        for number, result in results.items()
        if number >= clock.state.cycle
    ]
    differences = [one for one in found if one.before is None or one.after is None or not one.before.agrees(one.after)]
    return Judged({clock.policy: wanted.pin}, differences, None, results)


def apply(file: CaseFile, wanted: Application, books: Books, tools: Tools) -> list[tuple[Clock, Judged]]:
    """Put the case's running promises of the policy under the version; answers what became of each.

    What starts later in the case starts with it, too. Done again it changes nothing: what stands on it is left alone.
    """
    seen = [
        (clock, judged)
        for clock in file.clocks
        if (judged := foresee(clock, wanted, tools.promises, tools.now)) is not None
    ]
    going = [clock for clock, judged in seen if judged.left is None]
    is_pinned = file.case.is_open and _stands_on_another(file.case.policy, wanted.pin)
    if not going and not is_pinned:
        return seen
    file.next_version()
    if is_pinned:
        file.change(policy=wanted.pin)
    told = retarget(file, wanted.pin, tools, cause=CAUSE, behaviour=wanted.of, actor=wanted.by, clocks=going)
    _note(file, seen, wanted, tools)
    follow_up(file, told, books, tools)
    return seen


def _stands_on_another(pin: str, wanted: str) -> bool:
    mine, other = Pin.parse(pin), Pin.parse(wanted)
    return mine.policy == other.policy and mine.version != other.version


def _note(file: CaseFile, seen: Sequence[tuple[Clock, Judged]], wanted: Application, tools: Tools) -> None:
    pin = Pin.parse(wanted.pin)
    changed = [clock.id for clock, judged in seen if judged.differences]
    file.note(
        tools,
        "sla.policy_applied",
        f"Version {pin.version} of {pin.policy} applied: {len(changed)} of {len(seen)} clocks changed",
        actor=wanted.by,
        data={
            "application": wanted.id,
            "reason": wanted.reason,
            "policy": pin.policy,
            "version": pin.version,
            "behaviour": None if wanted.behaviour is None else wanted.behaviour.value,
            "changed": sorted(changed),
            "left": {clock.id: judged.left for clock, judged in seen if judged.left is not None},
        },
    )
