"""The CDNOW purchases as facts: 69 659 real purchases of 23 570 customers, January 1997 to June 1998."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

SOURCE: Final = "demo/cdnow"
_HOUR_OF_PURCHASE: Final = time(17, 0, tzinfo=UTC)
"""The data gives dates only; every purchase is set at 17:00 UTC, noon or one o'clock in New York."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the data. `line` counts from 1 and names the order, for the data has no order numbers."""

    line: int
    customer: str
    on: date
    items: int
    dollars: str

    @property
    def at(self) -> datetime:
        return datetime.combine(self.on, _HOUR_OF_PURCHASE)

    def fact(self) -> dict[str, Any]:
        """The purchase as a CloudEvent in structured form."""
        at = self.at.isoformat().replace("+00:00", "Z")
        return {
            "specversion": "1.0",
            "id": f"order-{self.line}",
            "source": SOURCE,
            "type": "customer.order.placed.v1",
            "subject": self.customer,
            "time": at,
            "data": {
                "order_id": f"cdnow-{self.line}",
                "amount": self.dollars,
                "currency": "USD",
                "placed_at": at,
                "quantity": self.items,
                "unit": "item",
            },
        }


def read_purchases(path: Path, *, one_in: int = 1) -> Iterator[Purchase]:
    """All purchases, in the order of the file (by customer, then date). Purchases of $0.00 are purchases too.

    With `one_in` those of every so many-th customer; the file numbers customers from 1 without gaps.
    """
    with gzip.open(path, "rt", encoding="ascii") as lines:
        next(lines)
        for number, line in enumerate(lines, start=1):
            customer, day, items, dollars = line.split()
            if int(customer) % one_in:
                continue
            yield Purchase(number, f"CDNOW-{customer}", date.fromisoformat(day), int(items), dollars)
