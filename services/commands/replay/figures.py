"""What the replay found, as figures and as lines."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from services.commands.replay.log import Incident, end_of, events_of, read_log
from services.commands.replay.rules import (
    ALL,
    HOURS,
    MEASURES,
    SCOPES,
    Measure,
    Rule,
    Used,
    best_of,
    best_rule,
    clock_of,
    confusion,
    held_out,
    most_explained,
    same_verdicts,
    used_hours,
)
from services.crisis.domain.clocks import ClockResult, Pause, Reopen, Result

_MADE = {Result.MET: True, Result.MISSED: False}


def replay(path: Path) -> dict[str, Any]:
    """Fold every incident by every measure, choose the best rule, fold by it, and tell how well it fits.

    Deterministic, about three seconds. Shares are of all incidents; hours are those that the measure counts.
    """
    incidents = read_log(path)
    until = end_of(incidents)
    used = {measure: used_hours(incidents, measure, until=until) for measure in MEASURES}
    rule = best_rule(incidents, used)
    clocks = _clocks(incidents, rule, until)
    pausing = best_rule(incidents, used, [measure for measure in MEASURES if measure.pauses])
    opened = [one.opened_at for one in incidents]
    return {
        "incidents": len(incidents),
        "clocks": sum(len(of_one) for of_one in clocks.values()),
        "paused_at_least_once": sum(any(isinstance(e, Pause) for e in events_of(one)) for one in incidents),
        "reopened": sum(any(isinstance(e, Reopen) for e in events_of(one)) for one in incidents),
        "opened_between": [min(opened).isoformat(), max(opened).isoformat()],
        "log_made_sla": sum(one.made_sla for one in incidents),
        "family": {"measures": len(MEASURES), "durations": len(HOURS), "scopes": list(SCOPES)},
        "best_rule": {
            "measure": rule.measure.text,
            "hours": dict(rule.hours),
            "same_verdicts_between_hours": {
                name: [None if edge is None else round(edge, 2) for edge in span]
                for name, span in same_verdicts(rule, incidents, used[rule.measure]).items()
            },
        },
        **_fit(incidents, clocks, used),
        "by_priority": _by_priority(incidents, clocks),
        "best_rule_that_pauses": {"measure": pausing.measure.text, "hours": dict(pausing.hours)},
        "by_priority_pausing": _by_priority(incidents, _clocks(incidents, pausing, until)),
    }


def _clocks(incidents: list[Incident], rule: Rule, until: datetime) -> dict[str, tuple[ClockResult, ...]]:
    return {one.number: clock_of(one, rule.measure, rule.hours_of(one), until=until) for one in incidents}


def _fit(
    incidents: list[Incident], clocks: Mapping[str, tuple[ClockResult, ...]], used: Mapping[Measure, Used]
) -> dict[str, Any]:
    """How well the best rule fits beside its rivals, and what is left."""
    verdicts = {number: _made(of_one[-1]) for number, of_one in clocks.items()}
    right = sum(verdicts[one.number] == one.made_sla for one in incidents)
    made = sum(one.made_sla for one in incidents)
    agrees = {
        measure: {scope: best_of(measure, scope, incidents, used[measure])[0] for scope in SCOPES}
        for measure in MEASURES
    }
    return {
        "fit": {
            "agrees": right,
            "accuracy": _share(right, len(incidents)),
            "base_rate": _share(max(made, len(incidents) - made), len(incidents)),
            "held_out_accuracy": round(held_out(incidents, used), 4),
            "confusion": confusion(incidents, verdicts),
            "balanced_accuracy": _balanced(incidents, verdicts),
        },
        "agrees_by_measure": {measure.text: scopes for measure, scopes in agrees.items()},
        "best_with_one_duration": max(scopes["all"] for scopes in agrees.values()),
        "best_that_pauses": max(max(scopes.values()) for measure, scopes in agrees.items() if measure.pauses),
        "unexplained": {
            "by_the_best_rule": len(incidents) - right,
            "by_any_duration_per_priority": len(incidents) - most_explained(incidents, used),
        },
    }


def lines_of(figures: Mapping[str, Any]) -> list[str]:
    """The figures for the screen."""
    fit, best, pausing = figures["fit"], figures["best_rule"], figures["best_rule_that_pauses"]
    counted = (
        f"{figures['incidents']} incidents, {figures['paused_at_least_once']} paused, {figures['reopened']} reopened"
    )
    against = f"one answer for all {fit['base_rate']:.1%}, held out {fit['held_out_accuracy']:.1%}"
    left = figures["unexplained"]["by_the_best_rule"]
    return [
        f"Incident log 真实事件日志: {counted}; {figures['log_made_sla']} made their unpublished SLA",
        f"  best single rule: {best['measure']}; {_hours(best)}",
        *_rows(figures["by_priority"]),
        f"  agrees with {fit['agrees']} ({fit['accuracy']:.1%}; {against}), {left} unexplained",
        f"  best with one duration for all: agrees with {figures['best_with_one_duration']}",
        f"  best rule that pauses: {pausing['measure']}; {_hours(pausing)}: agrees with {figures['best_that_pauses']}",
        *_rows(figures["by_priority_pausing"]),
    ]


def _hours(rule: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {hours} h" for name, hours in rule["hours"].items())


def _rows(by_priority: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"    {name:14} {row['met']:4} met {row['missed']:4} missed {row['open']:3} open;"
        f" elapsed {row['elapsed_hours']:>10,.1f} h, paused {row['paused_hours']:>9,.1f} h"
        for name, row in by_priority.items()
    ]


def _by_priority(incidents: list[Incident], clocks: Mapping[str, tuple[ClockResult, ...]]) -> dict[str, dict[str, Any]]:
    """Attainment, elapsed, paused and closed hours by the best rule, by priority and over all."""
    rows: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"clocks": 0, "met": 0, "missed": 0, "open": 0, "elapsed_hours": 0.0, "paused_hours": 0.0,
                 "closed_hours": 0.0}
    )  # fmt: skip
    for one in incidents:
        for clock in clocks[one.number]:
            for name in (one.priority, ALL):
                row = rows[name]
                row["clocks"] += 1
                row[clock.result.value] += 1
                row["elapsed_hours"] += clock.elapsed_seconds / 3600
                row["paused_hours"] += clock.paused_seconds / 3600
                row["closed_hours"] += clock.closed_seconds / 3600
    for row in rows.values():
        row["attainment"] = _share(row["met"], row["met"] + row["missed"])
        for name in ("elapsed_hours", "paused_hours", "closed_hours"):
            row[name] = round(row[name], 2)
    return dict(sorted(rows.items()))


def _made(clock: ClockResult) -> bool:
    return _MADE.get(clock.result, not clock.has_breached)


def _balanced(incidents: list[Incident], verdicts: Mapping[str, bool]) -> float:
    """The mean of the shares found among those that made it and those that missed it."""
    shares = []
    for said in (True, False):
        ones = [one for one in incidents if one.made_sla is said]
        shares.append(sum(verdicts[one.number] is said for one in ones) / len(ones) if ones else 1.0)
    return round(sum(shares) / len(shares), 4)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
