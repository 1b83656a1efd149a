"""What the demo leaves behind: `demo.json` for machines, one HTML file with charts, and a report on the screen.

`figures` in `demo.json` depend on the input alone: they are the same on every run and on both buses. `timings` do not.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.commands.demo.figures import Figures, quantile
from services.commands.demo.live import TIERS
from services.commands.demo.promises import Explained
from services.commands.replay import lines_of as lines_of_replay
from services.commands.replay import replay

CLASSES = ("strategic", "key", "standard", "basic")


@dataclass(frozen=True, slots=True)
class Timings:
    """How fast it went, in seconds of real time."""

    bus: str
    total: float
    loading: float
    facts_loaded: int
    stepping: float
    steps: int


@dataclass(frozen=True, slots=True)
class Told:
    """What is told beside the figures: one customer's story, and three promises explained."""

    story: Mapping[str, Any]
    promises: Sequence[Explained]


def figures_of(figures: Figures, told: Told, replayed: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that depends on the input alone, in a fixed order. `replayed` is the log through the clock engine."""
    return {
        "customers_graded": len(figures.tiers),
        "first_tiers": dict(sorted(figures.first_tiers.items())),
        "tiers_at_the_end": dict(sorted(figures.tiers_now().items())),
        "moves": {f"{before} → {after}": n for (before, after), n in sorted(figures.moves.items())},
        "moves_by_cause": dict(sorted(figures.causes.items())),
        "cases": len(figures.cases),
        "cases_by_class_and_severity": _joined(figures.cases_by("class", "severity")),
        "cases_by_type": _joined(figures.cases_by("type")),
        "cases_by_stage": _joined(figures.cases_by("stage")),
        "clocks": figures.attainment(),
        "warnings": sum(clock["warned"] for clock in figures.clocks.values()),
        "escalations": _joined(figures.escalations),
        "messages_per_channel": _joined(figures.channels),
        "messages_per_audience": dict(sorted(figures.audiences.items())),
        "events": dict(sorted(figures.events.items())),
        "story": told.story,
        "promises": [promise.figures for promise in told.promises],
        "incident_log_replayed": dict(replayed),
    }


def timings_of(figures: Figures, timings: Timings) -> dict[str, Any]:
    """How fast it went; differs from run to run."""
    told = figures.told_after()
    events = sum(figures.events.values())
    return {
        "bus": timings.bus,
        "total_seconds": round(timings.total, 1),
        "facts_loaded": timings.facts_loaded,
        "facts_per_second": round(timings.facts_loaded / max(timings.loading, 0.001)),
        "steps": timings.steps,
        "milliseconds_per_step": round(1000 * timings.stepping / max(timings.steps, 1), 1),
        "events_on_the_bus": events,
        "fact_to_message_p50_seconds": quantile(told, 0.5),
        "fact_to_message_p99_seconds": quantile(told, 0.99),
        "complaints_told": len(told),
    }


def write(directory: Path, figures: Figures, told: Told, timings: Timings, *, log: Path) -> dict[str, Any]:
    """Write both files into `directory`; answers what stands in `demo.json`. `log` is replayed through the clocks."""
    directory.mkdir(parents=True, exist_ok=True)
    document = {"figures": figures_of(figures, told, replay(log)), "timings": timings_of(figures, timings)}
    (directory / "demo.json").write_text(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n")
    (directory / "demo.html").write_text(_html(document, told.promises))
    return document


def lines_of(document: Mapping[str, Any]) -> list[str]:
    """The report for the screen."""
    figures, timings = document["figures"], document["timings"]
    lines = ["", "Customers by tier 客户等级 (first grading → end)"]
    first, last = figures["first_tiers"], figures["tiers_at_the_end"]
    tiers = [*TIERS, *sorted(set(last) - set(TIERS))]
    lines += [f"  {tier:18} {first.get(tier, 0):7,} → {last.get(tier, 0):7,}" for tier in tiers]
    lines.append(f"Moves 等级变动: {sum(figures['moves'].values()):,}")
    lines += [f"  {move:32} {n:6,}" for move, n in sorted(figures["moves"].items(), key=lambda item: -item[1])[:8]]
    lines += [f"Cases 危机: {figures['cases']:,}", *_case_lines(figures["cases_by_class_and_severity"])]
    lines += ["Clocks 时限 (met / missed; breached and open / running)", *_clock_lines(figures["clocks"])]
    lines.append("Messages 通知: " + ", ".join(f"{c} {n:,}" for c, n in figures["messages_per_channel"].items()))
    lines += ["Promises explained 时限说明 (pictures in the report)", *_promise_lines(figures["promises"])]
    lines += lines_of_replay(figures["incident_log_replayed"])
    lines.append(
        f"Speed: {timings['facts_per_second']:,} facts/s through HTTP to graded,"
        f" {timings['events_on_the_bus']:,} events,"
        f" fact to message p50 {_ms(timings['fact_to_message_p50_seconds'])},"
        f" p99 {_ms(timings['fact_to_message_p99_seconds'])},"
        f" {timings['steps']:,} steps of {timings['milliseconds_per_step']} ms, {timings['total_seconds']} s in all"
    )
    return lines


def _case_lines(table: Mapping[str, int]) -> list[str]:
    lines = []
    for name in CLASSES:
        row = {key.split(" / ")[1]: n for key, n in table.items() if key.startswith(f"{name} / ")}
        if row:
            lines.append(
                f"  {name:10} "
                + "  ".join(f"{severity} {row.get(severity, 0):5,}" for severity in ("S1", "S2", "S3", "S4"))
            )
    return lines


def _clock_lines(clocks: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[str]:
    lines = []
    for name in CLASSES:
        for target, states in clocks.get(name, {}).items():
            met, missed = states.get("met", 0), states.get("missed", 0)
            lines.append(
                f"  {name:10} {target:20} {met:6,} / {missed:6,};"
                f" {states.get('breached_open', 0):5,} / {states.get('running', 0):5,}"
            )
    return lines


def _promise_lines(promises: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for promise in promises:
        lines.append(f"  {promise['title']}")
        lines += [
            f"    {clock['target']:20} {clock['result']:9} due {clock['due_at']}"
            for clock in promise["clocks"]
            if clock["target"] in {"first_response", "initial_resolution", "final_answer"}
        ]
    return lines


def _joined(counter: Mapping[Any, int]) -> dict[str, int]:
    return {" / ".join(key) if isinstance(key, tuple) else str(key): n for key, n in sorted(counter.items())}


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.0f} ms"


def _html(document: Mapping[str, Any], promises: Sequence[Explained]) -> str:
    from jinja2 import Environment, FileSystemLoader, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True)
    )
    environment.filters["base64"] = lambda text: b64encode(text.encode()).decode()
    figures = document["figures"]
    tiers = [*TIERS, *sorted(set(figures["tiers_at_the_end"]) - set(TIERS))]
    moves = {tuple(move.split(" → ")): n for move, n in figures["moves"].items()}
    return environment.get_template("report.html.j2").render(
        figures=figures,
        timings=document["timings"],
        tiers=tiers,
        moves=moves,
        most_moves=max(moves.values(), default=1),
        classes=CLASSES,
        promises=promises,
        severities=("S1", "S2", "S3", "S4"),
    )
