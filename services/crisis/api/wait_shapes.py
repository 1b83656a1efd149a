"""What the report of waits answers: figures with the rule by which they were counted."""

from datetime import date
from typing import Final, get_args

from pydantic import Field

from services.crisis.api.report_shapes import GroupedReport, share
from services.crisis.store.wait_reports import CountedWaits, WaitDimension
from shared.web.schema import Out

WAIT_DEFINITION: Final = {
    "wait": "One wait of a case, or of one matter, for one reason. Cohort and period go by the instant at which it"
    " began.",
    "ended": "Over, by whatever ended it; also where its end has come and its timer is late.",
    "open": "Going on.",
    "excluded": "Of a drill or a dismissed case; in no other figure.",
    "approved": "Of the ended and open ones, those that somebody approved beside who asked.",
    "beyond_limit": "Of the ended and open ones, those that lasted, or last, beyond the limit that holds without"
    " approval.",
    "at_limit": "Of the ended ones, those that their limit ended.",
    "answered_share": "(ended - at_limit) / ended: the share that something else than its limit ended.",
    "seconds": "Real time from the beginning to the end, of open ones to as_of. p50 is the smallest that half of them"
    " do not exceed, p90 likewise.",
}


class WaitRow(Out):
    """Waits of one group. What is not grouped by is null."""

    reason: str | None = Field(description="Code of the reason.")
    who: str | None = Field(description="Who waits: us, customer or third_party.")
    for_whom: str | None = Field(description="Who has to move.")
    service_class: str | None
    policy: str | None
    type: str | None = Field(description="Kind of crisis.")
    severity: str | None
    owner: str | None = Field(description="Directory id of the case's owner; null also where it has none.")
    ended_because: str | None = Field(description="What ended it; null also for open ones.")
    cohort: date | None = Field(description="First day of the day, week (Monday) or month in which the waits began.")
    name_zh: str | None = Field(description="The reason in Chinese, where all waits of the group have one.")
    name_en: str | None
    waits: int = Field(description="All of the group: ended, open and excluded ones.")
    ended: int
    open: int
    excluded: int
    cases: int = Field(description="How many cases they are of, without the excluded ones.")
    approved: int
    beyond_limit: int
    at_limit: int
    answered_share: float | None
    ended_seconds: float = Field(description="All ended ones together.")
    ended_p50_seconds: float | None
    ended_p90_seconds: float | None
    open_seconds: float = Field(description="All open ones together, up to now.")
    open_p50_seconds: float | None
    open_p90_seconds: float | None
    longest_seconds: float | None

    @classmethod
    def of(cls, row: CountedWaits) -> "WaitRow":
        return cls(
            **{name: row.keys.get(name) for name in WAIT_KEYS},
            name_zh=row.name_zh,
            name_en=row.name_en,
            waits=row.ended + row.open + row.excluded,
            ended=row.ended,
            open=row.open,
            excluded=row.excluded,
            cases=row.cases,
            approved=row.approved,
            beyond_limit=row.beyond_limit,
            at_limit=row.at_limit,
            answered_share=share(row.ended - row.at_limit, row.ended),
            ended_seconds=row.ended_seconds,
            ended_p50_seconds=row.ended_p50,
            ended_p90_seconds=row.ended_p90,
            open_seconds=row.open_seconds,
            open_p50_seconds=row.open_p50,
            open_p90_seconds=row.open_p90,
            longest_seconds=row.longest,
        )


WAIT_KEYS: Final = (*get_args(WaitDimension), "cohort")
"""The fields of a row by which it may be grouped."""
WAIT_FIGURES: Final = tuple(name for name in WaitRow.model_fields if name not in WAIT_KEYS)


class WaitingOut(GroupedReport):
    """Who waited for whom."""

    definition: dict[str, str] = Field(description="What each figure counts.", examples=[WAIT_DEFINITION])
    total: WaitRow
    groups: list[WaitRow]
