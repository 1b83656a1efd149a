"""A calendar published beside a transaction, or before a promise became provisional by the version it replaced."""

import asyncio
from datetime import timedelta

from tests.integration.crisis.test_calendar_published import CLOSED, DECEMBER, a_late_case, activated, drafted
from tests.support.crisis import a_complaint, a_delivery


async def test_a_limit_that_begins_while_the_calendar_is_being_published_follows_it_too(crisis):
    """Neither of the two transactions sees what the other has not committed."""
    crisis.clock.move(DECEMBER)
    url, tag = await drafted(crisis, **CLOSED)
    complaint = a_complaint("C-1", at=DECEMBER, regulated="cn-market-regulation")

    async with crisis.service.base.uow() as work:
        await work.lock(["C-1"])
        await crisis.handlers.facts(work, [a_delivery(complaint)])
        publishing = asyncio.create_task(activated(crisis, url, tag))
        while not publishing.done() and not await crisis.value("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
    await publishing
    await crisis.after(seconds=0)

    answer = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["final_answer"]
    assert answer["calendar_version"] == 2


async def test_a_limit_that_began_on_a_version_published_over_meanwhile_follows_the_new_one(crisis):
    crisis.clock.move(DECEMBER)
    url, tag = await drafted(crisis, **CLOSED)
    complaint = a_complaint("C-1", at=DECEMBER, regulated="cn-market-regulation")

    async with crisis.service.base.uow() as held:
        await held.raw.execute("lock table customer in access exclusive mode")
        opening = asyncio.create_task(crisis.deliver(complaint))
        while not await crisis.value("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
        await activated(crisis, url, tag)
    await opening
    await crisis.after(seconds=0)

    answer = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["final_answer"]
    assert answer["calendar_version"] == 2


async def test_a_promise_that_becomes_provisional_only_later_follows_the_version_published_by_then(crisis):
    case = await a_late_case(crisis)
    await activated(crisis, *(await drafted(crisis, **CLOSED)))
    before = (await crisis.clocks(case["id"]))["update_cadence"]
    await crisis.step(DECEMBER + timedelta(days=7))

    await crisis.act(case["id"], "update")
    await crisis.after(seconds=0)

    after = (await crisis.clocks(case["id"]))["update_cadence"]
    assert (before["provisional"], before["calendar_version"]) == (False, 1)
    assert (after["calendar_version"], after["due_at"][:10]) == (2, "2027-01-12")
