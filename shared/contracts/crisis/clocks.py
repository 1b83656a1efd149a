"""Clocks: what was promised, by when, and how it went. Their meaning is the pure fold over clock events."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.base import AboutCustomer, example
from shared.contracts.fields import Code, Id, Instant, Line, Seconds, ServiceClass, Severity, Text, Version

BreachCause = Literal["due", "retarget", "reopen"]


class ClockEvent(AboutCustomer):
    """One clock as it stands after what happened: cycle `cycle` of one target, of a matter or of the whole case."""

    clock_id: Id = Field(description="The clock.")
    case_id: Id = Field(description="The case.")
    number: Code = Field(description="The case's number, for people.")
    matter_id: Id | None = Field(description="The matter; null for a clock of the case.")
    customer_id: Id = Field(description="The customer.")
    customer_name: Line | None = Field(description="Name of the organisation.")
    title: Line = Field(description="Title of the case.")
    type: Code = Field(description="Kind of crisis.")
    severity: Severity = Field(description="Severity of the case.")
    service_class: ServiceClass = Field(description="The class that is served.")
    owner: Id | None = Field(description="Directory id of the case's owner.")
    account_manager: Id | None = Field(description="Directory id of the account manager.")
    target: Code = Field(description="What was promised, e.g. acknowledge, first_response, initial_resolution.")
    cycle: Version = Field(description="Counts from 1; a reopen or restart begins the next.")
    policy: Code = Field(description="Key of the policy.")
    policy_version: Version = Field(description="Its version, pinned at the start.")
    calendar: Code | None = Field(
        description="Key of the calendar of the line that gives the due instant; null for elapsed."
    )
    calendar_version: Version | None = Field(description="Its version, pinned at the start.")
    statutory: bool = Field(description="Given by law: no pause and no change of tier touches it.")
    started_at: Instant = Field(description="When this cycle began.")
    due_at: Instant | None = Field(description="By when; null while a pause leaves it unknown.")
    provisional: bool = Field(description="The calendar is not yet published up to the due instant.")
    has_breached: bool = Field(description="Whether this cycle's promise was broken.")
    at: Instant = Field(description="When this took effect.")
    fired_at: Instant = Field(description="When the engine recorded it: later than `at` only when it was late.")
    version: Version = Field(description="Version of the case.")
    drill: bool = Field(False, description="A drill: excluded from every figure.")
    department: Code | None = Field(None, description="Department that owes it; null where the policy names none.")


_CLOCK: dict[str, Any] = {
    "clock_id": "0195f3a0-7c00-7000-8000-0000000000e1",
    "case_id": "0195f3a0-7c00-7000-8000-0000000000c1",
    "number": "CR-2026-000117",
    "matter_id": "0195f3a0-7c00-7000-8000-0000000000d1",
    "customer_id": "C-10001",
    "customer_name": "Example Pumps Co., Ltd.",
    "title": "Third late delivery in a row",
    "type": "complaint",
    "severity": "S2",
    "service_class": "key",
    "owner": None,
    "account_manager": "E-1042",
    "target": "initial_resolution",
    "cycle": 1,
    "policy": "key-customer",
    "policy_version": 1,
    "calendar": None,
    "calendar_version": None,
    "statutory": False,
    "started_at": "2026-03-05T08:00:00Z",
    "due_at": "2026-03-06T08:00:00Z",
    "provisional": False,
    "has_breached": False,
    "at": "2026-03-05T08:00:00Z",
    "fired_at": "2026-03-05T08:00:00Z",
    "version": 1,
    "drill": False,
    "department": "service",
}


def _at(instant: str, **changed: Any) -> dict[str, Any]:
    return _CLOCK | {"at": instant, "fired_at": instant} | changed


class ClockStarted(ClockEvent):
    """A clock began to run."""

    model_config = example(**_CLOCK)


class ClockPaused(ClockEvent):
    """A clock stands still for a reason, usually because the customer is to move."""

    model_config = example(
        **_at("2026-03-05T10:00:00Z", due_at=None, version=3), reasons=["waiting_for_customer"], by="E-1042"
    )

    reasons: list[Code] = Field(description="Every reason that holds it now.")
    by: Id | None = Field(description="Who paused it; null for the system.")


class ClockResumed(ClockEvent):
    """A paused clock runs on."""

    model_config = example(
        **_at("2026-03-05T12:00:00Z", due_at="2026-03-06T10:00:00Z", version=4),
        reason="waiting_for_customer",
        by=None,
        paused_seconds=7200,
    )

    reason: Code | None = Field(description="The last reason that ended; null when all were ended at once.")
    by: Id | None = Field(description="Who resumed it; null for the system.")
    paused_seconds: Seconds = Field(description="How long this cycle has stood still in all.")


class ClockRetargeted(ClockEvent):
    """Tier, severity or policy changed while the clock ran."""

    model_config = example(
        **_at(
            "2026-03-05T09:00:00Z",
            service_class="strategic",
            policy="strategic-customer",
            due_at="2026-03-05T20:00:00Z",
            version=5,
        ),
        behaviour="tighten_only",
        cause="tier_raised",
        previous_due_at="2026-03-06T08:00:00Z",
        previous_policy="key-customer",
        previous_policy_version=1,
    )

    behaviour: Code = Field(description="keep, retarget_from_start, restart_now, prorate or tighten_only.")
    cause: Code = Field(description="What changed, e.g. tier_raised, late_tier, severity_raised, policy_changed.")
    previous_due_at: Instant | None = Field(description="Due instant before; null if it was not known.")
    previous_policy: Code = Field(description="Key of the policy before.")
    previous_policy_version: Version = Field(description="Its version.")


class ClockExtended(ClockEvent):
    """The due instant of a statutory clock was moved by an approved extension."""

    model_config = example(
        **_at("2026-04-01T02:00:00Z", target="final_answer", statutory=True, due_at="2026-05-14T16:00:00Z"),
        previous_due_at="2026-04-30T16:00:00Z",
        by="E-0007",
        reason="expert opinion outstanding",
    )

    previous_due_at: Instant = Field(description="Due instant before.")
    by: Id = Field(description="Who approved it.")
    reason: Text = Field(description="Why.")


class ClockDueChanged(ClockEvent):
    """The due instant moved for another reason: a calendar was published, or a wait of the past was written down."""

    model_config = example(
        **_at("2026-11-05T02:00:00Z", target="final_answer", statutory=True, due_at="2027-01-05T16:00:00Z"),
        previous_due_at="2027-01-04T16:00:00Z",
        cause="calendar_published",
    )

    previous_due_at: Instant | None = Field(description="Due instant before; null if it was not known.")
    cause: Code = Field(description="What moved it, e.g. calendar_published, wait_recorded_late.")


class ClockWarned(ClockEvent):
    """A clock passed a warning threshold. Once per threshold and cycle."""

    model_config = example(**_at("2026-03-06T05:36:00Z", version=5), threshold="90%", at_attach=False)

    threshold: Code = Field(description='The threshold as the policy writes it: "90%", or a lead time such as "PT1H".')
    at_attach: bool = Field(
        False, description="It had been passed when the clock was attached; of several only the last is told."
    )


class ClockBreached(ClockEvent):
    """A promise was broken. At most once per cycle, and never taken back by what happens later."""

    model_config = example(
        **_at("2026-03-06T08:00:00Z", has_breached=True, version=6), breach_cause="due", at_attach=False
    )

    breach_cause: BreachCause = Field(description="due, or a retarget or reopen that found the time already used up.")
    at_attach: bool = Field(description="The promise was already broken when the clock was attached.")


class ClockMet(ClockEvent):
    """What was promised was done: in time, unless `has_breached` says that the promise had been broken before."""

    model_config = example(
        **_at("2026-03-05T20:30:00Z", version=6), result="met", elapsed_seconds=45000, remaining_seconds=41400
    )

    result: Literal["met", "missed"] = Field(description="missed when it was done after the breach.")
    elapsed_seconds: Seconds = Field(description="Counted time of this cycle.")
    remaining_seconds: Seconds | None = Field(description="Real time that was left; null when it was missed.")


class ClockCancelled(ClockEvent):
    """A promise no longer applies."""

    model_config = example(**_at("2026-03-05T08:20:00Z", version=2), reason="case_dismissed", by="E-1042")

    reason: Code | None = Field(description="Why, e.g. case_dismissed, withdrawn, restarted.")
    by: Id | None = Field(description="Who cancelled it; null for the system.")


class ClockCorrected(ClockEvent):
    """What had been said of this clock no longer holds: an event was recorded late, or it was recalculated."""

    model_config = example(
        **_at("2026-03-05T22:00:00Z", fired_at="2026-03-06T09:15:00Z", due_at="2026-03-06T20:00:00Z", version=8),
        corrects="crisis.clock.breached.v1",
        previous_due_at="2026-03-06T08:00:00Z",
        had_breached=True,
        thresholds=["75%", "90%"],
        breached_at=None,
        reason="a pause was entered with an earlier effective time",
    )

    corrects: Code = Field(description="Type of the event that no longer holds.")
    previous_due_at: Instant | None = Field(description="Due instant as it was said before.")
    had_breached: bool = Field(description="Whether a breach had been said.")
    reason: Text | None = Field(description="Why.")
    thresholds: list[Code] = Field(
        default_factory=list, description="Warnings that had been said and no longer hold; they may come again."
    )
    breached_at: Instant | None = Field(
        None, description="When the promise was broken, if it was all the same; that is not told again."
    )
