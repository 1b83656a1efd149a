"""What callers send to recalculate, and what they are answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from services.crisis.api.bodies import Id, Line
from services.crisis.api.shapes import ServiceClass
from services.crisis.domain.sla.pins import Pin, pinned
from services.crisis.library import plain_key
from services.crisis.store.recalculations import Selection
from services.crisis.usecases.ask_recalculation import Wanted
from shared.contracts.errors import FieldError
from shared.contracts.fields import Instant
from shared.errors import Unprocessable
from shared.web.schema import In, Out

DocumentKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._\-]{0,99}$")]
VersionOf = dict[DocumentKey, Annotated[int, Field(ge=1, le=2**31 - 1)] | None]
Outcome = Literal["would_change", "applied", "moved_on", "no_change"]


class ToIn(In):
    """The versions to recalculate by; null is the active one. Empty: the same versions, folded anew."""

    policies: VersionOf = Field(default_factory=dict, max_length=100, description="Version by key of an SLA policy.")
    calendars: VersionOf = Field(default_factory=dict, max_length=100, description="Version by key of a calendar.")


class SelectIn(In):
    """Which cases. Conditions add up; without any, every open case."""

    policies: list[DocumentKey] | None = Field(None, description="With a clock on one of these SLA policies.")
    calendars: list[DocumentKey] | None = Field(None, description="With a clock on one of these calendars.")
    service_class: list[ServiceClass] | None = Field(None, description="Served at one of these classes.")
    case_ids: Annotated[list[Id], Field(max_length=1000)] | None = Field(None, description="These cases.")
    opened_from: Instant | None = Field(None, description="Opened then or later.")
    opened_to: Instant | None = Field(None, description="Opened before.")
    include_closed: bool = Field(
        default=False,
        description="Closed cases, too; needs `opened_from` or `case_ids`, so that their number is bound.",
    )

    def to_selection(self) -> Selection:
        """Raises Unprocessable for a period that ends before it begins."""
        if self.opened_from and self.opened_to and self.opened_from >= self.opened_to:
            raise Unprocessable(errors=[FieldError("/select/opened_to", "order", "the period begins before it ends")])
        return Selection(
            policies=self.policies,
            calendars=self.calendars,
            service_classes=self.service_class,
            case_ids=self.case_ids,
            opened_from=self.opened_from,
            opened_to=self.opened_to,
            closed_too=self.include_closed,
        )


class RecalculateIn(In):
    """What to recalculate, by which versions, and why."""

    to: ToIn = Field(default_factory=ToIn)
    select: SelectIn = Field(default_factory=SelectIn)
    reason: Line = Field(description="Why; written into the timeline of every case that changes.")
    dry_run: Literal[True] = Field(
        default=True, description="Always a dry run; what it finds is applied by approving it."
    )

    def to_wanted(self) -> Wanted:
        """Raises Unprocessable for closed cases without a bound, and a period that ends before it begins."""
        chosen = self.select
        if chosen.include_closed and chosen.opened_from is None and chosen.case_ids is None:
            why = "say opened_from or case_ids, too"
            raise Unprocessable(errors=[FieldError("/select/include_closed", "unbounded", why)])
        return Wanted(self.reason, chosen.to_selection(), self.to.policies, self.to.calendars)


class ApproveIn(In):
    """Why it is approved; as the dry run says without it."""

    reason: Line | None = Field(None, examples=["the board decided on 3 March to keep the old promise"])


class ReadingOut(Out):
    """What a cycle says of its promise."""

    policy: str
    policy_version: int
    calendars: dict[str, int] = Field(description="Versions of the calendars that it is pinned to.")
    due_at: datetime
    held: bool = Field(description="A pause moves it: the due instant is as if the clock were resumed then.")
    breached_at: datetime | None
    result: str = Field(description="open, met, missed, void or cancelled.")

    @classmethod
    def of(cls, row: Mapping[str, Any], side: str) -> "ReadingOut | None":
        if row[f"policy_{side}"] is None:
            return None
        policy, version = plain_key(row[f"policy_{side}"])
        return cls(
            policy=policy,
            policy_version=version,
            calendars=dict(Pin.parse(row[f"policy_{side}"]).calendars),
            due_at=row[f"due_{side}"],
            held=row[f"held_{side}"],
            breached_at=row[f"breached_{side}"],
            result=row[f"result_{side}"],
        )


class ChangeOut(Out):
    """A clock in one cycle that says something else by the other versions."""

    case_id: str
    number: str
    clock_id: str
    matter_id: str | None
    target: str
    cycle: int
    outcome: Outcome = Field(
        description="would_change in a dry run. In an approved run applied; moved_on where by then the difference is"
        " another one than was approved, which is left alone; no_change where nothing is left to change."
    )
    before: ReadingOut | None = Field(description="As told until now; null where there was no such cycle.")
    after: ReadingOut | None = Field(description="By the other versions; null where there would be no such cycle.")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "ChangeOut":
        names = ("case_id", "number", "clock_id", "matter_id", "target", "cycle", "outcome")
        return cls(
            **{name: row[name] for name in names},
            before=ReadingOut.of(row, "before"),
            after=ReadingOut.of(row, "after"),
        )

    def as_row(self) -> dict[str, Any]:
        """The same in one row of a table."""
        row: dict[str, Any] = self.model_dump(exclude={"before", "after"})
        for side, reading in (("before", self.before), ("after", self.after)):
            cells = {} if reading is None else reading.model_dump()
            if reading is not None:
                cells["calendars"] = " ".join(pinned(*calendar) for calendar in reading.calendars.items())
            row |= {f"{name}_{side}": cells.get(name) for name in SIDE}
        return row


SIDE: Final = tuple(ReadingOut.model_fields)
COLUMNS: Final = (
    *(name for name in ChangeOut.model_fields if name not in {"before", "after"}),
    *(f"{name}_before" for name in SIDE),
    *(f"{name}_after" for name in SIDE),
)


class SupersededOut(Out):
    """What a cycle of a clock said until a recalculation; no report counts it any more."""

    clock_id: str
    target: str
    cycle: int
    policy: str
    policy_version: int
    calendars: dict[str, int]
    due_at: datetime
    held: bool
    breached_at: datetime | None
    result: str
    superseded_by: str = Field(description="The job that applied the recalculation.")
    superseded_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SupersededOut":
        policy, version = plain_key(row["policy"])
        calendars = dict(Pin.parse(row["policy"]).calendars)
        return cls.model_validate({**row, "policy": policy, "policy_version": version, "calendars": calendars})
