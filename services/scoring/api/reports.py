"""Reports over all customers."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import Field

from services.scoring.api.shapes import Segment
from services.scoring.store import reports
from services.scoring.store.models import Models
from services.scoring.store.raw import Raw
from shared.auth.guard import require
from shared.contracts.errors import FieldError
from shared.contracts.fields import Instant
from shared.db.database import raw_connection
from shared.errors import NotFound, Unprocessable
from shared.web.kernel import ReadDatabase, TheClock, part
from shared.web.routing import Router
from shared.web.schema import Out

router = Router(prefix="/v1/reports", tags=["reports"], dependencies=[require("scoring:read")])
Model = Annotated[str, Query(max_length=64, description="Key of the model.", examples=["rfm-lifecycle"])]
TheModels = Annotated[Models, part(Models)]


class TierShareOut(Out):
    """Customers in one tier."""

    tier: str
    rank: int
    service_class: str
    customers: int
    share: float = Field(description="Of all graded customers, 0 to 1.")


class DistributionOut(Out):
    """How customers are spread over tiers now."""

    model: str
    as_of: datetime
    graded: int
    insufficient_data: int
    tiers: list[TierShareOut] = Field(description="The best first; a tier without customers is absent.")
    service_classes: dict[str, int] = Field(description="Of all customers, by what they are promised.")


@router.get("/distribution", summary="Report the distribution over tiers")
async def report_distribution(
    model: Model, database: ReadDatabase, clock: TheClock, models: TheModels, segment: Segment = None
) -> DistributionOut:
    """How many customers are in each tier of a model, and in each service class, now."""
    async with database.read() as connection:
        raw = await raw_connection(connection)
        await _require_model(raw, models, model)
        rows = await reports.distribution(raw, model, segment=segment)
        classes = await reports.service_classes(raw, segment=segment)
    graded = sum(row.customers for row in rows if row.tier is not None)
    return DistributionOut(
        model=model,
        as_of=clock.now(),
        graded=graded,
        insufficient_data=sum(row.customers for row in rows if row.tier is None),
        tiers=[
            TierShareOut(
                tier=row.tier,
                rank=row.rank or 0,
                service_class=row.service_class or "",
                customers=row.customers,
                share=round(row.customers / graded, 6),
            )
            for row in rows
            if row.tier is not None
        ],
        service_classes=classes,
    )


class MoveOut(Out):
    """Customers who were in one tier at the beginning and in another at the end; null is no tier."""

    from_tier: str | None
    to_tier: str | None
    customers: int


class ChangesOut(Out):
    """How many changes of one kind there were."""

    direction: str
    cause: str
    changes: int


class MigrationOut(Out):
    """Who moved between the tiers of a model."""

    model: str
    start: datetime
    end: datetime
    moves: list[MoveOut] = Field(description="Those who stayed included.")
    changes: list[ChangesOut] = Field(description="Changes between the two instants; a customer may have several.")


@router.get("/migration", summary="Report moves between tiers")
async def report_migration(
    model: Model,
    database: ReadDatabase,
    clock: TheClock,
    models: TheModels,
    start: Annotated[Instant | None, Query(description="From when; 90 days before the end without it.")] = None,
    end: Annotated[Instant | None, Query(description="Until when; now without it.")] = None,
) -> MigrationOut:
    """The migration matrix between two instants, and the changes between them by direction and cause.

    So a change of the model is told from a change of behaviour.
    """
    until = end or clock.now()
    since = start or until - timedelta(days=90)
    if since >= until:
        raise Unprocessable(errors=[FieldError("/query/start", "order", "the start lies before the end")])
    async with database.read() as connection:
        raw = await raw_connection(connection)
        await _require_model(raw, models, model)
        moves = await reports.migration(raw, model, start=since, end=until)
        changes = await reports.changes(raw, model, start=since, end=until)
    return MigrationOut(
        model=model,
        start=since,
        end=until,
        moves=[MoveOut.model_validate(row) for row in moves],
        changes=[ChangesOut(direction=direction, cause=cause, changes=n) for direction, cause, n in changes],
    )


async def _require_model(raw: Raw, models: Models, key: str) -> None:
    if key not in {model.key for model in await models.active(raw)}:
        raise NotFound(f"there is no active model {key!r}")
