"""The two ways in which a promise states how long: real or open time (`PT4H`) and calendar periods (`P8W`)."""

import re
from dataclasses import dataclass

from services.crisis.domain.clocks.instants import SECOND

_TIME = re.compile(
    r"PT(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})(?:\.(?P<fraction>\d{1,6}))?S)?",
    re.ASCII,
)
_PERIOD = re.compile(
    r"P(?=\d)(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?", re.ASCII
)


class MalformedDuration(ValueError):  # noqa: N818 - reads as a fact
    """The text is no duration of the kind that is asked for; `rule` names what is wrong with it."""

    def __init__(self, rule: str, detail: str) -> None:
        self.rule = rule
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of calendar dates. Years and months are added together and clipped once, then weeks and days."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __str__(self) -> str:
        """As `parse_period` reads it."""
        return f"P{self.years}Y{self.months}M{self.weeks}W{self.days}D"


def parse_time(text: str) -> int:
    """Microseconds of an ISO 8601 duration of hours, minutes and seconds; always above zero.

    A day is never silently 24 hours: years, months, weeks and days raise `MalformedDuration` with rule `time-units`.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        if _PERIOD.fullmatch(text) or re.fullmatch(r"P(?:\d+[YMWD])+T.*", text):
            raise MalformedDuration(
                "time-units",
                f"{text!r} counts calendar units; here only hours, minutes and seconds are taken (PT24H is 24 hours)",
            )
        raise MalformedDuration("duration-format", f"{text!r} is no duration like PT4H, PT15M or PT1H30M")
    hours, minutes, seconds = (int(found[unit] or 0) for unit in ("hours", "minutes", "seconds"))
    micros = (hours * 3600 + minutes * 60 + seconds) * SECOND + int((found["fraction"] or "0").ljust(6, "0"))
    if micros == 0:
        raise MalformedDuration("above-zero", f"{text!r} is no time at all; a duration is above zero")
    return micros


def parse_period(text: str) -> Period:
    """The calendar period of `PnYnMnWnD`, above zero; else `MalformedDuration`, rule `period-units` for `PT…`."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        if "T" in text and text.startswith("P"):
            raise MalformedDuration(
                "period-units", f"{text!r} counts hours; a calendar period takes years, months, weeks and days (P8W)"
            )
        raise MalformedDuration("period-format", f"{text!r} is no calendar period like P8W, P1M or P30D")
    period = Period(**{unit: int(count) for unit, count in found.groupdict().items() if count})
    if period == Period():
        raise MalformedDuration("above-zero", f"{text!r} is no time at all; a period is above zero")
    return period
