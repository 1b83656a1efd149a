"""Regrading: the one way from stored facts to tiers, for the hot path, sweeps and recomputes alike.

What comes out is a function of the facts stored, the active models and the instant; hysteresis and approval are history
on top. Only what changed is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from services.scoring.domain.bands import EDGES
from services.scoring.domain.standing import Cause, primary
from services.scoring.store import customers, standings
from services.scoring.store.customers import CustomerState
from services.scoring.store.fact_days import ahead, fact_days
from services.scoring.store.metrics import metric_frame
from services.scoring.store.models import ActiveModel, Models
from services.scoring.usecases.announce import News, announce, applying_to
from services.scoring.usecases.grading import Graded, Timing, entries_of, grade, sources_of, standing_frame
from shared.contracts.currencies import MINOR_UNITS
from shared.db.unit_of_work import UnitOfWork

REVENUE: Final = "spend_365d"
"""The metric whose band is published as revenue at risk."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why customers are looked at. `profiled` are those whose published profile may have changed.

    `days` (by zone) and `whole` are as `Timing` has them; without days everybody is looked at whole. `fresh` are those
    of whom there is nothing but the facts behind `days`. `first_cause` is why somebody is graded for the first time.
    """

    cause: Cause = "data"
    first_cause: Cause = "data"
    days: Mapping[str, pl.DataFrame] | None = None
    whole: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    profiled: frozenset[str] = frozenset()


@dataclass(slots=True)
class Regraded:
    """What a batch came to."""

    customers: int = 0
    changed: int = 0
    by_model: dict[str, int] = field(default_factory=dict)


async def regrade(work: UnitOfWork, models: Models, ids: Iterable[str], occasion: Occasion) -> Regraded:
    """Grade these customers, who must be locked and known, as of now; write and publish what changed."""
    active = await models.active(work.raw)
    states = await customers.state_rows(work.raw, sorted(ids))
    known = [row[0] for row in states]
    groups = _by_segment(states)
    metrics = await _metrics(work, active, known)
    told = standing_frame(await standings.standing_columns(work.raw, known))
    unsure = _not_yet(active, groups, told) - occasion.fresh
    whole = frozenset(known) if occasion.days is None else occasion.whole | unsure
    timing = await _timing(work, active, whole, occasion)
    graded: list[Graded] = []
    for segment, members in groups.items():
        for model in applying_to(active, segment):
            frame = metrics[_place(model)]
            mine = frame if len(groups) == 1 else frame.filter(pl.col("customer_id").is_in(members))
            graded.append(grade(model, mine, told, timing=timing, now=work.now))
    ended = _ended(active, groups, told)
    before = await standings.reached(work.raw, [place for one in graded for place in one.places])
    entries = [
        entry for one in graded for entry in entries_of(one, before, causes=(occasion.cause, occasion.first_cause))
    ]
    await standings.record(work.raw, entries, now=work.now)
    await standings.reschedule(work.raw, {place: to for one in graded for place, to in one.moved.items()})
    await standings.end(work.raw, ended, now=work.now)
    revenue = _revenue(active, groups, metrics)
    touched = {entry.customer_id for entry in entries} | {place[0] for place in ended}
    touched |= occasion.profiled
    news = {}
    for row in states:
        now = revenue.get(row[0])
        if row[0] in touched or row[7] or (row[5], row[6]) != (now or (None, None)):
            news[row[0]] = News(CustomerState(*row), now)
    if news:
        await announce(work, active, news, entries)
    return _summary(known, entries)


def _place(model: ActiveModel) -> tuple[str, str]:
    return model.compiled.zone, model.compiled.currency


def _by_segment(states: Iterable[Sequence[Any]]) -> dict[str | None, list[str]]:
    groups: dict[str | None, list[str]] = defaultdict(list)
    for row in states:
        groups[row[1]].append(row[0])
    return groups


async def _metrics(
    work: UnitOfWork, models: Sequence[ActiveModel], ids: Sequence[str]
) -> dict[tuple[str, str], pl.DataFrame]:
    """Per zone and currency one frame with all metrics that its models need, read once."""
    needed: dict[tuple[str, str], set[str]] = {}
    for model in models:
        needed.setdefault(_place(model), {REVENUE}).update(model.compiled.metrics_needed)
    return {
        (zone, currency): await metric_frame(work.raw, ids, keys, as_of=work.now, zone=zone, currency=currency)
        for (zone, currency), keys in needed.items()
    }


def _not_yet(
    models: Sequence[ActiveModel], groups: Mapping[str | None, Sequence[str]], told: pl.DataFrame
) -> frozenset[str]:
    """Customers whom the version of some model that applies to them has not graded yet."""
    found: set[str] = set()
    for segment, members in groups.items():
        for model in applying_to(models, segment):
            graded = told.filter((pl.col("model") == model.key) & (pl.col("old_version") == model.version))
            found.update(set(members).difference(graded["customer_id"].to_list()))
    return frozenset(found)


async def _timing(work: UnitOfWork, models: Sequence[ActiveModel], whole: frozenset[str], occasion: Occasion) -> Timing:
    days = dict(occasion.days or {})
    if not whole:
        return Timing(days, whole)
    ids, sources = sorted(whole), sources_of(models)
    # Days just added count for the others only: one that was taken back would hide the last day that stands.
    days = {zone: frame.filter(~pl.col("customer_id").is_in(ids)) for zone, frame in days.items()}
    for zone, currency in {_place(model) for model in models}:
        found = await fact_days(work.raw, ids, sources, as_of=work.now, zone=zone, currency=currency)
        days[zone] = pl.concat([days[zone], found]) if zone in days else found
    coming = await ahead(work.raw, ids, as_of=work.now)
    return Timing(days, None if occasion.days is None else whole, coming)


def _ended(
    models: Sequence[ActiveModel], groups: Mapping[str | None, Sequence[str]], told: pl.DataFrame
) -> list[tuple[str, str]]:
    """Standings in models that are active no longer, or that do not grade the customer's segment."""
    ended: list[tuple[str, str]] = []
    for segment, members in groups.items():
        grading = [model.key for model in applying_to(models, segment)]
        others = told.filter(~pl.col("model").is_in(grading))
        if others.height:
            mine = frozenset(members)
            ended += [(id_, key) for id_, key in others.select("customer_id", "model").iter_rows() if id_ in mine]
    return ended


def _revenue(
    models: Sequence[ActiveModel],
    groups: Mapping[str | None, Sequence[str]],
    metrics: Mapping[tuple[str, str], pl.DataFrame],
) -> dict[str, tuple[int, str]]:
    """Band and currency of the yearly revenue, in the currency of each customer's primary model."""
    found: dict[str, tuple[int, str]] = {}
    by_key = {model.key: model for model in models}
    for segment, members in groups.items():
        chosen = primary((model.applying for model in models), segment)
        if chosen is None:
            continue
        place = _place(by_key[chosen])
        edges = pl.Series([edge * 10 ** MINOR_UNITS[place[1]] for edge in EDGES], dtype=pl.Int64)
        frame = metrics[place].filter(pl.col(REVENUE).is_not_null())
        if len(groups) > 1:
            frame = frame.filter(pl.col("customer_id").is_in(members))
        bands = (edges.search_sorted(frame[REVENUE], side="right").cast(pl.Int64) - 1).clip(lower_bound=0)
        found.update(
            (customer_id, (band, place[1]))
            for customer_id, band in zip(frame["customer_id"].to_list(), bands.to_list(), strict=True)
        )
    return found


def _summary(known: Sequence[str], entries: Iterable[standings.Entry]) -> Regraded:
    summary = Regraded(customers=len(known))
    for entry in entries:
        summary.changed += 1
        summary.by_model[entry.change.after.model] = summary.by_model.get(entry.change.after.model, 0) + 1
    return summary
