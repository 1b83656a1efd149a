"""Calendars published while timers of many cases fire and others are decided about: nobody waits in a circle."""

import asyncio
from datetime import timedelta

import pytest

from shared.db.database import is_transient
from shared.timers.worker import TimerWorker
from tests.integration.crisis.test_calendar_published import DECEMBER, drafted
from tests.support.crisis import a_complaint, a_snapshot, activate

CASES, VERSIONS = 60, 25


async def many_cases(crisis):
    """Their promises are provisional, and warn every few minutes."""
    warnings = [f"{share}%" for share in range(1, 51)]
    resolution = {"business_days": 20, "calendar": "cn-office", "warn": warnings}
    body = {"order": 1, "applies": {"service_class": "basic"}, "targets": {"resolution": resolution}}
    await activate(crisis, "sla-policies", "warning", body)
    crisis.clock.move(DECEMBER)
    await crisis.deliver(*(a_snapshot(f"C-{n}", "basic", at=DECEMBER) for n in range(CASES)))
    await crisis.deliver(*(a_complaint(f"C-{n}", at=DECEMBER) for n in range(CASES)))


async def publish_all(crisis):
    """Versions one after another; answers how each was received."""
    drafts = [
        await drafted(crisis, exceptions=[{"date": f"2027-01-{day + 4:02}", "windows": []}]) for day in range(VERSIONS)
    ]
    answers = [await crisis.client.post(f"{url}/activate", headers={"If-Match": tag}) for url, tag in drafts]
    return [answer.status_code for answer in answers]


async def fire_until(crisis, done):
    """Several workers with small batches, so that a batch is never all of a case, while time goes on."""
    base, handlers = crisis.service.base, crisis.service.timers._handlers
    workers = [TimerWorker(base.database, base.uow, base.clock, handlers, batch=6, lanes=4) for _ in range(2)]
    while not done.is_set():
        crisis.clock.move(crisis.clock.now() + timedelta(minutes=5))
        await asyncio.gather(*(worker.turn() for worker in workers))


async def complain_until(crisis, done):
    """More matters in all cases, again and again, as the consumer does: tried again after trouble that may pass."""
    while not done.is_set():
        at = crisis.clock.now()
        batch = [a_complaint(f"C-{n}", at=at) for n in range(0, CASES, 3)]
        for _ in range(5):
            try:
                await crisis.deliver(*batch)
                break
            except Exception as error:
                if not is_transient(error):
                    raise
        await asyncio.sleep(0.2)


@pytest.mark.long
async def test_calendars_are_published_while_timers_fire_and_no_transaction_has_to_give_way(crisis):
    await many_cases(crisis)
    done = asyncio.Event()
    others = [asyncio.create_task(fire_until(crisis, done)), asyncio.create_task(complain_until(crisis, done))]

    answers = await publish_all(crisis)
    done.set()
    await asyncio.gather(*others)
    await crisis.after(minutes=1)

    assert answers == [200] * VERSIONS
    newest = f";cn-office@{VERSIONS + 1}"
    left = "select count(*) from clock where provisional and not has_breached and strpos(policy, $1) = 0"
    assert await crisis.value(left, newest) == 0
    await crisis.execute("select pg_stat_force_next_flush()")
    assert await crisis.value("select deadlocks from pg_stat_database where datname = current_database()") == 0
