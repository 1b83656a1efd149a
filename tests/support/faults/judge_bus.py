"""The bus and the kernel's tables after a crash run: order, numbering, nothing left over."""

from collections import defaultdict

from services.commands.names import ServiceName
from shared.contracts import TOPICS
from tests.support.faults.evidence import Event, Evidence, Verdict

_SOURCES = {
    ServiceName.SCORING: ("/moat/scoring", ("moat.scoring.v1", "moat.customers.v1")),
    ServiceName.CRISIS: ("/moat/crisis", ("moat.crisis.v1",)),
    ServiceName.NOTIFY: ("/moat/notify", ("moat.notify.v1",)),
}


async def judge_bus(evidence: Evidence, verdict: Verdict) -> None:
    """Look at order per customer, and at outbox, inbox, parked keys, dead letters, jobs and stored answers."""
    judge_order(evidence, verdict)
    await _numbering(evidence, verdict)
    for service in ServiceName:
        for table in ("outbox", "parked"):
            count = await evidence.value(service, f"select count(*) from {table}")
            verdict.none(f"rows left in {table} of {service.value}", [count] * (count > 0))
    verdict.none("dead letters", [(group, count) for group, count in evidence.dead.items() if count])
    await _bounds(evidence, verdict)


def judge_order(evidence: Evidence, verdict: Verdict) -> None:
    """Sequences rise for each customer on each topic, once repeats are dropped.

    On a compacted topic the first delivery may be gone when an event is repeated, as a relay repeats what it does not
    know to be durable. What overtook it is then repeated after it: only what stays behind for good is out of order.
    """
    compacted = {topic.name for topic in TOPICS if topic.compacted}
    highest: dict[tuple[str, str], tuple[int, Event]] = {}
    swapped = []
    for event in evidence.events:
        number = event.event.sequence
        if number is None:
            continue
        key = (event.topic, event.event.subject)
        before, latest = highest.get(key, (0, event))
        if number > before:
            highest[key] = (number, event)
        elif event.topic not in compacted or latest.last < event.first:
            swapped.append((*key, event.event.type, before, number))
    verdict.none("event out of order (topic, subject, type, before, own sequence)", swapped)


async def _numbering(evidence: Evidence, verdict: Verdict) -> None:
    """Every number that a service gave is on the bus; only snapshots may have been compacted away."""
    topics = {topic.name: topic for topic in TOPICS}
    for service, (source, names) in _SOURCES.items():
        numbers: dict[str, set[int]] = defaultdict(set)
        compacted = any(topics[name].compacted for name in names)
        latest_snapshot: dict[str, int] = defaultdict(int)
        for event in evidence.events:
            if event.topic in names and event.event.source == source and event.event.sequence is not None:
                numbers[event.event.subject].add(event.event.sequence)
                if topics[event.topic].compacted:
                    latest_snapshot[event.event.subject] = max(
                        latest_snapshot[event.event.subject], event.event.sequence
                    )
        rows = await evidence.rows(service, "select id, sequence from subject where sequence > 0")
        missing = [
            (service.value, row["id"], number)
            for row in rows
            for number in set(range(1, row["sequence"] + 1)) - numbers[row["id"]]
            if not (compacted and number < latest_snapshot[row["id"]])
        ]
        verdict.none("event that was numbered and is not on the bus", missing)


async def _bounds(evidence: Evidence, verdict: Verdict) -> None:
    """The inbox holds one row per event that it was asked about, the door none for facts that are stored."""
    for service, types in (
        (ServiceName.CRISIS, ("notify.message.acknowledged.v1", "notify.message.undeliverable.v1")),
        (ServiceName.NOTIFY, ()),
    ):
        count = await evidence.value(service, "select count(*) from inbox")
        events = evidence.of_type(*types) if types else [e for e in evidence.events if e.topic == "moat.crisis.v1"]
        verdict.none(f"inbox of {service.value} larger than its events", [(count, len(events))] * (count > len(events)))
