"""A second, slow and plain computation of the metrics, straight from the events: what the SQL must agree with.

It shares nothing with the service: it knows the rules from the page of the metrics and uses Decimal and Fraction.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from shared.contracts import CloudEvent, parse_instant

Told = dict[str, Any]
Values = dict[str, Fraction | int | None]
_SCALES = {"nps": (0, 10), "csat5": (1, 5), "csat10": (1, 10)}


class Oracle:
    """Metrics of one customer from a list of events in any order, repeats included."""

    def __init__(self, events: Iterable[CloudEvent], *, as_of: datetime, zone: str, currency: str) -> None:
        unique: dict[tuple[str, str], CloudEvent] = {}
        for event in events:
            unique.setdefault((event.source, event.id), event)
        self._events = list(unique.values())
        self._as_of = as_of
        self._zone = ZoneInfo(zone)
        self._currency = currency
        self._today = self._day(as_of)

    def metrics(self) -> Values:
        found: Values = {}
        orders, refunded = self._orders(), self._refunds()
        kept = [o for o in orders if not self._reversed(o, refunded)]
        known = bool(orders)
        found |= self._windows(orders, kept, refunded) if known else {}
        days = sorted({self._day(parse_instant(o["placed_at"])) for o in kept})
        found["days_since_last_purchase"] = (self._today - days[-1]).days if days else None
        since = self._since() or (days[0] if days else None)
        age = None if since is None else max(0, (self._today - since).days)
        found["customer_age_days"] = age
        found["tenure_years"] = None if age is None else Fraction(age) / Fraction(1461, 4)
        gaps = [(later - earlier).days for earlier, later in pairwise(days)]
        found["purchase_gap_days_median"] = Fraction(median(Fraction(g) for g in gaps)) if gaps else None
        found["purchase_gap_days_p95"] = _quantile(gaps, Fraction(95, 100)) if gaps else None
        found["repurchase_rate"] = Fraction(sum(g <= 365 for g in gaps), len(gaps)) if gaps else None
        return found | self._voices()

    def _windows(self, orders: list[Told], kept: list[Told], refunded: dict[str, Decimal]) -> Values:
        found: Values = {}
        for name, first, last in (
            ("30d", 0, 30),
            ("90d", 0, 90),
            ("90d_prev", 91, 180),
            ("365d", 0, 365),
            ("365d_prev", 366, 730),
        ):
            inside = [o for o in kept if first <= self._lag(o["placed_at"]) <= last]
            found[f"purchases_{name}"] = len(inside)
            found[f"spend_{name}"] = self._sum(inside, lambda o: o["net"] - refunded.get(o["order_id"], 0))
            found[f"gross_margin_{name}"] = self._sum(inside, lambda o: self._less(o, "cost", refunded))
            found[f"net_margin_{name}"] = self._sum(inside, lambda o: self._less(o, "net_cost", refunded))
            quantities = [o.get("quantity") for o in inside]
            known = None not in quantities
            found[f"quantity_{name}"] = sum((Fraction(str(q)) for q in quantities), Fraction(0)) if known else None
            placed = [o for o in orders if first <= self._lag(o["placed_at"]) <= last]
            found[f"refunds_{name}"] = self._sum(
                placed, lambda o: min(o["net"], refunded.get(o["order_id"], Decimal(0)))
            )
        return found

    def _less(self, order: Told, cost: str, refunded: dict[str, Decimal]) -> Decimal | None:
        if order.get(cost) is None:
            return None
        net: Decimal = order["net"]
        return net - refunded.get(order["order_id"], 0) - Decimal(order[cost])

    def _sum(self, orders: list[Told], value: Any) -> int | None:
        """In minor units; None as soon as one is in another currency (no rates here) or lacks the figure."""
        total = Decimal(0)
        for order in orders:
            one = value(order) if order["currency"] == self._currency else None
            if one is None:
                return None
            total += one
        return int(total * 100)

    def _orders(self) -> list[Told]:
        latest: dict[str, tuple[Any, Told]] = {}
        for event in self._of("order.placed"):
            data = event.data or {}
            rank = (event.time, parse_instant(data["placed_at"]), data["currency"], Decimal(data["amount"]))
            if data["order_id"] not in latest or rank > latest[data["order_id"]][0]:
                latest[data["order_id"]] = (rank, {**data, "net": Decimal(data["amount"])})
        return [data for _, data in latest.values() if parse_instant(data["placed_at"]) <= self._as_of]

    def _refunds(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for event in self._of("order.refunded"):
            data = event.data or {}
            if parse_instant(data["refunded_at"]) <= self._as_of:
                found[data["order_id"]] = found.get(data["order_id"], Decimal(0)) + Decimal(data["amount"])
        return found

    def _reversed(self, order: Told, refunded: dict[str, Decimal]) -> bool:
        return bool(order["net"] > 0 and refunded.get(order["order_id"], 0) >= order["net"])

    def _since(self) -> date | None:
        told = sorted(
            (e for e in self._of("profile.updated") if "since" in (e.data or {})),
            key=lambda e: (e.time, e.source, e.id),
        )
        text = (told[-1].data or {})["since"] if told else None
        return None if text is None else date.fromisoformat(text)

    def _voices(self) -> Values:
        withdrawn = {
            (e.data or {})["complaint_id"]
            for e in self._of("complaint.withdrawn")
            if parse_instant((e.data or {})["withdrawn_at"]) <= self._as_of
        }
        complaints: dict[str, str] = {}
        for event in sorted(self._of("complaint.received"), key=lambda e: (e.time, (e.data or {})["received_at"])):
            complaints[(event.data or {})["complaint_id"]] = (event.data or {})["received_at"]
        received = [at for id_, at in complaints.items() if id_ not in withdrawn and parse_instant(at) <= self._as_of]
        contacts = [(e.data or {})["at"] for e in self._of("interaction.logged")]
        contacts = [at for at in contacts if parse_instant(at) <= self._as_of]
        return {
            "complaints_30d": sum(self._lag(at) <= 30 for at in received),
            "complaints_365d": sum(self._lag(at) <= 365 for at in received),
            "contacts_90d": sum(self._lag(at) <= 90 for at in contacts) if contacts else None,
            "opinion_reach_weighted_30d": self._opinion(),
            "satisfaction_mean_365d": self._satisfaction(),
        }

    def _opinion(self) -> Fraction | None:
        weighted, weight = Fraction(0), 0
        for event in self._of("opinion.mentioned"):
            data = event.data or {}
            if parse_instant(data["published_at"]) <= self._as_of and self._lag(data["published_at"]) <= 30:
                reach = 1 if data.get("reach") is None else data["reach"]
                weighted += Fraction(str(data["sentiment"])) * reach
                weight += reach
        return weighted / weight if weight else None

    def _satisfaction(self) -> Fraction | None:
        shares = []
        for event in self._of("survey.answered"):
            data = event.data or {}
            if parse_instant(data["answered_at"]) <= self._as_of and self._lag(data["answered_at"]) <= 365:
                low, high = _SCALES[data["scale"]]
                shares.append(Fraction(data["score"] - low, high - low))
        return sum(shares, Fraction(0)) / len(shares) if shares else None

    def _of(self, type_: str) -> list[CloudEvent]:
        return [event for event in self._events if event.type == f"customer.{type_}.v1"]

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()

    def _lag(self, instant: str) -> int:
        return (self._today - self._day(parse_instant(instant))).days


def _quantile(values: list[int], share: Fraction) -> Fraction:
    """By linear interpolation between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
