"""One transaction: all of it or nothing, one subject at a time, events numbered per subject."""

import asyncio
from datetime import timedelta

import pytest

from shared.contracts import decode
from shared.timers.plan import Timer
from tests.support.kernel import FACTS, NOON, a_fact, running, until


async def test_leaving_with_an_exception_keeps_nothing(kernel):
    with pytest.raises(RuntimeError):
        async with kernel.uow() as work:
            await work.lock(["C-1"])
            work.publish(FACTS, a_fact())
            work.plan(Timer("test", "1", "C-1", NOON))
            await work.flush()
            raise RuntimeError

    assert [await kernel.count(table) for table in ("outbox", "timer", "subject")] == [0, 0, 0]


async def test_events_of_a_subject_are_numbered_without_gaps_by_transactions_at_the_same_time(kernel):
    async def one(customer):
        async with kernel.uow() as work:
            await work.lock([customer])
            work.publish(FACTS, a_fact(customer))
            work.publish(FACTS, a_fact(customer))

    await asyncio.gather(*(one(f"C-{n % 3}") for n in range(12)))
    async with running(kernel.relay.run):
        await until(lambda: _empty(kernel))

    records = await kernel.records(FACTS)
    for customer in ("C-0", "C-1", "C-2"):
        events = [decode(r.key, r.value, r.headers) for r in records if r.key == customer.encode()]
        assert [event.sequence for event in events] == list(range(1, 9))


async def test_locks_taken_in_any_order_by_many_never_deadlock(kernel):
    ids = [f"C-{n}" for n in range(20)]

    async def one(turn):
        async with kernel.uow() as work:
            await work.lock(ids[turn:] + ids[:turn])
            await asyncio.sleep(0.001)

    async with asyncio.timeout(60):
        await asyncio.gather(*(one(turn) for turn in range(20)))

    assert await kernel.count("subject") == 20


async def test_skipping_locked_subjects_answers_only_the_free_ones(kernel):
    async with kernel.uow() as first:
        await first.lock(["C-1", "C-2"])

    async with kernel.uow() as holder:
        await holder.lock(["C-1"])
        async with kernel.uow() as other:
            assert await other.lock(["C-1", "C-2"], skip_locked=True) == {"C-2"}


async def test_a_transaction_that_waited_for_its_subject_happens_after_the_one_it_waited_for(kernel):
    async with kernel.uow() as first:
        await first.lock(["C-1"])
        waiting = asyncio.create_task(_instant_after_locking(kernel))
        await asyncio.sleep(0.1)  # it has begun, and waits
        kernel.clock.move(NOON + timedelta(minutes=5))

    assert await waiting == NOON + timedelta(minutes=5)


async def test_the_instant_of_a_transaction_stands_once_it_has_locked(kernel):
    async with kernel.uow() as work:
        await work.lock(["C-1"])
        kernel.clock.move(NOON + timedelta(minutes=5))
        await work.lock(["C-2"])

        assert work.now == NOON


async def _instant_after_locking(kernel):
    async with kernel.uow() as work:
        await work.lock(["C-1"])
        return work.now


async def test_planning_a_timer_again_replaces_it(kernel):
    for due in (NOON, NOON.replace(hour=13)):
        async with kernel.uow() as work:
            work.plan(Timer("test", "1", "C-1", due))

    async with kernel.database.read() as connection:
        rows = (await connection.exec_driver_sql("select due_at, generation from timer")).all()
    assert [(row.due_at.hour, row.generation) for row in rows] == [(13, 2)]


async def _empty(kernel):
    return await kernel.count("outbox") == 0
