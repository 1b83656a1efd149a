"""What a model says of a customer, how that changed, and which model decides the service class."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

State = Literal["graded", "insufficient_data"]
Direction = Literal["initial", "upgrade", "downgrade"]
Cause = Literal["data", "model", "override", "expiry", "emergency", "review", "merge", "reversal"]
ServiceClass = Literal["strategic", "key", "standard", "basic"]
ClassSource = Literal["graded", "default", "override"]

DEFAULT_CLASS: Final[ServiceClass] = "standard"
"""The service class of a customer whom no model has graded."""
_CLASS_ORDER: Final[Mapping[str, int]] = {"strategic": 1, "key": 2, "standard": 3, "basic": 4}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one version of a model makes of a customer's metrics; tier, rank (1 = best) and class only when graded."""

    model: str
    version: int
    state: State
    tier: str | None = None
    rank: int | None = None
    service_class: ServiceClass | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict in force. `graded_before` says whether this model ever gave a tier."""

    verdict: Verdict
    graded_before: bool
    effective_at: datetime
    cause: Cause = "data"


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that replaces another. `direction` is None where there was no tier and is none."""

    before: Verdict | None
    after: Verdict
    direction: Direction | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Applying:
    """A model that grades this customer, as far as choosing the primary one needs it."""

    key: str
    segment: str | None
    priority: int


def change(before: Standing | None, after: Verdict, *, cause: Cause = "data") -> Change | None:
    """What `after` changes; None when tier, state and service class stay as they are.

    A verdict of another version of the model is caused by the model, whatever was the occasion.
    """
    old = before.verdict if before is not None else None
    if old is not None and (old.state, old.tier, old.service_class) == (after.state, after.tier, after.service_class):
        return None
    moved_by_model = old is not None and old.version != after.version
    return Change(
        before=old,
        after=after,
        direction=_direction(before, after),
        cause="model" if moved_by_model and cause == "data" else cause,
    )


def _direction(before: Standing | None, after: Verdict) -> Direction | None:
    """By rank; where a side has no tier, by the service class that goes with it."""
    if before is None or not before.graded_before:
        return None if after.tier is None else "initial"
    old = before.verdict
    if old.rank is not None and after.rank is not None and old.rank != after.rank:
        return "upgrade" if after.rank < old.rank else "downgrade"
    moved = _CLASS_ORDER[after.service_class or DEFAULT_CLASS] - _CLASS_ORDER[old.service_class or DEFAULT_CLASS]
    if moved != 0:
        return "upgrade" if moved < 0 else "downgrade"
    return "downgrade" if after.tier is None else "upgrade"


def primary(models: Iterable[Applying], segment: str | None) -> str | None:
    """The model that sets the service class: one made for the segment, then by priority (higher wins), then key."""
    candidates = [model for model in models if applies(model, segment)]
    if not candidates:
        return None
    return min(candidates, key=lambda model: (model.segment is None, -model.priority, model.key)).key


def applies(model: Applying, segment: str | None) -> bool:
    """Whether a model grades customers of this segment; one without a segment grades everybody."""
    return model.segment is None or model.segment == segment


def service_class(verdicts: Mapping[str, Verdict], primary_model: str | None) -> tuple[ServiceClass, ClassSource]:
    """The service class, which is never null, and whether a model gave it."""
    verdict = verdicts.get(primary_model or "")
    if verdict is None or verdict.service_class is None:
        return DEFAULT_CLASS, "default"
    return verdict.service_class, "graded"


def tiers(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Tier by model, for those that gave one; sorted by model."""
    return {verdict.model: verdict.tier for verdict in sorted(verdicts, key=lambda v: v.model) if verdict.tier}
