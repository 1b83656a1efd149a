"""Durable timers: each fires once, late rather than never, and a bad one fails alone."""

import asyncio
from datetime import timedelta

from shared.observability.metrics import REGISTRY
from shared.timers.plan import Timer
from shared.timers.worker import TimerWorker, pending
from tests.support.kernel import NOON, running, until


async def test_timers_fire_when_the_clock_reaches_them_and_not_before(kernel):
    await _plan(kernel, *(Timer("test", f"t{n}", f"C-{n}", NOON + timedelta(minutes=n)) for n in range(1, 4)))
    worker = _worker(kernel)
    async with running(worker.run):
        kernel.clock.move(NOON + timedelta(minutes=2))
        await until(lambda: _count(kernel, 2))

    assert await kernel.effects() == ["t1", "t2"]
    assert (await pending(kernel.database, kernel.clock.now())).next_due_at == NOON + timedelta(minutes=3)


async def test_a_timer_planned_again_before_it_fired_fires_only_at_the_new_instant(kernel):
    await _plan(kernel, Timer("test", "t", "C-1", NOON + timedelta(minutes=1)))
    await _plan(kernel, Timer("test", "t", "C-1", NOON + timedelta(minutes=5), {"second": True}))

    kernel.clock.move(NOON + timedelta(minutes=2))
    assert await _worker(kernel).turn() == (0, False)
    kernel.clock.move(NOON + timedelta(minutes=5))
    assert await _worker(kernel).turn() == (1, False)


async def test_a_cancelled_timer_does_not_fire(kernel):
    await _plan(kernel, Timer("test", "t", "C-1", NOON))
    async with kernel.uow() as work:
        work.cancel("test", "t")

    assert await _worker(kernel).turn() == (0, False)


async def test_many_workers_fire_each_timer_once(kernel):
    await _plan(kernel, *(Timer("test", f"t{n:03}", f"C-{n % 50}", NOON) for n in range(300)))
    async with running(*(_worker(kernel, batch=20).run for _ in range(4))):
        await until(lambda: _count(kernel, 300))

    assert len(set(await kernel.effects())) == 300


async def test_a_bad_timer_in_a_batch_fails_alone_and_is_tried_again_later(kernel):
    await _plan(kernel, *(Timer("test", f"t{n}", f"C-{n}", NOON) for n in range(9)))

    async def fail_for_one(work, timers):
        if any(timer.key == "t4" for timer in timers):
            raise RuntimeError("bad timer")
        await _fire(work, timers)

    await TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": fail_for_one}).turn()

    assert sorted(await kernel.effects()) == [f"t{n}" for n in range(9) if n != 4]
    async with kernel.database.read() as connection:
        row = (await connection.exec_driver_sql("select key, attempts, last_error, retry_at from timer")).one()
    assert (row.key, row.attempts, row.last_error) == ("t4", 1, "RuntimeError: bad timer")
    assert row.retry_at is not None


async def test_a_subject_that_something_else_works_on_is_left_for_the_next_turn(kernel):
    await _plan(kernel, Timer("test", "held", "C-1", NOON), Timer("test", "free", "C-2", NOON))
    async with kernel.uow() as holder:
        await holder.lock(["C-1"])
        assert await _worker(kernel).turn() == (1, True)
    assert await _worker(kernel).turn() == (1, False)


async def test_a_timer_that_was_late_knows_when_it_was_due(kernel):
    await _plan(kernel, Timer("test", "t", "C-1", NOON))
    seen = []

    async def look(work, timers):
        seen.extend((timer.due_at, work.now) for timer in timers)

    kernel.clock.move(NOON + timedelta(hours=3))
    await TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": look}).turn()

    assert seen == [(NOON, NOON + timedelta(hours=3))]


async def _plan(kernel, *timers):
    async with kernel.uow() as work:
        for timer in timers:
            work.plan(timer)


async def _fire(work, timers):
    await work.raw.executemany(
        "insert into effect (subject, event_id) values ($1, $2)", [(timer.subject, timer.key) for timer in timers]
    )
    await asyncio.sleep(0)


def _worker(kernel, **options):
    return TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": _fire}, **options)


async def _count(kernel, expected):
    return len(await kernel.effects()) == expected


async def test_the_lag_that_metrics_show_ends_when_what_was_fired_is_committed(kernel):
    await _plan(kernel, Timer("test", "t1", "C-1", NOON), Timer("test", "t2", "C-2", NOON + timedelta(seconds=30)))
    kernel.clock.move(NOON + timedelta(minutes=1))
    before = REGISTRY.get_sample_value("moat_timer_lag_seconds_sum")

    async def fire_slowly(work, timers):
        await _fire(work, timers)
        kernel.clock.move(NOON + timedelta(minutes=2))

    await TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": fire_slowly}).turn()

    assert REGISTRY.get_sample_value("moat_timer_lag_seconds_sum") - before == 120 + 90
