"""Timers against everything that may happen at the same moment: plans, cancellations, kills, locks, broken handlers."""

import asyncio
import contextlib
import random
from datetime import timedelta

import pytest

from shared.db.database import Database
from shared.timers.plan import Timer
from shared.timers.worker import TimerWorker
from tests.support.kernel import NOON, running, until

LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("knows_the_rule", [True, False], ids=["with the lock", "without"])
async def test_a_plan_that_commits_while_the_timer_is_being_claimed_wins(kernel, knows_the_rule):
    """Without the customer's lock, too: the claim waits for the row and then sees that its plan is void."""
    await _plan(kernel, Timer("test", "t", "C-1", NOON), Timer("test", "other", "C-2", NOON))
    async with kernel.uow() as work:
        if knows_the_rule:
            await work.lock(["C-1"])
        work.plan(Timer("test", "t", "C-1", LATER))
        await work.flush()
        turn = asyncio.create_task(_worker(kernel).turn())
        await asyncio.sleep(0.2)
    await turn

    assert await kernel.effects() == ["other"]
    kernel.clock.move(LATER)
    assert await _worker(kernel).turn() == (1, False)


@pytest.mark.parametrize("knows_the_rule", [True, False], ids=["with the lock", "without"])
async def test_a_cancellation_that_commits_while_the_timer_is_being_claimed_wins(kernel, knows_the_rule):
    await _plan(kernel, Timer("test", "t", "C-1", NOON), Timer("test", "other", "C-2", NOON))
    async with kernel.uow() as work:
        if knows_the_rule:
            await work.lock(["C-1"])
        work.cancel("test", "t")
        await work.flush()
        turn = asyncio.create_task(_worker(kernel).turn())
        await asyncio.sleep(0.2)
    await turn

    assert await kernel.effects() == ["other"]
    assert await kernel.count("timer") == 0


async def test_a_timer_planned_by_its_own_handler_is_not_lost(kernel):
    async def again(work, timers):
        await _fire(work, timers)
        for timer in timers:
            if timer.due_at < LATER:
                work.plan(Timer("test", timer.key, timer.subject, LATER))

    await _plan(kernel, Timer("test", "t", "C-1", NOON))
    worker = TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": again})
    assert await worker.turn() == (1, False)
    async with kernel.database.begin() as connection:
        await connection.exec_driver_sql("delete from effect")
    kernel.clock.move(LATER)
    assert await worker.turn() == (1, False)
    assert await worker.turn() == (0, False)


async def test_timers_fire_exactly_once_and_only_as_planned_last_while_plans_change_and_sessions_are_killed(kernel):
    """Each plan writes its number beside the timer; a timer that fires must carry the number that stands there."""
    await _create_plans(kernel)
    observer = Database(kernel.database.engine.url.render_as_string(hide_password=False), name="observer")
    stop = asyncio.Event()
    workers = [TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": _fire_as_planned}) for _ in range(3)]
    async with running(*(worker.run for worker in workers)):
        planners = [asyncio.create_task(_plan_on_and_on(kernel, number, stop)) for number in range(4)]
        for _ in range(25):
            await asyncio.sleep(0.1)
            await _kill_one(observer)
        stop.set()
        await asyncio.gather(*planners)
        await until(lambda: _all_fired(observer))

    async with observer.glance() as raw:
        planned, fired, wrong = await raw.fetchrow(
            "select count(*), count(*) filter (where fired = n), count(*) filter (where fired > 0 and fired <> n)"
            " from plan where n > 0"
        )
    assert (fired, wrong) == (planned, 0)
    assert planned > 5  # a plan in five is cancelled, so that few stand at times
    await observer.close()


async def test_a_subject_whose_row_is_missing_does_not_hold_up_its_timer_for_ever(kernel):
    await _plan(kernel, Timer("test", "t", "C-1", NOON))
    async with kernel.database.begin() as connection:
        await connection.exec_driver_sql("delete from subject")
    async with running(_worker(kernel).run):
        await until(lambda: _fired(kernel, 1))


async def test_timers_behind_a_full_batch_of_locked_subjects_fire_all_the_same(kernel):
    await _plan(kernel, *(Timer("test", f"held{n}", f"H-{n}", NOON) for n in range(10)))
    await _plan(kernel, Timer("test", "free", "C-1", NOON + timedelta(seconds=1)))
    kernel.clock.move(NOON + timedelta(seconds=1))
    async with kernel.uow() as holder:
        await holder.lock([f"H-{n}" for n in range(10)])
        async with running(_worker(kernel, batch=4).run):
            await until(lambda: _fired(kernel, 1))
    assert await kernel.effects() == ["free"]


async def test_a_handler_whose_failure_looks_like_a_lost_connection_does_not_stop_the_others(kernel, monkeypatch):
    monkeypatch.setattr("shared.timers.worker.backoff", lambda *_, **__: 0.01)

    async def fail_for_one(work, timers):
        if any(timer.key == "t4" for timer in timers):
            raise ConnectionResetError("by peer")
        await _fire(work, timers)

    await _plan(kernel, *(Timer("test", f"t{n}", f"C-{n}", NOON) for n in range(9)))
    async with running(TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": fail_for_one}).run):
        await until(lambda: _fired(kernel, 8))


async def test_a_message_that_the_database_cannot_hold_is_still_noted_with_the_timer(kernel):
    async def fail(work, timers):
        raise RuntimeError("nul \0 and surrogate \ud800")

    await _plan(kernel, Timer("test", "t", "C-1", NOON))
    await TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": fail}).turn()

    async with kernel.database.glance() as raw:
        assert await raw.fetchval("select last_error from timer") == "RuntimeError: nul  and surrogate ?"


async def test_a_lane_that_fails_does_not_leave_the_others_running_alone(kernel):
    """When `turn` raises, nothing of it goes on: else a second turn would run beside the first."""
    inside = 0

    async def one_lane_fails(work, timers):
        nonlocal inside
        inside += 1
        try:
            await asyncio.sleep(0.05 * inside)
            await _fire(work, timers)
            if len(await kernel.effects()) > 8:
                raise ConnectionResetError
        finally:
            inside -= 1

    await _plan(kernel, *(Timer("test", f"t{n:02}", f"C-{n}", NOON) for n in range(40)))
    worker = TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": one_lane_fails}, batch=4, lanes=4)
    with contextlib.suppress(ConnectionResetError):
        await worker.turn()

    assert inside == 0
    assert not worker.in_flight


async def test_cancelling_the_worker_in_the_middle_of_a_batch_keeps_nothing_of_it(kernel):
    started = asyncio.Event()

    async def hang(work, timers):
        await _fire(work, timers)
        started.set()
        await asyncio.sleep(60)

    await _plan(kernel, *(Timer("test", f"t{n}", f"C-{n}", NOON) for n in range(3)))
    worker = asyncio.create_task(TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": hang}).run())
    await started.wait()
    worker.cancel()
    await asyncio.wait([worker], timeout=60)

    assert worker.cancelled()
    assert (await kernel.effects(), await kernel.count("timer")) == ([], 3)
    assert await _worker(kernel).turn() == (3, False)


async def _create_plans(kernel):
    async with kernel.database.begin() as connection:
        await connection.exec_driver_sql("create table plan (key text primary key, n int, fired int not null)")
        await connection.exec_driver_sql("insert into plan select 'k' || n, 0, 0 from generate_series(0, 19) as n")


async def _plan_on_and_on(kernel, seed, stop):
    dice = random.Random(seed)
    while not stop.is_set():
        with contextlib.suppress(Exception):  # its session may be killed; then nothing of the step is kept
            async with kernel.uow() as work:
                for number in sorted(dice.sample(range(20), 3)):
                    key, subject = f"k{number}", f"C-{number % 7}"
                    await work.lock([subject])
                    if dice.random() < 0.2:
                        work.cancel("test", key)
                        await work.raw.execute("update plan set n = 0, fired = 0 where key = $1", key)
                    else:
                        n = await work.raw.fetchval(
                            "update plan set n = abs(n) + 1 + $2, fired = 0 where key = $1 returning n",
                            key,
                            dice.randrange(1000),
                        )
                        work.plan(Timer("test", key, subject, NOON - timedelta(seconds=number), {"n": n}))
        await asyncio.sleep(dice.random() * 0.01)


async def _fire_as_planned(work, timers):
    for timer in timers:
        n, fired = await work.raw.fetchrow("select n, fired from plan where key = $1", timer.key)
        assert n == timer.payload["n"], "a void plan fired"
        assert fired == 0, "fired twice"
        await work.raw.execute("update plan set fired = n where key = $1", timer.key)


async def _kill_one(observer):
    async with observer.glance() as raw:
        await raw.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and application_name = 'moat' order by random() limit 1"
        )


async def _plan(kernel, *timers):
    async with kernel.uow() as work:
        for timer in timers:
            work.plan(timer)


async def _fire(work, timers):
    await work.raw.executemany(
        "insert into effect (subject, event_id) values ($1, $2)", [(timer.subject, timer.key) for timer in timers]
    )


def _worker(kernel, **options):
    return TimerWorker(kernel.database, kernel.uow, kernel.clock, {"test": _fire}, **options)


async def _fired(kernel, expected):
    return len(await kernel.effects()) == expected


async def _all_fired(observer):
    async with observer.glance() as raw:
        return not await raw.fetchval("select count(*) from timer")
