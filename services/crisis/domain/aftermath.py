"""What follows from clocks: entries for people, and a call to the next level when a promise is broken."""

from services.crisis.domain import escalation
from services.crisis.domain.books import Books
from services.crisis.domain.case import SYSTEM
from services.crisis.domain.casefile import CaseFile, EscalationFact, Tools
from services.crisis.domain.escalation import About, Call, Reason, Run
from services.crisis.domain.sla.clock import ClockFact
from services.crisis.domain.timeline import instant_text

_REASONS: dict[str, Reason] = {"breached": "breach", "warned": "warning"}


_RETARGETED: dict[str, str] = {
    "tighten_only": "tightened",
    "retarget_from_start": "promised otherwise from its start",
    "prorate": "promised otherwise by the share that was left",
    "restart_now": "promised otherwise and begun anew",
}


def follow_up(file: CaseFile, facts: list[ClockFact], books: Books, tools: Tools) -> None:
    """Write down what clocks told, and escalate once for all of it; the gravest reason leads."""
    for fact in facts:
        _note(file, fact, tools)
    if not file.case.is_open:
        return
    policy = books.escalations[file.case.escalation_policy]
    for kind in ("breached", "warned"):
        # What was found broken and is done by now calls nobody.
        led = [fact for fact in facts if fact.kind == kind and fact.clock.is_live]
        if not led:
            continue
        fact = led[0]
        silent = kind == "breached" and fact.clock.target == "acknowledge"
        reason: Reason = "not_acknowledged" if silent else _REASONS[kind]
        if reason in policy.raised_by:
            call_next(file, books, tools, reason=reason, about=_about(fact))
            return


def call_next(file: CaseFile, books: Books, tools: Tools, *, reason: Reason, about: About | None = None) -> None:
    """Call the level above the one that was told last."""
    case = file.case
    run = file.run or escalation.begin(tools.new_id(), case.id, case.opened_at)
    called, call = escalation.climb(
        run,
        books.escalations[case.escalation_policy],
        reason=reason,
        at=tools.now,
        delay=books.delay(case.escalation_policy),
        severity=case.severity,
        service_class=case.service_class,
        about=about,
    )
    _take(file, called, call, tools)


def go_on(file: CaseFile, books: Books, tools: Tools) -> None:
    """The instant of a run has come: call again or higher, or let it rest."""
    if file.run is None or not file.case.is_open:
        return
    case = file.case
    overdue = [
        About(clock.id, clock.matter_id, clock.target, clock.state.due_at)
        for clock in file.clocks
        if clock.is_live and clock.state is not None and clock.state.has_breached
    ]
    run, call = escalation.go_on(
        file.run,
        books.escalations[case.escalation_policy],
        at=tools.now,
        delay=books.delay(case.escalation_policy),
        severity=case.severity,
        service_class=case.service_class,
        overdue=overdue,
    )
    _take(file, run, call, tools)


def quiet(file: CaseFile, books: Books, tools: Tools) -> None:
    """Somebody took notice: the escalation for lack of it ends."""
    if file.run is not None:
        delay = books.delay(file.case.escalation_policy)
        file.set_run(escalation.acknowledge(file.run, at=tools.now, delay=delay))


def _take(file: CaseFile, run: Run, call: Call | None, tools: Tools) -> None:
    file.set_run(run)
    if call is None:
        return
    file.tell(EscalationFact(file.case, call))
    file.note(
        tools,
        "escalation.raised",
        f"Level {run.level} called ({call.role}): {run.reason}",
        at=call.at,
        data={
            "escalation_id": run.id,
            "level": run.level,
            "role": call.role,
            "reason": run.reason,
            "step": run.step,
            "repeat": run.repeat,
            "target": run.about.target,
        },
    )


def _note(file: CaseFile, fact: ClockFact, tools: Tools) -> None:
    result = fact.result
    due = instant_text(result.due_at or result.due_if_resumed_now)
    said = _said(fact)
    if said is None:
        return
    detail = fact.detail
    file.note(
        tools,
        f"clock.{fact.kind}",
        f"{fact.clock.target}: {said}, {'was due' if fact.kind == 'breached' else 'due'} {due}",
        at=fact.at,
        actor=SYSTEM,
        data={
            "clock_id": fact.clock.id,
            "matter_id": fact.clock.matter_id,
            "target": fact.clock.target,
            "cycle": result.cycle,
            "due_at": due,
            "threshold": detail.get("threshold"),
            "breach_cause": detail.get("breach_cause"),
            "at_attach": detail.get("at_attach"),
            **({} if fact.kind != "retargeted" else _change_of(fact)),
            "corrects": detail.get("corrects"),
            "thresholds": detail.get("thresholds"),
        },
    )


def _change_of(fact: ClockFact) -> dict[str, str | None]:
    """What is written down of a change of the promise."""
    detail, previous = fact.detail, fact.detail["previous_due_at"]
    return {
        "behaviour": detail["behaviour"],
        "cause": detail["cause"],
        "policy": fact.clock.policy,
        "previous_policy": detail["previous_policy"],
        "previous_due_at": None if previous is None else instant_text(previous),
    }


def _said(fact: ClockFact) -> str | None:
    """What people read of a fact; None for what is not written down."""
    match fact.kind:
        case "warned":
            return _how_near(str(fact.detail.get("threshold")))
        case "breached":
            return "promise broken"
        case "corrected":
            return "what was said no longer holds"
        case "retargeted":
            return f"{_RETARGETED[str(fact.detail['behaviour'])]} ({fact.detail['cause']})"
        case "due_changed":
            return str(fact.detail.get("cause"))
        case _:
            return None


def _about(fact: ClockFact) -> About:
    return About(
        fact.clock.id, fact.clock.matter_id, fact.clock.target, fact.result.due_at or fact.result.due_if_resumed_now
    )


def _how_near(threshold: str) -> str:
    """A warning's threshold is a share of the promise or a time before its end."""
    return f"{threshold} used" if threshold.endswith("%") else f"{threshold} left"
