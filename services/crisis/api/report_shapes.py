"""What reports answer: figures with the rule by which they were counted."""

from datetime import date, datetime
from typing import Any, Final, get_args

from pydantic import Field

from services.crisis.store.reports import Counted, Dimension, Handled
from shared.web.schema import Out

YARDSTICK_BEFORE_HOURS: Final = 72
YARDSTICK_TARGET_HOURS: Final = 12
_HOUR: Final = 3600
ATTAINMENT_DEFINITION: Final = {
    "clock": "One clock in one cycle; a recurring promise counts once a cycle. Cohort and period go by the due instant"
    " (24:00 is of the day that ends there); while a pause moves it, by the one that it would have had if resumed when"
    " something last happened to it.",
    "met": "Ended without a breach.",
    "breached_closed": "Ended after its breach.",
    "breached_open": "Breached, not ended.",
    "running": "Neither ended nor breached, paused ones included.",
    "cancelled": "No longer owed, breached or not; in no ratio.",
    "void": "The result was declared void by a reopening; in no ratio.",
    "excluded": "Of a drill or a dismissed case, whatever became of it; in no ratio.",
    "ratio_ended": "met / (met + breached_closed)",
    "ratio_due": "met / (met + breached_closed + breached_open)",
    "overrun": "Real seconds from the breach to the end; of open ones to as_of. p50 is the"
    " smallest that half of them do not exceed, p90 likewise.",
    "pause_share": "paused / (counted + paused) time of the ended clocks (met and breached_closed).",
}


class PeriodReport(Out):
    """What every report says first: as of when, and of which period."""

    as_of: datetime
    since: datetime | None = Field(alias="from", serialization_alias="from")
    to: datetime | None


class GroupedReport(PeriodReport):
    """A report by groups of the reader's choice."""

    by: list[str]
    cohort: str | None
    zone: str = Field(description="Whose days, weeks and months the cohorts are.")


class AttainmentRow(Out):
    """Attainment of one group. `ratio_…` are null where nothing counts; what is not grouped by is null."""

    service_class: str | None = Field(description="The class that the case is served at.")
    policy: str | None
    target: str | None
    type: str | None = Field(description="Kind of crisis.")
    severity: str | None
    owner: str | None = Field(description="Directory id of the case's owner; null also where it has none.")
    statutory: bool | None
    department: str | None = Field(description="The department that owes it; null also where the policy names none.")
    cohort: date | None = Field(description="First day of the day, week (Monday) or month in which clocks are due.")
    clocks: int = Field(description="All of the group: the seven states add up to it.")
    met: int
    breached_closed: int
    breached_open: int
    running: int
    running_paused: int = Field(description="Of the running ones, those that stand still.")
    cancelled: int
    void: int
    excluded: int
    ratio_ended: float | None
    ratio_due: float | None
    overrun_p50_seconds: float | None
    overrun_p90_seconds: float | None
    open_overrun_p50_seconds: float | None
    open_overrun_p90_seconds: float | None
    pause_share: float | None

    @classmethod
    def of(cls, row: Counted) -> "AttainmentRow":
        ended = row.met + row.breached_closed
        due = ended + row.breached_open
        return cls(
            **{name: row.keys.get(name) for name in ATTAINMENT_KEYS},
            clocks=due + row.running + row.cancelled + row.void + row.excluded,
            met=row.met,
            breached_closed=row.breached_closed,
            breached_open=row.breached_open,
            running=row.running,
            running_paused=row.running_paused,
            cancelled=row.cancelled,
            void=row.void,
            excluded=row.excluded,
            ratio_ended=share(row.met, ended),
            ratio_due=share(row.met, due),
            overrun_p50_seconds=row.overrun_p50,
            overrun_p90_seconds=row.overrun_p90,
            open_overrun_p50_seconds=row.open_overrun_p50,
            open_overrun_p90_seconds=row.open_overrun_p90,
            pause_share=share(row.ended_paused, row.ended_elapsed + row.ended_paused),
        )


ATTAINMENT_KEYS: Final = (*get_args(Dimension), "cohort")
"""The fields of a row by which it may be grouped."""
ATTAINMENT_FIGURES: Final = tuple(name for name in AttainmentRow.model_fields if name not in ATTAINMENT_KEYS)


class AttainmentOut(GroupedReport):
    """How promises were kept."""

    definition: dict[str, str] = Field(description="What each figure counts.", examples=[ATTAINMENT_DEFINITION])
    total: AttainmentRow
    groups: list[AttainmentRow]


class HandlingRow(Out):
    """Handling time of one class; a null class is all of them."""

    service_class: str | None
    cohort: date | None = Field(description="First day of the day, week or month in which they were resolved.")
    matters: int
    mean_hours: float | None
    p50_hours: float | None
    p90_hours: float | None
    within_yardstick: bool | None = Field(description="Whether the mean is at most the yardstick's target.")

    @classmethod
    def of(cls, row: Handled) -> "HandlingRow":
        return cls(
            service_class=row.service_class,
            cohort=row.cohort,
            matters=row.matters,
            mean_hours=round(row.mean / _HOUR, 6),
            p50_hours=round(row.p50 / _HOUR, 6),
            p90_hours=round(row.p90 / _HOUR, 6),
            within_yardstick=row.mean <= YARDSTICK_TARGET_HOURS * _HOUR,
        )


class YardstickOut(Out):
    """What the mean is measured against: mean handling time over all complaints, before and wanted."""

    before_hours: int = Field(examples=[YARDSTICK_BEFORE_HOURS])
    target_hours: int = Field(examples=[YARDSTICK_TARGET_HOURS])
    of: str = Field(examples=["mean handling time over all complaints"])
    reached: bool | None = Field(description="Of the total; null where nothing was resolved.")


class HandlingOut(PeriodReport):
    """How long it took from receipt to resolution."""

    type: str | None = Field(description="Kind of matter; null is every kind.")
    definition: str
    yardstick: YardstickOut
    total: HandlingRow
    groups: list[HandlingRow]


class FairnessRow(Out):
    """One class: what the law owes every customer, beside what the class is promised."""

    service_class: str
    statutory: AttainmentRow
    promised: AttainmentRow
    statutory_kept: bool | None = Field(description="No statutory clock is breached; null where none was due.")
    statutory_gap: float | None = Field(description="ratio_due of the best class − ratio_due of this one; 0 is fair.")


class FairnessOut(PeriodReport):
    """Whether the law's limits hold for low classes as for high ones."""

    definition: dict[str, str]
    classes: list[FairnessRow] = Field(description="All four classes, the best first.")


def share(part: float, whole: float) -> float | None:
    """A ratio to six places; None where there is nothing to divide by."""
    return round(part / whole, 6) if whole else None


def period(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """The period asked for, as answers repeat it."""
    return {"from": since, "to": until}
