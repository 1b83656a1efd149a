"""Event in, use case: the groups of notify."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.notify.kinds import Books
from services.notify.reading import CRISIS_EVENTS, happening_of, standings_of
from services.notify.store.customers import keep_snapshots
from services.notify.usecases.tell import tell
from shared.bus.consumer import ConsumerSpec, Delivery
from shared.db.unit_of_work import UnitOfWork

CRISIS_GROUP = "notify-crisis"
CUSTOMERS_GROUP = "notify-customers"


def consumers(books: Books) -> tuple[ConsumerSpec, ...]:
    """What notify listens to."""

    async def tell_people_when_crisis_speaks(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        happenings = [happening_of(delivery.event) for delivery in deliveries]
        told = [
            standing
            for delivery, happening in zip(deliveries, happenings, strict=True)
            for standing in standings_of(delivery.event, happening, work.now)
        ]
        await tell(work, happenings, told, books=books, wall=datetime.now(UTC))

    return (
        ConsumerSpec(
            group=CRISIS_GROUP,
            topics=("moat.crisis.v1",),
            handle=tell_people_when_crisis_speaks,
            types=CRISIS_EVENTS,
            max_records=500,
            pace=0.02,
        ),
        ConsumerSpec(
            group=CUSTOMERS_GROUP,
            topics=("moat.customers.v1",),
            handle=keep_customers_when_scoring_speaks,
            types=frozenset({"scoring.customer.snapshot.v1"}),
            # The version decides; so the projection can be rebuilt from the compacted topic at any time.
            use_inbox=False,
            pace=0.1,
        ),
    )


async def keep_customers_when_scoring_speaks(work: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
    """Keep the newest snapshot of each customer."""
    snapshots = [delivery.event.data for delivery in deliveries if delivery.event.data is not None]
    await keep_snapshots(work.raw, snapshots, work.now)
