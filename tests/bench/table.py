"""What a benchmark answers, and how it is printed."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours divided by another figure of the same run; `goal` None means that it is shown for knowledge only."""

    to: str
    value: float
    goal: float | None = None

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "reached" if self.value >= self.goal else "NOT reached"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: our figure (median of `runs`), the figures beside it, and the ratios."""

    id: str
    what: str
    ours: float
    unit: str
    beside: dict[str, float] = field(default_factory=dict)
    ratios: tuple[Ratio, ...] = ()
    goal: float | None = None
    """For the absolute goal; `less` tells in which direction."""
    less: bool = False
    runs: tuple[float, ...] = ()
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        reached = self.ours <= self.goal if self.less else self.ours >= self.goal
        return "reached" if reached else "NOT reached"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def listed(rates: Sequence[float]) -> str:
    """The runs in a note."""
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def text(rows: Sequence[Row]) -> str:
    """The table for a person."""
    lines = []
    for row in rows:
        sign = "≤" if row.less else "≥"
        goal = "" if row.goal is None else f"  (goal {sign} {_round(row.goal)}: {row.verdict})"
        lines.append(f"{row.id:4} {row.what}")
        ours = f"{row.ours:,.2f}" if row.unit == "×" else f"{row.ours:,.1f}"
        lines.append(f"       ours {ours:>12} {row.unit}{goal}")
        lines += [f"       {name:<34} {value:>12,.1f}" for name, value in row.beside.items()]
        for ratio in row.ratios:
            aim = "" if ratio.goal is None else f"  (goal ≥ {ratio.goal:g}: {ratio.verdict})"
            lines.append(f"       {ratio.value:>6.2f} × {ratio.to}{aim}")
        if row.note:
            lines.append(f"       {row.note}")
    return "\n".join(lines)


def _round(goal: float) -> str:
    return f"{goal:,.0f}" if goal >= 10 else f"{goal:g}"


def write_json(path: Path, rows: Sequence[Row], machine: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "rows": [_finite(asdict(row)) for row in rows]}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    """What JSON has no word for, a latency without end, becomes null."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
