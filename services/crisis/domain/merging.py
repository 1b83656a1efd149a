"""Merging: one case goes up in another of the same customer.

The earliest start wins, and the strictest promise; pauses of the case that goes do not count in the one that stays.
Nothing is deleted: an earlier start, and the end of a pause at the instant at which it began, are recorded late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from services.crisis.domain import escalation
from services.crisis.domain.actions.order import Order, refuse_interested
from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, MatterFact, Tools
from services.crisis.domain.clocks import Behaviour, ClockEvent, Pause, Resume, Retarget, Start
from services.crisis.domain.ending import cancel_everything
from services.crisis.domain.escalation import Run
from services.crisis.domain.grading import MERGED, change_class, raise_severity, retarget, take_severity
from services.crisis.domain.pausing import end_waits
from services.crisis.domain.service_class import is_better
from services.crisis.domain.severity import gravest, heavier
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.starting import work_again

_REASON: Final = "case_merged"


def merge(source: CaseFile, target: CaseFile, order: Order, *, books: Books, tools: Tools) -> None:
    """Let `target` go on for both. The two are open, of one customer, and loaded with all their clocks' events.

    Raises ConflictOfInterest for an owner who is complained about; the files are then no longer of use.
    """
    owner = target.case.owner or source.case.owner
    refuse_interested(owner, [*source.matters.values(), *target.matters.values()])
    ended = end_waits(source, source.open_waits(), tools, at=tools.now, because=_REASON, by=order.by)
    called = source.run if source.open_matters() else None
    twins = {m.id: twin for m in source.matters.values() if (twin := _twin_of(m, target)) is not None}
    moving = [matter for matter in source.matters.values() if matter.id not in twins]
    told = _rise_to(source, target, books, tools, order)
    because = f"{source.case.number} was merged into the case"
    if target.case.resolved_at is not None and source.open_matters():
        told += work_again(target, tools, action="merge", because=because)
    own = [(clock, _same(clock, target.clocks_of([None]))) for clock in source.clocks_of([None])]
    for matter_id, twin in twins.items():
        _learn(target, twin, source.matters[matter_id])
        own += [(clock, _same(clock, target.clocks_of([twin.id]))) for clock in source.clocks_of([matter_id])]
    for clock, kept in own:
        told += _join(clock, kept, target, tools, order)
    moved = [clock for matter in moving for clock in source.hand_over(matter, target)]
    told += _forget_pauses(moved, target, tools, order)
    told += retarget(target, target.case.policy, tools, cause=MERGED, behaviour=_tighten, actor=order.by, clocks=moved)
    ended += _end(source, target, [source.matters[id_] for id_ in twins], moving, tools, order)
    _go_on_calling(called, target, books, tools)
    _take_over(source, target, moving, tools, order)
    told += raise_severity(target, books, tools, because=because)
    follow_up(source, ended, books, tools)
    follow_up(target, told, books, tools)


def _twin_of(matter: Matter, target: CaseFile) -> Matter | None:
    """The open matter of the target about the same thing. What the law regulates keeps a matter of its own."""
    twin = target.matter_about(matter.dedup)
    are_plain = matter.is_open and matter.regulated is None
    return twin if are_plain and twin is not None and twin.is_open and twin.regulated is None else None


def _learn(target: CaseFile, twin: Matter, other: Matter) -> None:
    """What both cases were about began when the first of them heard of it, and is as grave as the graver says."""
    target.put(
        replace(
            twin,
            received_at=min(twin.received_at, other.received_at),
            impact=heavier(twin.impact, other.impact),
            is_public=twin.is_public or other.is_public,
        )
    )


def _rise_to(source: CaseFile, target: CaseFile, books: Books, tools: Tools, order: Order) -> list[ClockFact]:
    """The better class and the graver severity of the two hold for both, with what they promise."""
    told: list[ClockFact] = []
    target.next_version()
    if is_better(source.case.service_class, target.case.service_class):
        told += change_class(target, books, tools, source.case.service_class, cause=MERGED)
    before = target.case.severity
    target.change(
        severity=gravest(source.case.severity, before),
        computed_severity=gravest(source.case.computed_severity, target.case.computed_severity),
    )
    if target.case.severity != before:
        target.tell_case(
            "severity_changed",
            tools,
            by=order.by,
            reason=order.reason,
            previous_severity=before,
            matrix_version=None,
        )
        told += take_severity(target, books, tools, before, actor=order.by)
    return told


def _same(clock: Clock, among: Iterable[Clock]) -> Clock | None:
    """The running clock of the same target."""
    return next((one for one in among if one.target == clock.target and one.is_live), None)


def _join(clock: Clock, kept: Clock | None, target: CaseFile, tools: Tools, order: Order) -> list[ClockFact]:
    """What runs in both goes on once, from the earlier start and under the stricter of both promises."""
    if kept is None or kept.statutory or not clock.is_live:
        return []
    assert clock.state is not None
    assert kept.state is not None
    said: dict[str, Any] = {"cause": MERGED, "derived_from": kept.state.due_if_resumed_now}
    told: list[ClockFact] = []
    if kept.state.cycle == clock.state.cycle == 1 and clock.state.started_at < kept.state.started_at:
        earlier = Start(at=clock.state.started_at)
        told += target.put_to([kept], [earlier], tools, actor=order.by, said=said, pin=kept.pin)
    if clock.policy not in {kept.policy, kept.pin}:
        event = Retarget(at=tools.now, policy=clock.policy, behaviour=Behaviour.TIGHTEN_ONLY)
        said = {"cause": MERGED, "behaviour": event.behaviour.value, "previous_policy": kept.policy}
        if kept.target in tools.promises.policies[clock.policy].targets:
            told += target.put_to([kept], [event], tools, actor=order.by, said=said, pin=clock.policy)
    return told


def _forget_pauses(clocks: Sequence[Clock], target: CaseFile, tools: Tools, order: Order) -> list[ClockFact]:
    """Each pause of a clock that moved ends where it began."""
    told: list[ClockFact] = []
    for clock in clocks:
        ends: list[ClockEvent] = [
            Resume(at=record.event.at, reason=record.event.reason)
            for record in clock.records or ()
            if isinstance(record.event, Pause)
        ]
        if ends and clock.is_live and not clock.statutory:
            assert clock.state is not None
            said = {"cause": MERGED, "derived_from": clock.state.due_if_resumed_now, "reason": None}
            told += target.put_to([clock], ends, tools, actor=order.by, said=said)
    return told


def _end(
    source: CaseFile, target: CaseFile, twins: Sequence[Matter], moving: Sequence[Matter], tools: Tools, order: Order
) -> list[ClockFact]:
    """The case is over: what did not move is cancelled, nobody is called any more, and it says where it went."""
    for matter in twins:
        ended = source.put(replace(matter, status="dismissed", resolved_at=tools.now, resolution="merged"))
        source.tell(MatterFact("resolved", source.case, ended, tools.now, by=order.by, reason=_REASON))
    source.next_version(stage="merged", status="merged", closed_at=tools.now, merged_into=target.case.id)
    source.end_run()
    told = cancel_everything(source, tools, at=tools.now, by=order.by, reason=_REASON)
    into = {
        "into_case_id": target.case.id,
        "into_number": target.case.number,
        "into_customer_id": target.case.customer_id,
        "matter_ids": [matter.id for matter in moving],
    }
    source.tell_case("merged", tools, by=order.by, reason=order.reason, **into)
    source.note(
        tools,
        "case.merged",
        f"Merged into {target.case.number}",
        actor=order.by,
        data={**into, "joined_matter_ids": [matter.id for matter in twins], "reason": order.reason},
    )
    return told


def _go_on_calling(called: Run | None, target: CaseFile, books: Books, tools: Tools) -> None:
    """Whom nobody heard in the case that went, or who took notice while things stayed broken, is not forgotten."""
    if called is None or called.state == "ended":
        return
    policy = books.escalations[target.case.escalation_policy]
    run = escalation.take_over(target.run, called, policy, run_id=tools.new_id(), case_id=target.case.id)
    target.set_run(run)


def _take_over(source: CaseFile, target: CaseFile, moving: Sequence[Matter], tools: Tools, order: Order) -> None:
    """The case that goes on: what it did not know itself it takes from the other."""
    mine, other = target.case, source.case
    target.change(
        impact=heavier(mine.impact, other.impact),
        is_public=mine.is_public or other.is_public,
        responsibility=mine.responsibility or other.responsibility,
        assessment=mine.assessment or other.assessment,
        owner=mine.owner or other.owner,
    )
    target.tell_case(
        "updated",
        tools,
        by=order.by,
        reason=order.reason,
        update="linked",
        changes=[("merged_case", None, other.number)],
    )
    target.note(
        tools,
        "case.took_over",
        f"Goes on for {other.number}, which was merged into it: {len(moving)} matter(s) more",
        actor=order.by,
        data={
            "case_id": other.id,
            "number": other.number,
            "matter_ids": [matter.id for matter in moving],
            "escalation": None if target.run is None else {"level": target.run.level, "state": target.run.state},
            "reason": order.reason,
        },
    )


def _tighten(_: object) -> Behaviour:
    return Behaviour.TIGHTEN_ONLY
