"""Why a customer has this tier: one row through the evaluator, told in full.

    grade = evaluate_one(compiled, {"days_since_last_purchase": 12, "spend_365d": 51_000_000, ...})

`metrics` maps keys to values in the evaluator's units: int for counts, days, ratings and money (minor units), Fraction
(or int) for ratios, str for categories, None (or absent) for not known. Keys that the model does not need are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from services.scoring.domain.evaluator import CompiledModel

MetricValue = int | Fraction | str | None


@dataclass(frozen=True, slots=True)
class Grade:
    """A tier with its reasons; `as_json` (services.scoring.api.grades) is its published shape."""

    tier: str | None
    service_class: str | None
    rank: int | None
    score: Fraction | None
    max_score: Fraction
    state: str
    coverage: Fraction


def evaluate_one(compiled: CompiledModel, metrics: Mapping[str, MetricValue], *, profile: str | None = None) -> Grade:
    """Grade one customer through `evaluate`, with bands, contributions, rules, what is missing and what would change it."""
    raise NotImplementedError
