"""What the fold asks of a calendar; a compiled one of `shared.worktime` answers, the domain knows the questions."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol


class OpenTime(Protocol):
    """One published version of a calendar. Instants are integer microseconds since the epoch, dates are local ones.

    The answers never change for a given version: the fold is replayable for ever.
    """

    @property
    def key(self) -> str:
        """How policies name the calendar."""

    @property
    def known_until(self) -> int | None:
        """The `24:00` up to which holidays are published; later due instants are provisional. None: known for ever."""

    def add_open_time(self, origin: int, micros: int) -> int | None:
        """First instant `t` with `micros` of open time in `[origin, t)`; None where twenty years hold less."""

    def open_time_between(self, begin: int, end: int) -> int:
        """Open microseconds in `[begin, end)`; 0 where `end` is not later."""

    def closed_between(self, begin: int, end: int) -> Sequence[tuple[int, int, str]]:
        """The closed stretches `(from, to, reason)` of `[begin, end)`, in order, split where the reason changes."""

    def local(self, instant: int) -> tuple[date, int]:
        """The date and the wall time (microseconds after `00:00`) that the calendar's zone shows."""

    def instant(self, day: date, wall: int) -> int:
        """The instant of a wall time, as RFC 5545 resolves gaps and folds. `wall` of 24 hours is the next midnight."""

    def end_of_last_window(self, day: date) -> int | None:
        """Latest end among the windows listed for the date; None where it has none."""

    def window_date(self, day: date, *, after: int) -> date | None:
        """The `after`-th date later than `day` that has a window; None where twenty years do not hold it."""

    def nearest_window_date(self, day: date, *, forward: bool) -> date | None:
        """The date itself where it has a window, else the nearest later (or earlier) one; None where there is none."""
