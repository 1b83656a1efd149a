"""What the demo shows while it runs: a table that updates on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import datetime
from typing import Final, Protocol

from services.commands.demo.figures import Figures

_PLAIN_EVERY: Final = 5.0
_TABLE_EVERY: Final = 0.2
TIERS: Final = ("core", "potential", "general", "churn_risk")


class Screen(Protocol):
    """Shows how far the demo has come."""

    def say(self, line: str) -> None:
        """A step of its own, kept on the screen."""

    def show(self, doing: str, figures: Figures, *, now: datetime | None = None, done: float | None = None) -> None:
        """The state now; called often, drawn seldom. `done` is the share of the whole, 0…1."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def screen() -> Screen:
    """A table for a person, lines for a log."""
    return TableScreen() if sys.stdout.isatty() else PlainScreen()


class PlainScreen:
    """One line now and then."""

    def __init__(self) -> None:
        self._next = 0.0
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {line}", flush=True)  # noqa: T201 - this is the screen

    def show(self, doing: str, figures: Figures, *, now: datetime | None = None, done: float | None = None) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PLAIN_EVERY
        share = "" if done is None else f" {done:4.0%}"
        clock = "" if now is None else f" {now:%Y-%m-%d %H:%M}"
        self.say(f"{doing}{share}{clock}: {_counts(figures)}")

    def close(self) -> None:
        return


class TableScreen:
    """A table that is drawn over itself."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self._next = 0.0
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._started:6.1f} s[/dim]  {line}", highlight=False)

    def show(self, doing: str, figures: Figures, *, now: datetime | None = None, done: float | None = None) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _TABLE_EVERY
        from rich.table import Table

        table = Table(title=doing + ("" if done is None else f"  {done:.0%}"), expand=False)
        for heading in ("", ""):
            table.add_column(heading)
        table.add_row("business time 业务时间", "-" if now is None else f"{now:%a %d %b %Y %H:%M} UTC")
        for tier in TIERS:
            table.add_row(f"tier {tier}", f"{figures.tiers_now()[tier]:,}")
        table.add_row("moves between tiers 等级变动", f"{sum(figures.moves.values()):,}")
        table.add_row("cases open / all 危机", f"{len(figures.open_cases):,} / {len(figures.cases):,}")
        table.add_row("clocks met / missed 时限", "{:,} / {:,}".format(*_met_and_missed(figures)))
        table.add_row("escalations 升级", f"{sum(figures.escalations.values()):,}")
        table.add_row("messages 通知", f"{sum(n for (_, o), n in figures.channels.items() if o == 'accepted'):,}")
        table.add_row("last 最近", figures.last[:70])
        self._live.update(table, refresh=True)

    def close(self) -> None:
        self._live.stop()


def _met_and_missed(figures: Figures) -> tuple[int, int]:
    met = sum(1 for clock in figures.clocks.values() if clock["state"] == "met")
    missed = sum(1 for clock in figures.clocks.values() if clock["breached"])
    return met, missed


def _counts(figures: Figures) -> str:
    met, missed = _met_and_missed(figures)
    return (
        f"{len(figures.tiers):,} graded, {sum(figures.moves.values()):,} moves, {len(figures.cases):,} cases,"
        f" {met:,} clocks met, {missed:,} missed, {sum(figures.escalations.values()):,} escalations,"
        f" {sum(figures.audiences.values()):,} messages"
    )
