"""What listeners have to be told: the difference between a clock's fold now and what was told of it before.

Nothing is suppressed for being late: a warning or breach found after a downtime carries its own instant, and the
moment of telling is another. What an event of earlier effective time takes back becomes a correction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.crisis.domain.clocks import ClockResult, Result, Stage
from services.crisis.domain.sla.clock import Clock, ClockFact, State
from services.crisis.domain.sla.repins import Repin

_BREACH = "breach"


def settle(
    clock: Clock, results: Sequence[ClockResult], *, now: datetime, said: Mapping[str, Any] | None = None
) -> list[ClockFact]:
    """Take over a fold as the clock's state and answer what is to be told, in order of effect.

    `said` are words of the action that led to it (`actor`, `cause`, `reason`, `behaviour` …); with `tells_moves` the
    action itself tells of breaches that lie elsewhere now.
    """
    if not results:
        return []
    if clock.state is None and len(results) == 1 and not results[0].has_breached and not results[0].warnings:
        clock.state, clock.has_changed = State.of(results[0]), True
        return [ClockFact("started", clock, results[0], results[0].started_at)]
    said = said or {}
    if clock.state is not None and not clock.told and len(results) == 1 and clock.state.cycle == 1:
        (result,) = results
        if not result.has_breached and not result.warnings:
            return _quietly(clock, result, clock.state, said, now)
    before, told, attached = clock.state, clock.told, clock.state is None
    facts: list[ClockFact] = []
    marks: set[str] = set()
    for result in results:
        marks.update(_marks(result))
        facts.extend(_began(clock, result, before))
    facts.extend(_at_attach(clock, results) if attached else _passed(clock, results, told))
    if before is not None:
        ended = list(_ended(clock, results, before, said, now))
        # Listeners know a clock by its id: a cycle ends before the next begins.
        facts = [*ended, *facts] if results[-1].cycle > before.cycle else [*facts, *ended]
        facts.extend(_begun_anew(clock, results[-1], before, said, now))
    facts.extend(_taken_back(clock, results, told - marks, before, said, now))
    current = State.of(results[-1])
    if clock.unsaved and (len(results) > 1 or (before is not None and before.cycle > 1)):
        clock.past = _touched(clock, results[:-1])
    if current != before or marks != told:
        clock.state, clock.told, clock.has_changed = current, frozenset(marks), True
    return facts


def _touched(clock: Clock, past: Sequence[ClockResult]) -> tuple[ClockResult, ...]:
    """The past cycles that the new events may have changed.

    Those that had not ended by then, and the one before them, which a reopening may have made void; all of them where
    they are read by other pins.
    """
    if any(isinstance(record.event, Repin) for record in clock.unsaved):
        return tuple(past)
    since = min(record.event.at for record in clock.unsaved)
    first = next((index for index, one in enumerate(past) if one.stopped_at is None or one.stopped_at >= since), None)
    return tuple(past[max(0, (len(past) if first is None else first) - 1) :])


def _quietly(
    clock: Clock, result: ClockResult, before: State, said: Mapping[str, Any], now: datetime
) -> list[ClockFact]:
    """A clock in its first cycle that has nothing to say of itself, then as now: only what the action did is told."""
    facts = list(_became(clock, result, before, said, now))
    current = State.of(result)
    if current != before:
        clock.state, clock.has_changed = current, True
    return facts


def _marks(result: ClockResult) -> Iterator[str]:
    for warning in result.warnings:
        yield f"{result.cycle}:{warning.threshold}"
    if result.has_breached:
        yield f"{result.cycle}:{_BREACH}"


def _began(clock: Clock, result: ClockResult, before: State | None) -> Iterator[ClockFact]:
    if before is None or result.cycle > before.cycle:
        yield ClockFact("started", clock, result, result.started_at)


def _passed(clock: Clock, results: Sequence[ClockResult], told: frozenset[str]) -> list[ClockFact]:
    """Warnings and breaches that nobody was told of, in order of their instants."""
    facts: list[ClockFact] = []
    for result in results:
        facts.extend(
            ClockFact("warned", clock, result, warning.at, {"threshold": warning.threshold, "at_attach": False})
            for warning in result.warnings
            if f"{result.cycle}:{warning.threshold}" not in told
        )
        if result.has_breached and f"{result.cycle}:{_BREACH}" not in told:
            facts.append(_breached(clock, result, at_attach=False))
    return sorted(facts, key=lambda fact: fact.at)


def _at_attach(clock: Clock, results: Sequence[ClockResult]) -> Iterator[ClockFact]:
    """A clock that starts in the past tells what already happened in one event: the breach, or the last warning."""
    latest = results[-1]
    if latest.has_breached:
        yield _breached(clock, latest, at_attach=True)
    elif latest.warnings:
        warning = latest.warnings[-1]
        detail = {"threshold": warning.threshold, "at_attach": True}
        yield ClockFact("warned", clock, latest, warning.at, detail)


def _breached(clock: Clock, result: ClockResult, *, at_attach: bool) -> ClockFact:
    assert result.breached_at is not None
    return ClockFact(
        "breached",
        clock,
        result,
        result.breached_at,
        {"breach_cause": str(result.breach_cause), "at_attach": at_attach},
    )


def _ended(
    clock: Clock, results: Sequence[ClockResult], before: State, said: Mapping[str, Any], now: datetime
) -> Iterable[ClockFact]:
    """What became of the cycle that was current before."""
    result = next((result for result in results if result.cycle == before.cycle), None)
    return () if result is None else _became(clock, result, before, said, now)


def _became(
    clock: Clock, result: ClockResult, before: State, said: Mapping[str, Any], now: datetime
) -> Iterator[ClockFact]:
    at = said.get("at", now)
    if result.stage is before.stage:
        yield from _moved(clock, result, before, said, at)
        return
    match before.stage, result.stage:
        case (Stage.IN_PROGRESS | Stage.PAUSED, Stage.COMPLETED):
            yield ClockFact("met", clock, result, result.stopped_at or at, {"result": str(result.result)})
        case (Stage.IN_PROGRESS | Stage.PAUSED, Stage.CANCELLED):
            yield ClockFact("cancelled", clock, result, result.stopped_at or at, _words(said))
        case (Stage.IN_PROGRESS, Stage.PAUSED):
            yield ClockFact("paused", clock, result, at, {**_words(said), "reasons": clock.reasons(now)})
        case (Stage.PAUSED, Stage.IN_PROGRESS):
            yield ClockFact("resumed", clock, result, at, _words(said))


def _begun_anew(
    clock: Clock, result: ClockResult, before: State, said: Mapping[str, Any], now: datetime
) -> Iterator[ClockFact]:
    """The other promise of a clock that was begun anew for it."""
    if "behaviour" in said and result.cycle > before.cycle:
        yield _retargeted(clock, result, before, said, said.get("at", now))


def _retargeted(clock: Clock, result: ClockResult, before: State, said: Mapping[str, Any], at: datetime) -> ClockFact:
    detail = {name: said[name] for name in ("behaviour", "cause", "previous_policy")}
    return ClockFact("retargeted", clock, result, at, {**detail, "previous_due_at": before.due_at})


def _moved(
    clock: Clock, result: ClockResult, before: State, said: Mapping[str, Any], at: datetime
) -> Iterator[ClockFact]:
    """A clock that goes on, with another promise or due instant."""
    due = result.due_if_resumed_now
    if "behaviour" in said and result.result is Result.OPEN:
        yield _retargeted(clock, result, before, said, at)
    elif "extended_from" in said and due != said["extended_from"]:
        yield ClockFact("extended", clock, result, at, {**_words(said), "previous_due_at": said["extended_from"]})
    elif "derived_from" in said and due != said["derived_from"]:
        detail = {"previous_due_at": said["derived_from"], "cause": said["cause"]}
        yield ClockFact("due_changed", clock, result, at, detail)


def _words(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"reason": said.get("reason"), "by": said.get("by")}


def _taken_back(
    clock: Clock,
    results: Sequence[ClockResult],
    gone: frozenset[str],
    before: State | None,
    said: Mapping[str, Any],
    now: datetime,
) -> Iterator[ClockFact]:
    """What was told and no longer holds, because an event was recorded with an earlier effective time.

    One correction for each cycle, of the breach and the warnings together; a breach that stays, at another instant, is
    corrected and not told again.
    """
    cycles = {result.cycle: result for result in results}
    lost: dict[int, set[str]] = {}
    for mark in gone:
        cycle, _, what = mark.partition(":")
        lost.setdefault(int(cycle), set()).add(what)
    if before is not None and not said.get("tells_moves") and _has_moved(cycles.get(before.cycle), before):
        lost.setdefault(before.cycle, set()).add(_BREACH)
    for number, whats in sorted(lost.items()):
        result = cycles.get(number, results[-1])
        had_breached = _BREACH in whats
        was_due = None if before is None else before.due_at or (before.breached_at if had_breached else None)
        detail = {
            "corrects": "breached" if had_breached else "warned",
            "thresholds": sorted(whats - {_BREACH}),
            "had_breached": had_breached,
            "breached_at": result.breached_at,
            "previous_due_at": was_due,
            "reason": said.get("reason"),
        }
        yield ClockFact("corrected", clock, result, said.get("at", now), detail)


def _has_moved(result: ClockResult | None, before: State) -> bool:
    """Whether a breach that was told lies at another instant now."""
    return (
        result is not None
        and result.breached_at is not None
        and before.breached_at is not None
        and result.breached_at != before.breached_at
    )
