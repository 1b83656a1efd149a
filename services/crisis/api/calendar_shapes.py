"""What a month of a calendar looks like over HTTP."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field

from services.crisis.domain.clocks.instants import from_micros
from services.crisis.usecases.calendar_published import Moved
from shared.documents.store import State, StoredDocument
from shared.web.schema import Out
from shared.worktime import Calendar, DayPreview
from shared.worktime.preview import DayKind
from shared.worktime.zones import zone as zone_named

_HOUR = 3_600_000_000


class WindowOut(Out):
    """One open window, as wall times with their offset."""

    begin: str = Field(alias="from", description="When it opens, in the zone shown.")
    end: str = Field(alias="to", description="When it closes; perhaps on the next date.")


class DayOut(Out):
    """One date of the calendar's own zone."""

    day: date = Field(alias="date")
    weekday: str
    kind: DayKind = Field(description="What the date is by the calendar's rules.")
    is_open: bool
    windows: list[WindowOut] = Field(description="The windows that begin on the date.")
    open_hours: float = Field(description="Hours that are open, each counted once in the month.")
    reason: str | None = Field(description="Why it is closed or special: holiday, weekend, exception with its note.")
    holiday: str | None = Field(description="The public holiday's name, also where an exception opens the date.")
    known: bool = Field(description="False beyond known_until: holidays may still be published.")


class MonthOut(Out):
    """A month of a calendar version."""

    key: str
    version: int | None = Field(description="Null for the calendar that is built in.")
    state: State
    zone: str = Field(description="The calendar's own zone: its dates are meant.")
    shown_in: str = Field(description="The zone of the wall times.")
    month: str
    known_until: date | None
    provisional: bool = Field(description="Some date of the month lies beyond known_until.")
    open_days: int
    open_hours: float
    days: list[DayOut]


class MovedOut(Out):
    """A running clock that another version of its calendar would make due at another instant."""

    case_id: str
    number: str
    clock_id: str
    matter_id: str | None
    target: str
    statutory: bool
    due_at: datetime
    would_be_due_at: datetime
    derived_again: bool = Field(description="Activating the version moves it; the others keep their version.")

    @classmethod
    def of(cls, moved: Moved) -> "MovedOut":
        clock = moved.clock
        return cls(
            case_id=clock.case_id,
            number=moved.number,
            clock_id=clock.id,
            matter_id=clock.matter_id,
            target=clock.target,
            statutory=clock.statutory,
            due_at=moved.due_at,
            would_be_due_at=moved.would_be_due_at,
            derived_again=moved.is_derived_again,
        )


class EffectOut(Out):
    """What a version of a calendar would do to the clocks that run on other versions of it."""

    running: int = Field(description="Running clocks on this calendar.")
    examined: int = Field(description="Those that were looked at, the ones due first; at most 2000.")
    would_move: int
    derived_again: int = Field(description="Provisional statutory limits, which activation derives again.")
    items: list[MovedOut] = Field(description="The first of those that would move, by their due instant.")


def month_out(
    calendar: Calendar, stored: StoredDocument | None, month: str, days: Sequence[DayPreview], *, shown_in: str | None
) -> MonthOut:
    """The answer; `shown_in` is a valid IANA zone or None for the calendar's own."""
    own = calendar.version.document.zone
    shown = zone_named(shown_in or own)
    return MonthOut(
        key=calendar.key,
        version=None if stored is None else stored.version,
        state="active" if stored is None else stored.state,
        zone=own,
        shown_in=shown_in or own,
        month=month,
        known_until=calendar.version.known_until,
        provisional=not all(day.is_known for day in days),
        open_days=sum(1 for day in days if day.windows),
        open_hours=sum(day.open_micros for day in days) / _HOUR,
        days=[
            DayOut.model_validate(
                {
                    "date": day.day,
                    "weekday": day.day.strftime("%a").lower(),
                    "kind": day.kind,
                    "is_open": bool(day.windows),
                    "windows": [
                        {"from": from_micros(begin).astimezone(shown).isoformat()}
                        | {"to": from_micros(end).astimezone(shown).isoformat()}
                        for begin, end in day.windows
                    ],
                    "open_hours": day.open_micros / _HOUR,
                    "reason": day.reason,
                    "holiday": day.holiday,
                    "known": day.is_known,
                }
            )
            for day in days
        ],
    )
