"""What a month of a calendar looks like over HTTP."""

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from services.crisis.domain.clocks.instants import from_micros
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
