"""Applying facts: stored once, told to the narrow tables and profiles, and their customers regraded.

The state that results is a function of the set of facts, not of their order, their batches or their repeats.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import polars as pl

from services.scoring.domain.profile import Profile, ProfileUpdate, merge
from services.scoring.publishing import SOURCE
from services.scoring.store import customers, facts, observations
from services.scoring.store.fact_days import DAYS_SCHEMA
from services.scoring.store.models import Models
from services.scoring.store.observations import Observations
from services.scoring.usecases.grading import INSTANT
from services.scoring.usecases.observe import observe, occurred_at
from services.scoring.usecases.regrade import Occasion, Regraded, regrade
from shared.contracts import CloudEvent, Payload
from shared.contracts.facts import (
    ComplaintReceived,
    InteractionLogged,
    OpinionMentioned,
    OrderPlaced,
    ProfileUpdated,
    SurveyAnswered,
)
from shared.db.unit_of_work import UnitOfWork

EDITED: Final = f"{SOURCE}/customers"
"""Source of profile facts that people wrote through our own API: those counted as edits when they were sent."""
_ADDING: Final[Mapping[type[Payload], tuple[str, ...]]] = {
    OrderPlaced: ("purchase", "since"),
    InteractionLogged: ("contact",),
    ComplaintReceived: ("complaint",),
    OpinionMentioned: ("opinion",),
    SurveyAnswered: ("survey",),
}
"""Facts that add a day to these sources and take none away."""
Days = dict[str, pl.DataFrame]
_NEUTRAL: Final = frozenset({"customer.complaint.updated.v1"})


@dataclass(slots=True)
class Batch:
    """What the new facts of a batch say, sorted by what is done with it."""

    stored: list[tuple[CloudEvent, datetime]] = field(default_factory=list)
    seen: Observations = field(default_factory=Observations)
    updates: dict[str, list[ProfileUpdate]] = field(default_factory=dict)
    added: dict[tuple[str, ...], tuple[list[str], list[datetime]]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    @property
    def customers(self) -> set[str]:
        return {event.subject for event, _ in self.stored}


async def apply_facts(work: UnitOfWork, models: Models, arrived: Sequence[tuple[CloudEvent, Payload]]) -> Regraded:
    """Apply those facts that are new; their customers must be locked."""
    positions = await facts.unseen(work.raw, [event for event, _ in arrived])
    batch = _sort((arrived[position] for position in positions), now=work.now)
    if not batch.stored:
        return Regraded()
    await facts.store(work.raw, batch.stored, received_at=work.now)
    told_anew = await observations.write(work.raw, batch.seen)
    fresh = await customers.ensure(work.raw, batch.customers, now=work.now)
    profiled = await _update_profiles(work, batch.updates)
    active = await models.active(work.raw)
    occasion = Occasion(
        days=_days(batch.added, {model.compiled.zone for model in active}),
        whole=frozenset(batch.whole | told_anew | profiled),
        fresh=fresh,
        profiled=profiled,
    )
    return await regrade(work, models, batch.customers, occasion)


def _sort(arrived: Iterable[tuple[CloudEvent, Payload]], *, now: datetime) -> Batch:
    batch = Batch()
    seen, store, added = batch.seen, batch.stored.append, batch.added
    for event, payload in arrived:
        at = occurred_at(event, payload)
        store((event, at))
        observe(seen, event, payload)
        adds = _ADDING.get(type(payload))
        if adds is not None and at <= now:
            known = added.get(adds)
            if known is None:
                known = added[adds] = ([], [])
            known[0].append(event.subject)
            known[1].append(at)
        elif isinstance(payload, ProfileUpdated):
            batch.whole.add(event.subject)
            batch.updates.setdefault(event.subject, []).append(_update(event, payload))
        elif event.type not in _NEUTRAL:
            batch.whole.add(event.subject)
    return batch


def _update(event: CloudEvent, payload: ProfileUpdated) -> ProfileUpdate:
    fields = {name: getattr(payload, name) for name in payload.model_fields_set}
    return ProfileUpdate(event.time, event.source, event.id, _plain(fields, payload.to_data()))


def _plain(fields: Mapping[str, object], data: Mapping[str, object]) -> dict[str, object]:
    """Fields as JSON has them, dates as dates: they have a column."""
    return {name: value if isinstance(value, date) else data.get(name) for name, value in fields.items()}


async def _update_profiles(work: UnitOfWork, updates: Mapping[str, Sequence[ProfileUpdate]]) -> frozenset[str]:
    """Merge profile facts; answers the customers whose profile is another than before."""
    if not updates:
        return frozenset()
    before = await customers.profiles(work.raw, updates)
    changed: dict[str, tuple[Profile, int]] = {}
    for customer_id, told in updates.items():
        merged = merge(before[customer_id], told)
        if merged != before[customer_id]:
            edits = sum(update.source != EDITED for update in told)
            changed[customer_id] = (merged, edits)
    if changed:
        await customers.save_profiles(work.raw, changed)
    return frozenset(id_ for id_, (profile, _) in changed.items() if profile.values != before[id_].values)


def _days(added: Mapping[tuple[str, ...], tuple[list[str], list[datetime]]], zones: Iterable[str]) -> Days:
    """The new facts' local days, by zone."""
    found = {}
    for zone in zones:
        parts = [pl.DataFrame(schema=DAYS_SCHEMA)]
        for sources, (ids, instants) in added.items():
            days = pl.Series("day", instants, dtype=INSTANT).dt.convert_time_zone(zone).dt.date()
            frame = pl.DataFrame([pl.Series("customer_id", ids, dtype=pl.String), days]).unique()
            parts += [frame.select("customer_id", pl.lit(source).alias("source"), "day") for source in sources]
        found[zone] = pl.concat(parts)
    return found
