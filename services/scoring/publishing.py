"""From what scoring decided to what it promised to publish.

Many of these are written in one transaction, so their data is put together here directly, as the payload types
(`TierChanged`, `CustomerSnapshot`) would send it; a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from services.scoring.domain.bands import edges_of
from services.scoring.domain.standing import ServiceClass
from services.scoring.store.customers import CustomerState, Published
from services.scoring.store.standings import Entry
from shared.contracts import CloudEvent, format_instant, registry
from shared.contracts.scoring import CustomerSnapshot, TierChanged
from shared.ids import new_id

SOURCE: Final = "/moat/scoring"
TIERS: Final = "moat.scoring.v1"
CUSTOMERS: Final = "moat.customers.v1"
_TIER_CHANGED: Final = registry.of_model(TierChanged)
_SNAPSHOT: Final = registry.of_model(CustomerSnapshot)


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
    instant = format_instant(now)
    data = {
        "customer_id": customer.id,
        "version": version,
        "name": customer.name,
        "account_manager": customer.account_manager,
        "segment": customer.segment,
        "region": customer.region,
        "model": after.model,
        "model_version": after.version,
        "primary": after.model == primary,
        "from_tier": before.tier if before is not None else None,
        "to_tier": after.tier,
        "direction": entry.change.direction,
        "previous_service_class": classes[0],
        "service_class": classes[1],
        "cause": entry.change.cause,
        "effective_at": instant,
        "as_of": instant,
        "emergency": entry.change.cause == "emergency",
        "score": _display(entry.score),
        "max_score": _display(entry.max_score),
        "reasons": _reasons(entry.bands_before, entry.bands),
    }
    return _event(_TIER_CHANGED.type, _TIER_CHANGED.dataschema, customer.id, data, now)


def snapshot_fields(
    customer: Published, state: CustomerState, tiers: Mapping[str, str], *, risk_flags: Sequence[str] = ()
) -> dict[str, Any]:
    """What a snapshot says, without what changes at every sending: version and instant."""
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
        "revenue_at_risk": _band(state.revenue_band, state.revenue_currency),
        "parent_customer_id": customer.parent_customer_id,
        "merged_into": None,
        "erased": False,
    }


def snapshot(customer_id: str, fields: Mapping[str, Any], *, version: int, now: datetime) -> CloudEvent:
    """`scoring.customer.snapshot.v1` of `snapshot_fields`."""
    data = {"customer_id": customer_id, "version": version, **fields, "as_of": format_instant(now)}
    return _event(_SNAPSHOT.type, _SNAPSHOT.dataschema, customer_id, data, now)


def _event(type_: str, dataschema: str, customer_id: str, data: dict[str, Any], now: datetime) -> CloudEvent:
    return CloudEvent(
        id=new_id(), source=SOURCE, type=type_, subject=customer_id, time=now, data=data, dataschema=dataschema
    )


def _band(band: int | None, currency: str | None) -> dict[str, Any] | None:
    if band is None or currency is None:
        return None
    at_least, below = edges_of(band)
    return {"currency": currency, "at_least": str(at_least), "below": None if below is None else str(below)}


def _display(parts: tuple[int, int] | None) -> float | int | None:
    if parts is None:
        return None
    score = Fraction(*parts)
    return score.numerator if score.denominator == 1 else round(float(score), 4)


def _reasons(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """The indicators whose band moved since the tier before was given; all of them at the first grading."""
    return [
        {
            "indicator": indicator,
            "before": before.get(indicator),
            "after": band,
            "summary": _moved(indicator, before.get(indicator), band),
        }
        for indicator, band in after.items()
        if band != before.get(indicator)
    ]


@lru_cache(maxsize=10_000)
def _moved(indicator: str, before: str | None, after: str | None) -> str:
    now = f"{indicator} is {after}" if after is not None else f"{indicator} is not known"
    return now if before is None else f"{now}, was {before}"
