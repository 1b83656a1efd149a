"""Scoring after a crash run: facts stored once, tiers as if nothing had happened, and all of it told."""

from collections import Counter
from random import Random

from services.commands.names import ServiceName
from services.commands.platform import Platform
from services.scoring.api.models import MODELS, model_kind
from services.scoring.settings import ScoringSettings
from services.scoring.store.models import Models
from services.scoring.usecases.apply_facts import apply_facts
from shared.contracts import CloudEvent, minor_units, parse_structured, validate
from shared.db.migrations import migrate
from shared.documents.presets import load_presets
from shared.service import Foundation
from tests.support.faults.evidence import Evidence, Verdict, repeated

SCORING = ServiceName.SCORING
_STANDINGS = "select customer_id, model, state, tier, rank, service_class from standing"
_CUSTOMERS = (
    "select c.id, t.service_class, t.service_class_source, c.name, c.region"
    " from customer c join customer_state t on t.customer_id = c.id"
)


async def judge_scoring(evidence: Evidence, platform: Platform, verdict: Verdict, *, random: Random) -> None:
    """Look at everything that scoring keeps and has told."""
    stored = await _facts(evidence, verdict)
    await _observations(evidence, verdict, stored)
    await _recompute(evidence, platform, verdict, stored, random=random)
    await _told(evidence, verdict)


async def _facts(evidence: Evidence, verdict: Verdict) -> dict[tuple[str, str], CloudEvent]:
    """What was acknowledged is stored; nothing is stored that was not sent; each is as it was told."""
    sent = evidence.ledger.sent
    rows = await evidence.rows(SCORING, "select source, event_id, customer_id, type from fact")
    stored = {(row["source"], row["event_id"]) for row in rows}
    verdict.none("acknowledged fact that is not stored", sorted(evidence.ledger.acknowledged - stored))
    verdict.none("stored fact that nobody sent", sorted(stored - sent.keys()))
    for row in rows:
        fact = sent.get((row["source"], row["event_id"]))
        if fact is not None and (row["customer_id"], row["type"]) != (fact["subject"], fact["type"]):
            verdict.none("stored fact that is another", [dict(row)])
    on_bus = {(e.event.source, e.event.id) for e in evidence.events if e.topic == "moat.facts.v1"}
    verdict.same("facts on the bus and facts stored", on_bus, stored)
    return {identity: parse_structured(sent[identity]) for identity in sorted(stored & sent.keys())}


async def _observations(evidence: Evidence, verdict: Verdict, stored: dict[tuple[str, str], CloudEvent]) -> None:
    """The narrow tables hold exactly what the stored facts say."""
    kinds = Counter(event.type.removeprefix("customer.") for event in stored.values())
    for table, kind in (
        ("purchase", "order.placed.v1"),
        ("refund", "order.refunded.v1"),
        ("mention", "opinion.mentioned.v1"),
    ):
        count = await evidence.value(SCORING, f"select count(*) from {table}")
        verdict.none(f"{table} table off its facts (rows, facts)", [(count, kinds[kind])] * (count != kinds[kind]))
    amounts = {
        kind: sum(
            minor_units((event.data or {})["amount"], "CNY")
            for event in stored.values()
            if event.type == f"customer.{kind}.v1"
        )
        for kind in ("order.placed", "order.refunded")
    }
    for table, kind in (("purchase", "order.placed"), ("refund", "order.refunded")):
        total = await evidence.value(SCORING, f"select coalesce(sum(amount), 0)::bigint from {table}")
        verdict.none(f"sum of {table} (table, facts)", [(total, amounts[kind])] * (total != amounts[kind]))


async def _recompute(
    evidence: Evidence,
    platform: Platform,
    verdict: Verdict,
    stored: dict[tuple[str, str], CloudEvent],
    *,
    random: Random,
) -> None:
    """The same facts, told to an empty scoring in another order, lead to the same tiers."""
    url = platform.postgres.create_database("judge_scoring")
    await migrate(url, "scoring")
    settings = ScoringSettings(database_url=url, bus_url=url, port=0)
    base = Foundation.lay("scoring", settings)
    try:
        await load_presets(base.uow, model_kind(), MODELS)
        events = list(stored.values())
        random.shuffle(events)
        models = Models()
        for start in range(0, len(events), 4000):
            chunk = events[start : start + 4000]
            async with base.uow() as work:
                await work.lock({event.subject for event in chunk})
                await apply_facts(work, models, [(event, validate(event)) for event in chunk])
        async with base.uow() as work:
            for what, statement in (("standings", _STANDINGS), ("customers", _CUSTOMERS)):
                fresh = [tuple(row) for row in await work.raw.fetch(statement)]
                there = [tuple(row.values()) for row in await evidence.rows(SCORING, statement)]
                verdict.same(f"{what} after the run and recomputed", there, fresh)
    finally:
        await base.database.close()


async def _told(evidence: Evidence, verdict: Verdict) -> None:
    """Each change of tier was told once; the last snapshot of each customer is what stands."""
    changes = evidence.of_type("scoring.tier.changed.v1")
    verdict.none(
        "tier change told twice", repeated((e.event.subject, e.data["model"], e.data["version"]) for e in changes)
    )
    history = await evidence.rows(
        SCORING,
        "select customer_id, coalesce(from_tier, '-') as before, coalesce(tier, '-') as after, count(*) as n"
        " from tier_history where direction is not null group by 1, 2, 3",
    )
    told = Counter((e.event.subject, e.data["from_tier"] or "-", e.data["to_tier"] or "-") for e in changes)
    verdict.same(
        "tier changes in the history and told",
        ((row["customer_id"], row["before"], row["after"], row["n"]) for row in history),
        ((*key, count) for key, count in told.items()),
    )
    last = {id_: event.data for id_, event in evidence.latest("scoring.customer.snapshot.v1").items()}
    rows = await evidence.rows(
        SCORING, "select customer_id as id, service_class from customer_state where published is not null"
    )
    verdict.same(
        "customers and their last snapshots",
        ((row["id"], row["service_class"]) for row in rows),
        ((id_, data["service_class"]) for id_, data in last.items()),
    )
