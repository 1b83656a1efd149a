"""What happened, counted from the events themselves: the demo listens on the bus like any other system."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.bus.port import Bus, Received
from shared.contracts import CloudEvent, ContractError, decode

TOPICS = ("moat.facts.v1", "moat.scoring.v1", "moat.crisis.v1", "moat.notify.v1")
GROUP = "moat-demo"


@dataclass
class Figures:
    """Counts of distinct events, and what is needed to tell how long a fact took to become a message."""

    events: Counter[str] = field(default_factory=Counter)
    tiers: dict[str, str] = field(default_factory=dict)
    """The tier of each customer now."""
    first_tiers: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Changes after the first grading, by tier before and after."""
    causes: Counter[str] = field(default_factory=Counter)
    classes: dict[str, str] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last state that an event told of each case."""
    clocks: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """By clock and cycle: service class, target and how it stands."""
    channels: Counter[tuple[str, str]] = field(default_factory=Counter)
    audiences: Counter[str] = field(default_factory=Counter)
    escalations: Counter[tuple[str, str]] = field(default_factory=Counter)
    open_cases: set[str] = field(default_factory=set)
    matters: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Case and matter of each complaint, by the complaint's id."""
    last: str = ""
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _fact_at: dict[str, int] = field(default_factory=dict)
    _cause: dict[str, str] = field(default_factory=dict)
    _accepted_at: dict[str, int] = field(default_factory=dict)

    def take(self, record: Received) -> None:
        """Count one record, once however often it is delivered."""
        try:
            event = decode(record.key, record.value, record.headers)
        except ContractError:
            self.events["(not an event)"] += 1
            return
        identity = (event.source, event.id)
        if identity in self._seen or event.data is None:
            return
        self._seen.add(identity)
        self.events[event.type] += 1
        family = event.type.split(".")
        match family[0], family[1]:
            case "customer", "complaint":
                self._fact_at[event.id] = record.timestamp_ms
            case "scoring", "tier":
                self._tier(event.data)
            case "crisis", "case" | "matter":
                self._case(event, event.data)
            case "crisis", "clock":
                self._clock(event)
            case "crisis", "escalation":
                self.escalations[event.data["role"], event.data["service_class"]] += 1
                self.last = f"{event.data['number']}: escalated to {event.data['role']} ({event.data['reason']})"
            case "notify", "delivery":
                self._delivery(event, record.timestamp_ms)

    def _tier(self, data: Mapping[str, Any]) -> None:
        customer, tier = data["customer_id"], data["to_tier"] or "insufficient_data"
        if data["direction"] == "initial":
            self.first_tiers[tier] += 1
        else:
            self.moves[data["from_tier"] or "insufficient_data", tier] += 1
            self.causes[data["cause"]] += 1
            self.last = f"{customer}: {data['from_tier']} → {tier}"
        self.tiers[customer] = tier
        self.classes[customer] = data["service_class"]

    def _case(self, event: CloudEvent, data: Mapping[str, Any]) -> None:
        self._cause[event.id] = (data.get("trigger") or {}).get("event_id", "")
        if event.type == "crisis.matter.opened.v1":
            self._matter(data)
        if not event.type.startswith("crisis.case"):
            return
        self.cases[data["case_id"]] = {
            "number": data["number"],
            "customer": data["customer_id"],
            "class": data["service_class"],
            "severity": data["severity"],
            "type": data["type"],
            "stage": data["stage"],
            "status": data["status"],
            "opened_at": data["opened_at"],
        }
        if data["status"] == "open":
            self.open_cases.add(data["case_id"])
        else:
            self.open_cases.discard(data["case_id"])
        if event.type == "crisis.case.opened.v1":
            self.last = f"{data['number']}: {data['title']} ({data['service_class']}, {data['severity']})"

    def _matter(self, data: Mapping[str, Any]) -> None:
        if data["reference"] and data["type"] != "tier_drop":
            self.matters[data["reference"]] = data["case_id"], data["matter_id"]

    def _clock(self, event: CloudEvent) -> None:
        data = event.data or {}
        if data.get("drill"):
            return
        what = event.type.split(".")[2]
        clock = self.clocks.setdefault(
            (data["clock_id"], data["cycle"]),
            {
                "target": data["target"],
                "class": data["service_class"],
                "case": data["case_id"],
                "state": "running",
                "breached": False,
                "warned": 0,
            },
        )
        clock["class"] = data["service_class"]
        match what:
            case "met":
                clock["state"] = "missed" if clock["breached"] or data["has_breached"] else "met"
            case "breached":
                clock["breached"] = True
                self.last = f"{data['number']}: {data['target']} missed ({data['service_class']})"
            case "warned":
                clock["warned"] += 1
            case "cancelled":
                clock["state"] = "cancelled"
            case _:
                pass

    def _delivery(self, event: CloudEvent, at_ms: int) -> None:
        data = event.data or {}
        outcome = event.type.split(".")[2]
        self.channels[data["channel"], outcome] += 1
        if outcome != "accepted":
            return
        self.audiences[data["audience"]] += 1
        told_of = data["event_id"]
        self._accepted_at[told_of] = min(at_ms, self._accepted_at.get(told_of, at_ms))

    def told_after(self) -> list[float]:
        """Seconds of real time from each complaint on the bus to the first message about it that a channel accepted."""
        first: dict[str, int] = {}
        for told_of, at_ms in self._accepted_at.items():
            fact = self._cause.get(told_of)
            if fact in self._fact_at:
                first[fact] = min(at_ms, first.get(fact, at_ms))
        return [(at_ms - self._fact_at[fact]) / 1000 for fact, at_ms in first.items()]

    def attainment(self) -> dict[str, dict[str, dict[str, int]]]:
        """Clocks per service class and target: met, missed, breached and still open, running, cancelled."""
        table: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
        for clock in self.clocks.values():
            state = "breached_open" if clock["state"] == "running" and clock["breached"] else clock["state"]
            table[clock["class"]][clock["target"]][state] += 1
        return {c: {t: dict(states) for t, states in sorted(targets.items())} for c, targets in sorted(table.items())}

    def cases_by(self, *fields: str) -> Counter[tuple[str, ...]]:
        """Cases counted by these fields."""
        return Counter(tuple(str(case[name]) for name in fields) for case in self.cases.values())

    def tiers_now(self) -> Counter[str]:
        return Counter(self.tiers.values())


def quantile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def listen(bus: Bus, figures: Figures) -> None:
    """Count for ever, from the beginning of the topics."""
    subscription = await bus.subscribe(GROUP, TOPICS)
    try:
        while True:
            records = await subscription.poll(max_records=5000, wait=1.0)
            for record in records:
                figures.take(record)
            positions = {record.place: record.offset + 1 for record in records}
            if positions:
                await subscription.commit(positions)
    finally:
        await subscription.close()
