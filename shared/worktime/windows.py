"""Windows of a date: `09:00-18:00`, `22:00-06:00` (into the next date), `00:00-24:00`."""

import re
from typing import NamedTuple

from pydantic_core import PydanticCustomError

MINUTE = 60_000_000
DAY = 1440 * MINUTE
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)


class Window(NamedTuple):
    """Wall times in microseconds after the `00:00` of the date of the window; `end` may lie in the next date."""

    begin: int
    end: int


def parse_window(text: str) -> Window:
    """The window that the text names: an end that is not later than its begin lies in the next date.

    Raises `PydanticCustomError` (`window_format`), which model validation turns into a refusal with its place.
    """
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise PydanticCustomError(
            "window_format",
            "{text} is no window: write HH:MM-HH:MM, with 24:00 for the end of the day",
            {"text": repr(text[:40])},
        )
    hours, minutes, end_hours, end_minutes = (int(part) for part in found.groups() if part is not None)
    begin = (hours * 60 + minutes) * MINUTE
    end = (end_hours * 60 + end_minutes) * MINUTE
    return Window(begin, end if end > begin else end + DAY)
