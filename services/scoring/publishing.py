"""From what scoring decided to what it promised to publish."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from services.scoring.domain.bands import edges_of
from services.scoring.domain.standing import ServiceClass
from services.scoring.store.customers import CustomerState, Published
from services.scoring.store.standings import Entry
from shared.contracts import CloudEvent, event_of
from shared.contracts.scoring import CustomerSnapshot, RevenueBand, TierChanged, TierReason
from shared.ids import new_id

SOURCE: Final = "/moat/scoring"
TIERS: Final = "moat.scoring.v1"
CUSTOMERS: Final = "moat.customers.v1"


def tier_changed(
    entry: Entry,
    customer: Published,
    *,
    version: int,
    primary: str | None,
    classes: tuple[ServiceClass, ServiceClass],
    now: datetime,
) -> CloudEvent:
    """`scoring.tier.changed.v1`: `classes` are what the customer is promised before and after."""
    before, after = entry.change.before, entry.change.after
    assert entry.change.direction is not None, "a tier that was null and is null did not change"
    payload = TierChanged(
        customer_id=customer.id,
        version=version,
        name=customer.name,
        account_manager=customer.account_manager,
        segment=customer.segment,
        region=customer.region,
        model=after.model,
        model_version=after.version,
        primary=after.model == primary,
        from_tier=before.tier if before is not None else None,
        to_tier=after.tier,
        direction=entry.change.direction,
        previous_service_class=classes[0],
        service_class=classes[1],
        cause=entry.change.cause,
        effective_at=now,
        as_of=now,
        emergency=entry.change.cause == "emergency",
        score=_display(entry.score),
        max_score=_display(entry.max_score),
        reasons=_reasons(entry.bands_before, entry.bands),
    )
    return event_of(payload, id=new_id(), source=SOURCE, subject=customer.id, time=now)


def snapshot_fields(
    customer: Published, state: CustomerState, tiers: Mapping[str, str], *, risk_flags: Sequence[str] = ()
) -> dict[str, Any]:
    """What a snapshot says, without what changes at every sending: version and instant."""
    band = None
    if state.revenue_band is not None and state.revenue_currency is not None:
        at_least, below = edges_of(state.revenue_band)
        band = {
            "currency": state.revenue_currency,
            "at_least": str(at_least),
            "below": None if below is None else str(below),
        }
    return {
        "name": customer.name,
        "segment": customer.segment,
        "region": customer.region,
        "account_manager": customer.account_manager,
        "service_class": state.service_class,
        "service_class_source": state.service_class_source,
        "primary_model": state.primary_model,
        "tiers": dict(tiers),
        "risk_flags": sorted(risk_flags),
        "revenue_at_risk": band,
        "parent_customer_id": customer.parent_customer_id,
        "merged_into": None,
        "erased": False,
    }


def snapshot(customer_id: str, fields: Mapping[str, Any], *, version: int, now: datetime) -> CloudEvent:
    """`scoring.customer.snapshot.v1` of `snapshot_fields`."""
    band = fields["revenue_at_risk"]
    payload = CustomerSnapshot(
        **{**fields, "revenue_at_risk": None if band is None else RevenueBand(**band)},
        customer_id=customer_id,
        version=version,
        as_of=now,
    )
    return event_of(payload, id=new_id(), source=SOURCE, subject=customer_id, time=now)


def _display(parts: tuple[int, int] | None) -> float | int | None:
    if parts is None:
        return None
    score = Fraction(*parts)
    return score.numerator if score.denominator == 1 else round(float(score), 4)


def _reasons(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[TierReason]:
    """The indicators whose band moved since the tier before was given; all of them at the first grading."""
    return [
        _reason(indicator, before.get(indicator), band)
        for indicator, band in after.items()
        if band != before.get(indicator)
    ]


@lru_cache(maxsize=10_000)
def _reason(indicator: str, before: str | None, after: str | None) -> TierReason:
    """There are few of these; they never change."""
    now = f"{indicator} is {after}" if after is not None else f"{indicator} is not known"
    summary = now if before is None else f"{now}, was {before}"
    return TierReason(indicator=indicator, before=before, after=after, summary=summary)
