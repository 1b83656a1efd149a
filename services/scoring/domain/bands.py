"""Money by band: what leaves this service says how much is at stake, not how much was paid."""

from bisect import bisect_right
from typing import Final

_MAGNITUDES: Final = range(3, 11)
EDGES: Final = (0, *(step * 10**magnitude for magnitude in _MAGNITUDES for step in (1, 5)))
"""Lower edges in whole units of currency: 0, 1 000, 5 000, 10 000, 50 000 … 50 000 000 000."""


def band_of(units: int, digits: int) -> int:
    """The band of an amount in minor units of a currency with so many decimals; below zero it is the lowest band."""
    return max(0, bisect_right(EDGES, units // 10**digits) - 1)


def edges_of(band: int) -> tuple[int, int | None]:
    """The band's edges in whole units of currency: from the first on, below the second; the highest has no second."""
    return EDGES[band], EDGES[band + 1] if band + 1 < len(EDGES) else None
