"""Telling the world: tier changes, and snapshots when a published field changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.scoring.domain.standing import Applying, Verdict, applies, primary, service_class, tiers
from services.scoring.publishing import CUSTOMERS, TIERS, snapshot, snapshot_fields, tier_changed
from services.scoring.store import customers, standings
from services.scoring.store.customers import CustomerState
from services.scoring.store.models import ActiveModel
from services.scoring.store.standings import Entry
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class News:
    """What may have to be told of one customer: its state before and, from the primary model, its revenue now."""

    state: CustomerState
    revenue: tuple[int, str] | None
    """Band and currency of the yearly revenue; None when not known."""


async def announce(
    work: UnitOfWork,
    models: Sequence[ActiveModel],
    news: Mapping[str, News],
    entries: Iterable[Entry],
) -> None:
    """Publish what changed for these customers, whose standings are already written, and note what was published."""
    ids = sorted(news)
    told = await customers.published(work.raw, ids)
    verdicts = await standings.verdicts(work.raw, ids)
    applying = [model.applying for model in models]
    changes: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.change.direction is not None:
            changes[entry.customer_id].append(entry)
    saved: list[tuple[CustomerState, Mapping[str, Any] | None, int | None]] = []
    for customer_id in ids:
        customer = told[customer_id]
        state = _state_now(applying, news[customer_id], verdicts[customer_id], customer.segment)
        version = customer.sequence
        for entry in changes[customer_id]:
            version += 1
            work.publish(
                TIERS,
                tier_changed(
                    entry,
                    customer,
                    version=version,
                    primary=state.primary_model,
                    classes=(news[customer_id].state.service_class, state.service_class),
                    now=work.now,
                ),
            )
        fields = snapshot_fields(customer, state, tiers(list(verdicts[customer_id].values())))
        if fields != customer.last:
            version += 1
            work.publish(CUSTOMERS, snapshot(customer_id, fields, version=version, now=work.now))
            saved.append((state, fields, version))
        elif version != customer.sequence or state != news[customer_id].state:
            saved.append((state, None, version))
    await customers.save_published(work.raw, saved)


def _state_now(
    models: Sequence[Applying], news: News, verdicts: Mapping[str, Verdict], segment: str | None
) -> CustomerState:
    chosen = primary(models, segment)
    class_, source = service_class(verdicts, chosen)
    band, currency = news.revenue or (None, None)
    return CustomerState(
        id=news.state.id,
        segment=segment,
        service_class=class_,
        service_class_source=source,
        primary_model=chosen,
        revenue_band=band,
        revenue_currency=currency,
    )


def applying_to(models: Iterable[ActiveModel], segment: str | None) -> list[ActiveModel]:
    """The models that grade customers of this segment."""
    return [model for model in models if applies(model.applying, segment)]
