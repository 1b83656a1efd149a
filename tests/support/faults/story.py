"""The facts of a crash run: purchases that make tiers move, complaints and opinion that make cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

Fact = dict[str, Any]
_SOURCE = "/crash-run"


@dataclass(frozen=True)
class Told:
    """A fact and when it is told: 0 is the beginning of the run, 1 its end."""

    moment: float
    fact: Fact

    @property
    def identity(self) -> tuple[str, str]:
        return self.fact["source"], self.fact["id"]


def tell_story(random: Random, *, facts: int, now: datetime, name: str) -> list[Told]:
    """At least `facts` facts in the order of telling. The same seed and instant give the same story.

    A tenth of the customers buys enough to be strategic and gives most of it back; a quarter complains, some of them
    several times, and is talked about. Some of what belongs together is told in the wrong order.
    """
    customers = [f"{name}-{number:04d}" for number in range(max(40, facts // 40))]
    falling, complaining = customers[: len(customers) // 10], customers[: len(customers) // 4]
    told: list[Told] = []
    for customer in falling:
        told += _fall(random, customer, now)
    for customer in complaining:
        told += _complain(random, customer, now)
    for customer in random.sample(customers, len(customers) // 2):
        told.append(Told(random.random(), _profile(random, customer, now)))
    while len(told) < facts:
        told.append(Told(random.random(), _purchase(random, random.choice(customers), now)))
    return sorted(told, key=lambda one: one.moment)


def _fall(random: Random, customer: str, now: datetime) -> Iterator[Told]:
    """Twenty large orders told early, the last ones given back later: strategic, then not any more."""
    orders = [
        _order(random, customer, now - timedelta(days=20 * (20 - n), hours=1), amount="60000.00") for n in range(20)
    ]
    for order in orders:
        yield Told(random.uniform(0.0, 0.45), order)
    for order in orders[-5:]:
        yield Told(random.uniform(0.35, 0.95), _refund(random, order, now))


def _complain(random: Random, customer: str, now: datetime) -> Iterator[Told]:
    for _ in range(random.choice((1, 1, 2, 4))):
        moment = random.uniform(0.0, 0.9)
        complaint = _complaint(random, customer, now)
        yield Told(moment, complaint)
        if random.random() < 0.3:
            data = {"complaint_id": complaint["data"]["complaint_id"], "impact": random.choice(("high", "critical"))}
            yield Told(moment + random.uniform(-0.02, 0.1), _fact(random, "complaint.updated", customer, now, data))
        if random.random() < 0.1:
            data = {"complaint_id": complaint["data"]["complaint_id"], "reason": "settled by phone"}
            yield Told(moment + random.uniform(-0.02, 0.1), _fact(random, "complaint.withdrawn", customer, now, data))
    for _ in range(random.choice((0, 1, 3))):
        yield Told(random.random(), _mention(random, customer, now))


def _purchase(random: Random, customer: str, now: datetime) -> Fact:
    at = now - timedelta(seconds=random.uniform(60, 400 * 86_400))
    return _order(random, customer, at, amount=f"{random.lognormvariate(6.5, 1.2):.2f}")


def _order(random: Random, customer: str, at: datetime, *, amount: str) -> Fact:
    data = {"order_id": f"SO-{_id(random)}", "amount": amount, "currency": "CNY", "placed_at": text(at)}
    return _fact(random, "order.placed", customer, at, data)


def _refund(random: Random, order: Fact, now: datetime) -> Fact:
    data = {name: order["data"][name] for name in ("order_id", "amount", "currency")}
    return _fact(random, "order.refunded", order["subject"], now, {**data, "refunded_at": text(now)})


def _complaint(random: Random, customer: str, now: datetime) -> Fact:
    data = {
        "complaint_id": f"CMP-{_id(random)}",
        "received_at": text(now),
        "channel": random.choice(("hotline", "mail", "web")),
        "subject": random.choice(("Late again", "Wrong goods", "Nobody answers", "账单有误")),
        "impact": random.choice(("low", "medium", "high", "critical")),
    }
    return _fact(random, "complaint.received", customer, now, data)


def _mention(random: Random, customer: str, now: datetime) -> Fact:
    data = {
        "mention_id": f"MEN-{_id(random)}",
        "platform": "weibo",
        "published_at": text(now - timedelta(minutes=random.randrange(1, 60))),
        "sentiment": random.choice((-0.9, -0.7, -0.2, 0.6)),
        "reach": random.choice((50, 20_000)),
    }
    return _fact(random, "opinion.mentioned", customer, now, data)


def _profile(random: Random, customer: str, now: datetime) -> Fact:
    data = {"name": f"Customer {customer}", "region": random.choice(("north", "south"))}
    return _fact(random, "profile.updated", customer, now, data)


def _fact(random: Random, kind: str, customer: str, at: datetime, data: dict[str, Any]) -> Fact:
    return {
        "specversion": "1.0",
        "id": _id(random),
        "source": _SOURCE,
        "type": f"customer.{kind}.v1",
        "subject": customer,
        "time": text(at),
        "data": data,
    }


def _id(random: Random) -> str:
    return f"{random.getrandbits(64):016x}"


def text(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z")
