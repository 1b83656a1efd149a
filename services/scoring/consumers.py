"""Events in: the facts of the public topic, in batches, to the one use case that applies them."""

from collections.abc import Sequence
from typing import Final

from services.scoring.store.models import Models
from services.scoring.usecases.apply_facts import apply_facts
from shared.bus.consumer import ConsumerSpec, Delivery, Handle
from shared.contracts import registry
from shared.db.unit_of_work import UnitOfWork

GROUP: Final = "scoring"
FACTS: Final = "moat.facts.v1"
PACE: Final = 0.1
"""A tier may be a tenth of a second late; a batch of thirty facts costs a fifth of thirty batches of one."""
REST: Final = 1.0
"""Whoever waits for the door of `POST /v1/facts` goes before grading, until there is a full batch to grade."""


def handle_facts(models: Models) -> Handle:
    """The handler of fact batches; facts that are stored already have no effect."""

    async def handle(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        await apply_facts(work, models, [(delivery.event, delivery.payload) for delivery in deliveries])

    return handle


def facts_consumer(models: Models, *, lanes: int = 2, batch: int = 4000) -> ConsumerSpec:
    """The group that answers for the fact topic. The permanent key of the fact table stands in for an inbox."""
    return ConsumerSpec(
        group=GROUP,
        topics=(FACTS,),
        handle=handle_facts(models),
        types=frozenset(entry.type for entry in registry.of_topic(FACTS)),
        use_inbox=False,
        max_records=batch,
        lanes=lanes,
        pace=PACE,
        rest=REST,
        public=True,
    )
