"""Waiting and going on: the clocks stand still for a known reason, as long as its rules allow, or as was approved."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.crisis.domain.actions.order import Refused, WrongField, WrongTime, refuse_interested
from services.crisis.domain.actions.talks import Doing, addressed
from services.crisis.domain.books import NothingApplies
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.clocks import ClockEvent, Pause, Resume
from services.crisis.domain.clocks.instants import from_micros
from services.crisis.domain.grading import situation_of
from services.crisis.domain.pausing import close_ended, end_waits
from services.crisis.domain.sla.clock import Clock, ClockFact
from services.crisis.domain.timeline import instant_text
from services.crisis.domain.waiting import Asked, EndsBecause, Limit, Reason, Wait, WaitRules, limit_of

DEFAULT_WAIT = "waiting_for_customer"
RECORDED_LATE = "wait_recorded_late"
"""Why a due instant moved that no pause leaves unknown: a wait was written down that is over already."""
_LIMITS: dict[EndsBecause, str] = {
    "one_wait": "one wait for it lasts",
    "reason_in_total": "the waits for it last in total",
    "in_total": "all waits last in total",
}


def wait(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """Somebody else has to move: the clocks stand still for this reason until `continue`, `until`, or the limit.

    Again for the same reason it changes until when. Raises WrongField for a reason that is not known, or a wait beyond
    the limit that nobody else approved.
    """
    tools, by = doing.tools, doing.order.by
    clocks = _clocks(file, doing)
    begun = _begin(file, clocks, doing)
    file.put_wait(begun)
    _say(file, doing, "waiting", f"Waiting: {begun.reason} until {instant_text(begun.ends_at)}", _about(begun))
    if begun.ends_at <= tools.now:
        told = _over_already(file, begun, clocks, doing)
        close_ended(file, tools, at=begun.ends_at, by=by)
        return told
    told = _hold(file, begun, clocks, doing)
    _take_over(file, begun, doing)
    close_ended(file, tools, at=doing.at, by=by)
    return told


def go_on(file: CaseFile, doing: Doing) -> list[ClockFact]:
    """The reason to wait is over; without one, every reason is."""
    order, tools = doing.order, doing.tools
    clocks = _clocks(file, doing)
    code = order.fields.get("waiting_for")
    _say(file, doing, "continued", "Going on", {"waiting_for": code})
    said = {"reason": code, "at": doing.at}
    told = file.put_to(clocks, [Resume(at=doing.at, reason=code)], tools, actor=order.by, said=said)
    close_ended(file, tools, at=doing.at, by=order.by)
    return told


def _begin(file: CaseFile, clocks: list[Clock], doing: Doing) -> Wait:
    """The wait that is asked for, once nothing speaks against it; the one that is open where it is the same."""
    order, tools = doing.order, doing.tools
    rules = _rules(file, doing)
    reason = _known(rules, order.fields.get("waiting_for") or DEFAULT_WAIT)
    until: datetime | None = order.fields.get("until")
    _refuse_second(file, reason.code, doing)
    before = file.open_wait(order.matter_id, reason.code)
    if before is not None and until is not None and until <= before.since:
        before = None  # another one, that was over when this began
    since = doing.at if before is None else min(before.since, doing.at)
    asked = Asked(rules, reason.code, since, until)
    limit = limit_of(asked, clocks, file.open_waits(), promises=tools.promises, now=tools.now)
    ends_at, because = _end(file, clocks, asked, limit, doing)
    _check_place(clocks, reason.code, before, ends_at, doing)
    return Wait(
        id=tools.new_id() if before is None else before.id,
        case_id=file.case.id,
        customer_id=file.case.customer_id,
        matter_id=order.matter_id,
        reason=reason.code,
        name=reason.name,
        who=reason.who,
        for_whom=reason.for_whom,
        rules=rules.pin,
        since=since,
        ends_at=ends_at,
        ends_because=because,
        by=order.by,
        approved_by=order.fields.get("approved_by"),
        recorded_at=tools.now,
        limit_at=None if limit is None else limit.at,
    )


def _clocks(file: CaseFile, doing: Doing) -> list[Clock]:
    """Clocks of the matters that are meant, and the case's own if all are; those by law and cancelled ones never wait.

    The reasons belong to the target, not to the cycle: a clock that was stopped may be opened again.
    """
    order = doing.order
    owners: list[str | None] = [matter.id for matter in addressed(file, order)]
    if order.matter_id is None:
        owners.append(None)
    return [clock for clock in file.clocks_of(owners) if clock.can_wait]


def _rules(file: CaseFile, doing: Doing) -> WaitRules:
    try:
        return doing.books.wait_rules_for(situation_of(file.case))
    except NothingApplies:
        raise Refused("no active document of reasons for waiting covers this case") from None


def _known(rules: WaitRules, code: str) -> Reason:
    if code not in rules.reasons:
        there_are = ", ".join(rules.reasons)
        raise WrongField("/waiting_for", "unknown-reason", f"there is no reason {code!r}; there are: {there_are}")
    return rules.reasons[code]


def _refuse_second(file: CaseFile, code: str, doing: Doing) -> None:
    """A case waits for a reason as a whole, or each of its matters for itself: never both."""
    whole = file.open_wait(None, code)
    if doing.order.matter_id is not None and whole is not None:
        since = instant_text(whole.since)
        raise WrongField("/matter_id", "waiting-already", f"the whole case waits for {code} since {since}")


def _take_over(file: CaseFile, begun: Wait, doing: Doing) -> None:
    """The wait of a case goes on for those of its matters for the same reason."""
    for wait in file.open_waits():
        if begun.matter_id is None and wait.matter_id is not None and wait.reason == begun.reason:
            at = max(doing.at, wait.since)
            file.put_wait(replace(wait, ended_at=at, ended_by=doing.order.by, ended_because="taken_over"))


def _end(
    file: CaseFile, clocks: list[Clock], asked: Asked, limit: Limit | None, doing: Doing
) -> tuple[datetime, EndsBecause]:
    """When the wait will end by itself. Beyond the limit somebody else than who asks approves an instant."""
    reason, until, tools = asked.rules.reasons[asked.code], asked.until, doing.tools
    if until is not None and until <= doing.at:
        raise WrongTime("the wait would end before it begins", pointer="/until")
    if doing.order.fields.get("approved_by") is not None:
        _check_approval(file, reason, doing)
        if until is None:
            raise WrongField("/until", "required", "an approved wait says until when")
        return until, "until"
    if limit is None:
        raise WrongField("/until", "required", "no limit is set for this reason: somebody approves until when")
    if until is not None and until <= limit.at:
        return until, "until"
    if until is not None or limit.at <= doing.at:
        raise WrongField("/waiting_for" if until is None else "/until", "wait-limit", _beyond(reason, limit))
    if limit.at <= tools.now:  # over before another began that goes on: the time of that one is not its own
        closed = replace(asked, until=limit.at)
        rest = limit_of(closed, clocks, file.open_waits(), promises=tools.promises, now=tools.now)
        if rest is not None and rest.at < limit.at:
            raise WrongField("/at", "wait-limit", _beyond(reason, rest))
    return limit.at, limit.because


def _check_place(clocks: list[Clock], code: str, before: Wait | None, ends_at: datetime, doing: Doing) -> None:
    """A wait of the past lies where none for the same reason was: that the clocks went on then stands written."""
    for clock in clocks:
        for begin, end in clock.pauses(doing.tools.now).stretches(code):
            if end is not None and from_micros(end) > doing.at and from_micros(begin) < ends_at:
                since, until = instant_text(from_micros(begin)), instant_text(from_micros(end))
                raise WrongTime(f"a wait for {code} is known from {since} to {until}: begin then, or end before it")
    if before is not None and ends_at <= before.since:
        raise WrongTime(f"{code} would have reached its limit before {instant_text(before.since)}: say until when")


def _beyond(reason: Reason, limit: Limit) -> str:
    way = "somebody else approves more: approved_by" if reason.may_exceed else "it may not be exceeded"
    return f"{reason.code}: {_LIMITS[limit.because]} until {instant_text(limit.at)} here; {way}"


def _check_approval(file: CaseFile, reason: Reason, doing: Doing) -> None:
    order = doing.order
    approved_by = order.fields["approved_by"]
    if not reason.may_exceed:
        raise WrongField("/approved_by", "wait-limit", f"the limits of {reason.code} may not be exceeded")
    if approved_by == order.by:
        raise WrongField("/approved_by", "four-eyes", "somebody else than who asks has to approve")
    refuse_interested(approved_by, file.matters.values())


def _hold(file: CaseFile, begun: Wait, clocks: list[Clock], doing: Doing) -> list[ClockFact]:
    """Pause the clocks that do not stand still for this reason at that instant already."""
    resting = [clock for clock in clocks if begun.reason not in clock.reasons(doing.at)]
    said = {"reason": begun.reason, "at": doing.at}
    event = Pause(at=doing.at, reason=begun.reason)
    return file.put_to(resting, [event], doing.tools, actor=doing.order.by, said=said)


def _over_already(file: CaseFile, begun: Wait, clocks: list[Clock], doing: Doing) -> list[ClockFact]:
    """Write down a wait of the past as a whole, so that what it moves is told once."""
    tools, by = doing.tools, doing.order.by
    told: list[ClockFact] = []
    for clock in clocks:
        state = clock.state
        assert state is not None
        events: list[ClockEvent] = [Resume(at=begun.ends_at, reason=begun.reason)]
        if begun.reason not in clock.reasons(doing.at):
            events.insert(0, Pause(at=doing.at, reason=begun.reason))
        said: dict[str, Any] = {"reason": doing.order.reason or RECORDED_LATE, "at": begun.ends_at}
        if clock.is_live:
            said |= {"derived_from": state.due_if_resumed_now, "cause": RECORDED_LATE}
        told += file.put_to([clock], events, tools, actor=by, said=said)
    return told + end_waits(file, [begun], tools, at=begun.ends_at, because=begun.ends_because)


def _say(file: CaseFile, doing: Doing, update: str, summary: str, about: dict[str, Any]) -> None:
    order, tools = doing.order, doing.tools
    file.next_version()
    file.tell_case(
        "updated", tools, at=doing.at, by=order.by, reason=order.reason, update=update, matter_id=order.matter_id
    )
    file.note(
        tools,
        f"case.{update}",
        summary,
        actor=order.by,
        at=doing.at,
        data={"matter_id": order.matter_id, "reason": order.reason, **about},
    )


def _about(begun: Wait) -> dict[str, Any]:
    return {
        "waiting_for": begun.reason,
        "who": begun.who,
        "for_whom": begun.for_whom,
        "until": instant_text(begun.ends_at),
        "until_because": begun.ends_because,
        "approved_by": begun.approved_by,
    }
