"""The relay: every committed row reaches the bus, in order per key, whoever is killed."""

import asyncio

from shared.bus.relay import Relay, depth
from shared.contracts import decode
from tests.support.kernel import FACTS, a_fact, running, until


async def test_two_relays_of_which_one_dies_lose_nothing_and_keep_the_order(kernel):
    other = Relay(kernel.database, kernel.bus, kernel.clock, batch=7)
    doomed = asyncio.create_task(other.run())
    await asyncio.sleep(0.2)
    async with running(Relay(kernel.database, kernel.bus, kernel.clock, batch=7).run):
        for turn in range(60):
            async with kernel.uow() as work:
                await work.lock([f"C-{turn % 5}"])
                work.publish(FACTS, a_fact(f"C-{turn % 5}", id=f"e-{turn:03}"))
            if turn == 20:
                doomed.cancel()
        await until(lambda: _sent(kernel))

    events = [decode(r.key, r.value, r.headers) for r in await kernel.records(FACTS)]
    assert {event.id for event in events} == {f"e-{turn:03}" for turn in range(60)}
    for customer in range(5):
        firsts = list(dict.fromkeys(event.id for event in events if event.subject == f"C-{customer}"))
        assert firsts == sorted(firsts)


async def test_a_row_with_a_lower_number_that_is_committed_later_is_not_lost(kernel):
    async with running(kernel.relay.run):
        async with kernel.uow() as slow:
            await slow.lock(["C-slow"])
            slow.publish(FACTS, a_fact("C-slow", id="slow"))
            await slow.flush()
            async with kernel.uow() as quick:
                await quick.lock(["C-quick"])
                quick.publish(FACTS, a_fact("C-quick", id="quick"))
            await until(lambda: _has(kernel, "quick"))
        await until(lambda: _has(kernel, "slow"))


async def test_depth_tells_how_many_rows_wait_and_since_when(kernel):
    async with kernel.uow() as work:
        work.publish(FACTS, a_fact("C-1"))
        work.publish(FACTS, a_fact("C-2"))

    waiting = await depth(kernel.database)

    assert (waiting.rows, waiting.oldest) == (2, kernel.clock.now())


async def _sent(kernel):
    return await kernel.count("outbox") == 0


async def _has(kernel, identity):
    return any(decode(r.key, r.value, r.headers).id == identity for r in await kernel.records(FACTS))
