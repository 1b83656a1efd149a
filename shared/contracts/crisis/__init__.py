"""What crisis publishes (`moat.crisis.v1`): cases, matters, clocks, escalations, and the work on a case."""

from shared.contracts.base import Payload
from shared.contracts.crisis.cases import (
    CaseAcknowledged,
    CaseClosed,
    CaseDismissed,
    CaseMerged,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseSeverityChanged,
    CaseStageChanged,
    CaseUpdated,
    Change,
    Trigger,
)
from shared.contracts.crisis.clocks import (
    ClockBreached,
    ClockCancelled,
    ClockCorrected,
    ClockDueChanged,
    ClockExtended,
    ClockMet,
    ClockPaused,
    ClockResumed,
    ClockRetargeted,
    ClockStarted,
    ClockWarned,
)
from shared.contracts.crisis.matters import EscalationRaised, MatterOpened, MatterResolved, RuleTripped
from shared.contracts.crisis.work import (
    FollowupDue,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
    RetrospectiveCompleted,
    RetrospectiveDue,
    SurveyRequested,
    TaskAssigned,
    TaskDone,
    TaskOverdue,
)
from shared.contracts.registry import EventType, Status

TOPIC = "moat.crisis.v1"


def _event(
    name: str,
    model: type[Payload],
    when: str,
    *,
    to: str = "notify",
    status: Status = "frozen",
    subject: str = "the customer id",
) -> EventType:
    return EventType(
        type=f"crisis.{name}.v1",
        model=model,
        topic=TOPIC,
        producer="crisis",
        consumers=tuple(to.split()),
        when=when,
        status=status,
        subject=subject,
    )


def _draft(name: str, model: type[Payload], when: str, *, to: str = "notify") -> EventType:
    return _event(name, model, when, to=to, status="draft")


EVENTS = (
    _event("case.opened", CaseOpened, "A trigger or a person opened a case for a customer who had none open."),
    _event("case.updated", CaseUpdated, "People worked on a case, or another event joined it."),
    _event("case.severity_changed", CaseSeverityChanged, "The severity rose by itself or was set by a person."),
    _event("case.stage_changed", CaseStageChanged, "A case moved on in the loop."),
    _event("case.acknowledged", CaseAcknowledged, "Somebody took notice, by link, chat or API."),
    _event("case.resolved", CaseResolved, "The last open matter was resolved."),
    _event("case.closed", CaseClosed, "A case was closed."),
    _event("case.reopened", CaseReopened, "A resolved or closed case is open again."),
    _event("case.merged", CaseMerged, "Two customers became one, and a person made one case of their two."),
    _event("case.dismissed", CaseDismissed, "A case turned out to be none."),
    _event("clock.started", ClockStarted, "A promise began to run."),
    _event("clock.paused", ClockPaused, "A clock stands still."),
    _event("clock.resumed", ClockResumed, "A clock runs on."),
    _event("clock.retargeted", ClockRetargeted, "The promise changed while the clock ran."),
    _event("clock.extended", ClockExtended, "A statutory clock was extended."),
    _event("clock.due_changed", ClockDueChanged, "A due instant moved without a change of the promise."),
    _event("clock.warned", ClockWarned, "A warning threshold was passed."),
    _event("clock.breached", ClockBreached, "A promise was broken."),
    _event("clock.met", ClockMet, "What was promised was done."),
    _event("clock.cancelled", ClockCancelled, "A promise no longer applies."),
    _event(
        "clock.corrected", ClockCorrected, "An event recorded late, or a recalculation, changed what had been said."
    ),
    _event("matter.opened", MatterOpened, "A complaint, tier drop or mention became a matter of the customer's case."),
    _event("matter.resolved", MatterResolved, "A matter was resolved or withdrawn."),
    _event(
        "escalation.raised",
        EscalationRaised,
        "Nobody acknowledged in time, a clock warned or was breached: the next level is called.",
    ),
    _event(
        "rule.tripped",
        RuleTripped,
        "A rule opened too many cases; the rest wait as candidates.",
        subject="`rule:<key>`",
    ),
    _draft("task.assigned", TaskAssigned, "A task was given out."),
    _draft("task.overdue", TaskOverdue, "A task was not done in time."),
    _draft("task.done", TaskDone, "A task was done."),
    _draft("promise.made", PromiseMade, "Something was promised to the customer."),
    _draft("promise.broken", PromiseBroken, "A promise was not kept."),
    _draft("promise.kept", PromiseKept, "A promise was kept."),
    _draft("followup.due", FollowupDue, "A follow-up is due."),
    _draft("survey.requested", SurveyRequested, "The customer is to be asked."),
    _draft("retrospective.due", RetrospectiveDue, "A retrospective is due."),
    _draft("retrospective.completed", RetrospectiveCompleted, "A retrospective was held."),
)

__all__ = [
    "EVENTS",
    "CaseAcknowledged",
    "CaseClosed",
    "CaseDismissed",
    "CaseMerged",
    "CaseOpened",
    "CaseReopened",
    "CaseResolved",
    "CaseSeverityChanged",
    "CaseStageChanged",
    "CaseUpdated",
    "Change",
    "ClockBreached",
    "ClockCancelled",
    "ClockCorrected",
    "ClockDueChanged",
    "ClockExtended",
    "ClockMet",
    "ClockPaused",
    "ClockResumed",
    "ClockRetargeted",
    "ClockStarted",
    "ClockWarned",
    "EscalationRaised",
    "FollowupDue",
    "MatterOpened",
    "MatterResolved",
    "PromiseBroken",
    "PromiseKept",
    "PromiseMade",
    "RetrospectiveCompleted",
    "RetrospectiveDue",
    "RuleTripped",
    "SurveyRequested",
    "TaskAssigned",
    "TaskDone",
    "TaskOverdue",
    "Trigger",
]
