"""Service classes: what kind of promise a customer has, best first."""

from collections.abc import Iterable
from typing import Final, Literal

ServiceClass = Literal["strategic", "key", "standard", "basic"]
CLASSES: Final[tuple[ServiceClass, ...]] = ("strategic", "key", "standard", "basic")
DEFAULT_CLASS: Final[ServiceClass] = "standard"
"""Served while the tier of a customer is not known."""

_RANK: Final[dict[str, int]] = {name: rank for rank, name in enumerate(CLASSES)}


def rank_of(service_class: str) -> int:
    """0 for the best class; larger is worse."""
    return _RANK[service_class]


def is_better(one: ServiceClass, other: ServiceClass) -> bool:
    """Whether `one` is strictly better than `other`."""
    return _RANK[one] < _RANK[other]


def best_of(classes: Iterable[ServiceClass]) -> ServiceClass:
    """The best of some classes; raises ValueError for none."""
    return min(classes, key=_RANK.__getitem__)
