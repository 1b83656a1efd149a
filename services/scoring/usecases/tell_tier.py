"""Telling a customer's tier with its reasons, and its metrics, as of an instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.scoring.domain.evaluator_rows import MetricValue
from services.scoring.domain.explain import Grade, evaluate_one
from services.scoring.domain.models.metrics import METRICS, STAGE, Kind
from services.scoring.domain.standing import applies, primary
from services.scoring.store import standings
from services.scoring.store.customer_queries import CustomerRow, find
from services.scoring.store.metric_definitions import DEFINITIONS
from services.scoring.store.metric_query import FACTS, GAPS_FOUND
from services.scoring.store.metrics import metric_evidence
from services.scoring.store.models import ActiveModel, Models
from services.scoring.store.raw import Raw
from services.scoring.store.standings import Reached
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Evidence:
    """A metric's value with the number of facts behind it and of those that could not be read."""

    value: MetricValue
    facts: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Told:
    """A grade computed now, and the standing that is in force."""

    customer: CustomerRow
    model: ActiveModel
    is_primary: bool
    grade: Grade
    standing: Reached | None

    @property
    def is_effective(self) -> bool:
        """Whether what is computed is what is in force."""
        if self.standing is None:
            return False
        verdict = self.standing.standing.verdict
        return (verdict.state, verdict.tier) == (self.grade.state, self.grade.tier)


async def require_customer(raw: Raw, customer_id: str) -> CustomerRow:
    """The customer; raises NotFound."""
    found = await find(raw, customer_id)
    if found is None:
        raise NotFound(f"there is no customer {customer_id!r}")
    return found


async def choose_model(raw: Raw, models: Models, customer: CustomerRow, key: str | None) -> tuple[ActiveModel, bool]:
    """The model asked for, or the customer's primary one, and whether it is that. Raises NotFound."""
    active = await models.active(raw)
    main = primary((model.applying for model in active), customer.segment)
    wanted = main if key is None else key
    for model in active:
        if model.key == wanted and applies(model.applying, customer.segment):
            return model, model.key == main
    if key is None:
        raise NotFound("no active model grades this customer")
    raise NotFound(f"the model {key!r} does not grade this customer: it is not active, or made for another segment")


async def tell_tier(raw: Raw, models: Models, customer_id: str, key: str | None, *, now: datetime) -> Told:
    """The tier that a model gives a customer as of `now`, and why. Raises NotFound."""
    customer = await require_customer(raw, customer_id)
    model, is_primary = await choose_model(raw, models, customer, key)
    found = await read_evidence(raw, model, customer_id, as_of=now, keys=model.compiled.metrics_needed)
    grade = evaluate_one(model.compiled, {name: told.value for name, told in found.items()})
    reached = await standings.reached(raw, [(customer_id, model.key)])
    return Told(customer, model, is_primary, grade, reached.get((customer_id, model.key)))


async def read_evidence(
    raw: Raw, model: ActiveModel, customer_id: str, *, as_of: datetime, keys: frozenset[str]
) -> dict[str, Evidence]:
    """These metrics of one customer, in the units of the evaluator; a metric that is not computed is not known."""
    compiled = model.compiled
    columns = await metric_evidence(raw, customer_id, keys, as_of=as_of, zone=compiled.zone, currency=compiled.currency)
    return {
        key: Evidence(
            value=_value(key, columns),
            facts=columns.get(key + FACTS) or 0,
            gaps=columns.get(key + GAPS_FOUND) or 0,
        )
        for key in METRICS
        if key in keys and key != STAGE
    }


async def all_metrics(
    raw: Raw, models: Models, customer_id: str, key: str | None, *, as_of: datetime
) -> tuple[ActiveModel, dict[str, Evidence]]:
    """Every metric of the catalogue for one customer, with the stage by the model's rule. Raises NotFound."""
    customer = await require_customer(raw, customer_id)
    model, _ = await choose_model(raw, models, customer, key)
    keys = frozenset(DEFINITIONS) | frozenset(METRICS)
    found = await read_evidence(raw, model, customer_id, as_of=as_of, keys=keys)
    stage = evaluate_one(model.compiled, {name: told.value for name, told in found.items()}).stage
    behind = found["days_since_last_purchase"].facts if stage is not None else 0
    return model, {**found, STAGE: Evidence(stage, behind, 0)}


def _value(key: str, columns: Mapping[str, int | None]) -> MetricValue:
    if METRICS[key].kind is not Kind.RATIO:
        return columns.get(key)
    numerator, denominator = columns.get(f"{key}.num"), columns.get(f"{key}.den")
    return None if numerator is None or not denominator else Fraction(numerator, denominator)
