"""A customer's tier with its reasons, its history in two times, and the metrics behind it."""

from datetime import datetime
from typing import Annotated

from fastapi import Query

from services.scoring.api.grades import grade_fields
from services.scoring.api.shapes import (
    CustomerId,
    HistoryEntryOut,
    MetricDefinitionOut,
    MetricOut,
    MetricsOut,
    ModelKey,
    TierOut,
)
from services.scoring.documents.metric_values import show_metric
from services.scoring.domain.metric_descriptions import DESCRIPTIONS
from services.scoring.domain.models.model import Model
from services.scoring.store.models import Models
from services.scoring.store.tier_history import entries_at, entries_page
from services.scoring.usecases.tell_tier import Evidence, Told, all_metrics, require_customer, tell_tier
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.contracts.fields import Instant
from shared.db.database import raw_connection
from shared.errors import Unprocessable
from shared.web.kernel import ReadDatabase, TheClock, part
from shared.web.pages import PageRequest
from shared.web.routing import Router
from shared.web.schema import Listing

router = Router(prefix="/v1", tags=["tiers"], dependencies=[require("scoring:read")])
TheModels = Annotated[Models, part(Models)]
AskedAt = Annotated[Instant | None, Query(description="An instant with its offset.", examples=["2026-03-01T00:00:00Z"])]


@router.get("/customers/{customer_id}/tier", summary="Read a tier and why")
async def read_tier(
    customer_id: CustomerId, database: ReadDatabase, clock: TheClock, models: TheModels, model: ModelKey = None
) -> TierOut:
    """Computed now from the facts, by the same evaluator that graded the customer.

    With metric values, bands, points and weights, rules that fired, what was missing, and the smallest changes that
    would move the tier.
    """
    now = clock.now()
    async with database.read() as connection:
        told = await tell_tier(await raw_connection(connection), models, customer_id, model, now=now)
    return _tier(told, now)


def _tier(told: Told, now: datetime) -> TierOut:
    standing = told.standing.standing if told.standing is not None else None
    return TierOut(
        **grade_fields(told.grade, told.model.compiled.model),
        customer_id=told.customer.id,
        model=told.model.key,
        model_version=told.model.version,
        primary=told.is_primary,
        lifecycle="effective" if told.is_effective else "computed",
        effective_tier=standing.verdict.tier if standing else None,
        effective_at=standing.effective_at if standing else None,
        computed_at=now,
        as_of=now,
        cause=standing.cause if standing else None,
    )


@router.get("/customers/{customer_id}/metrics", summary="Read metrics")
async def read_metrics(
    customer_id: CustomerId,
    database: ReadDatabase,
    clock: TheClock,
    models: TheModels,
    as_of: AskedAt = None,
    model: ModelKey = None,
) -> MetricsOut:
    """Every metric as of an instant, from all that is known by now, with the number of facts behind it.

    Without `as_of` it is now. Days end at midnight in the model's zone; money is in its currency.
    """
    at = _not_ahead(as_of, clock.now(), "as_of")
    async with database.read() as connection:
        chosen, found = await all_metrics(await raw_connection(connection), models, customer_id, model, as_of=at)
    shape = chosen.compiled.model
    return MetricsOut(
        customer_id=customer_id,
        as_of=at,
        model=chosen.key,
        zone=shape.zone,
        currency=shape.currency,
        metrics={key: _metric(shape, key, found[key]) for key in DESCRIPTIONS},
    )


def _metric(model: Model, key: str, told: Evidence) -> MetricOut:
    described = DESCRIPTIONS[key]
    unit = model.currency if described.unit == "money" else described.unit
    value = show_metric(model, key, told.value)
    return MetricOut(value=value, unit=unit, window=described.window, facts=told.facts, gaps=told.gaps)


@router.get("/metrics", summary="Read the metric catalogue")
async def read_catalogue() -> Listing[MetricDefinitionOut]:
    """Definition, unit, window, source facts and the meaning of null, of every metric."""
    items = [MetricDefinitionOut.model_validate(told) for told in DESCRIPTIONS.values()]
    return Listing(items=items, next_page_token=None)


@router.get("/customers/{customer_id}/tier-history", summary="Read the history of tiers")
async def read_history(
    customer_id: CustomerId,
    page: PageRequest,
    database: ReadDatabase,
    clock: TheClock,
    valid_at: AskedAt = None,
    known_at: AskedAt = None,
    model: Annotated[str | None, Query(max_length=64, description="Only this model.")] = None,
) -> Listing[HistoryEntryOut]:
    """The history in two times: `valid_at` asks what the tier was at an instant, `known_at` what was believed then.

    Both together answer "what did we believe on 1 March about 1 February?". Without `valid_at` all entries, the latest
    first.
    """
    async with database.read() as connection:
        raw = await raw_connection(connection)
        await require_customer(raw, customer_id)
        if valid_at is not None:
            rows = await entries_at(raw, customer_id, model, valid_at=valid_at, known_at=known_at or clock.now())
            return Listing(items=[HistoryEntryOut.of(row) for row in rows], next_page_token=None)
        before = (page.after[0], page.after[1]) if page.after else None
        rows = await entries_page(raw, customer_id, model, known_at=known_at, before=before, limit=page.limit)
    return page.listing(rows, key=lambda row: (row.valid_from, row.id), item=HistoryEntryOut.of)


def _not_ahead(at: datetime | None, now: datetime, name: str) -> datetime:
    if at is not None and at > now:
        raise Unprocessable(errors=[FieldError(f"/query/{name}", "future", "nothing is known of the time ahead")])
    return at or now
