"""The catalogue of all published types, assembled from the producers' own lists."""

from shared.contracts import crisis, facts, notify, scoring
from shared.contracts.registry import Registry, Topic

TOPICS = (
    Topic(
        name="moat.facts.v1",
        producer="other systems, and scoring for facts that came over HTTP",
        content="facts about customers",
    ),
    Topic(
        name="moat.customers.v1",
        producer="scoring",
        content="the latest snapshot of each customer",
        retention_days=None,
    ),
    Topic(name="moat.scoring.v1", producer="scoring", content="tier changes, signals, reviews"),
    Topic(
        name="moat.crisis.v1",
        producer="crisis",
        content="cases, clocks, tasks, escalations, recovery, retrospectives",
    ),
    Topic(
        name="moat.notify.v1",
        producer="notify",
        content="deliveries, acknowledgements, undeliverable messages, survey answers",
    ),
)

registry = Registry((*facts.EVENTS, *scoring.EVENTS, *crisis.EVENTS, *notify.EVENTS), TOPICS)
"""Every type that is published, by name."""
