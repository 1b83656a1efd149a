"""A consumer gathers a steady trickle, rests after its batches, and leaves what others read to others."""

import asyncio
import time

from shared.bus.port import Record
from tests.support.kernel import FACTS, a_consumer, a_fact, record_effect, running, until

DEAD = "moat.dead.tests"


async def test_two_batches_that_are_not_full_begin_no_sooner_than_the_pace_after_one_another(kernel):
    turns = Turns()

    async with running(a_consumer(kernel, turns.handle, pace=0.4).run):
        before = time.monotonic()  # no batch can have begun yet, and its handler may begin late
        await kernel.publish_facts(a_fact(id="first"))
        await until(lambda: turns.ended(1))
        await kernel.publish_facts(a_fact(id="second"))
        await until(lambda: turns.ended(2))

    assert turns.began[1] - before > 0.4


async def test_after_a_batch_others_have_the_processor_for_a_multiple_of_its_time(kernel):
    turns = Turns(takes=0.2)

    async with running(a_consumer(kernel, turns.handle, rest=2.0).run):
        await kernel.publish_facts(a_fact(id="first"))
        await until(lambda: turns.ended(1))
        await kernel.publish_facts(a_fact(id="second"))
        await until(lambda: turns.ended(2))

    assert turns.began[1] - turns.began[0] > 0.2 + 2 * 0.2


async def test_a_full_batch_is_followed_at_once(kernel):
    turns = Turns()
    await kernel.publish_facts(*(a_fact(id=f"e-{number}") for number in range(4)))

    async with running(a_consumer(kernel, turns.handle, pace=600.0, rest=1000.0, max_records=2).run):
        await until(lambda: _effects(kernel, 4))

    assert await kernel.effects() == [f"e-{number}" for number in range(4)]


async def test_what_others_read_is_passed_by_without_being_looked_into(kernel):
    headers = {"ce_type": "customer.order.refunded.v1", "content-type": "application/json"}
    await kernel.bus.publish(
        [Record(FACTS, b"C-1", b"no json", [(name, text.encode()) for name, text in headers.items()])]
    )
    await kernel.publish_facts(a_fact(id="good"))

    async with running(a_consumer(kernel, types=frozenset({"customer.order.placed.v1"})).run, kernel.relay.run):
        await until(lambda: _effects(kernel, 1))

    assert await kernel.effects() == ["good"]
    assert await kernel.records(DEAD) == []


class Turns:
    """A handler that notes when each batch began and how many have ended."""

    def __init__(self, takes: float = 0.0) -> None:
        self.began: list[float] = []
        self.done = 0
        self._takes = takes

    async def handle(self, work, deliveries):
        self.began.append(time.monotonic())
        await asyncio.sleep(self._takes)
        await record_effect(work, deliveries)
        self.done += 1

    async def ended(self, count):
        return self.done >= count


async def _effects(kernel, count):
    return len(await kernel.effects()) >= count
