"""A calendar published beside a transaction, or before a promise became provisional by the version it replaced."""

import asyncio
from datetime import timedelta

from tests.integration.crisis.test_calendar_published import CLOSED, DECEMBER, a_late_case, activated, drafted
from tests.integration.crisis.test_documents import body_of
from tests.support.crisis import a_complaint, a_delivery, a_snapshot, activate

SOON_CLOSED = {"exceptions": [{"from": "2026-12-24", "to": "2026-12-25", "windows": []}]}


async def somebody_waits(crisis):
    while not await crisis.value("select count(*) from pg_locks where not granted"):
        await asyncio.sleep(0.01)


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
        await somebody_waits(crisis)
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


async def a_following_policy(crisis):
    """Its promises are certain, and derived anew from their start by a new version of the calendar."""
    policy = await body_of(crisis, "sla-policies", "basic")
    policy["targets"]["resolution"] = {"business_days": 5, "calendar": "cn-office"}
    await activate(crisis, "sla-policies", "basic", {**policy, "on_calendar_change": "retarget_from_start"})
    crisis.clock.move(DECEMBER)
    await crisis.deliver(a_snapshot("C-1", "basic", at=DECEMBER))


async def resolution_of(crisis):
    found = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["resolution"]
    return found["provisional"], found["due_at"]


async def test_a_certain_promise_that_begins_beside_the_publication_changes_as_its_policy_says(crisis):
    await a_following_policy(crisis)
    url, tag = await drafted(crisis, **SOON_CLOSED)

    async with crisis.service.base.uow() as work:
        await work.lock(["C-1"])
        await crisis.handlers.facts(work, [a_delivery(a_complaint("C-1", at=DECEMBER))])
        publishing = asyncio.create_task(activated(crisis, url, tag))
        while not publishing.done() and not await crisis.value("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
    await publishing
    await crisis.after(seconds=0)

    assert await resolution_of(crisis) == (False, "2026-12-30T10:00:00Z")


async def test_a_certain_promise_that_began_on_a_version_published_over_meanwhile_changes_too(crisis):
    await a_following_policy(crisis)
    url, tag = await drafted(crisis, **SOON_CLOSED)

    async with crisis.service.base.uow() as held:
        await held.raw.execute("lock table customer in access exclusive mode")
        opening = asyncio.create_task(crisis.deliver(a_complaint("C-1", at=DECEMBER)))
        await somebody_waits(crisis)
        await activated(crisis, url, tag)
    await opening
    await crisis.after(seconds=0)

    assert await resolution_of(crisis) == (False, "2026-12-30T10:00:00Z")


async def a_warning_soon(crisis):
    """A provisional promise that warns within the day."""
    resolution = {"business_days": 20, "calendar": "cn-office", "warn": ["1%"]}
    body = {"order": 1, "applies": {"service_class": "basic"}, "targets": {"resolution": resolution}}
    await activate(crisis, "sla-policies", "warning", body)
    return await a_late_case(crisis)


async def published(crisis, **changes):
    url, tag = await drafted(crisis, **changes)
    return await crisis.client.post(f"{url}/activate", headers={"If-Match": tag})


async def test_a_publication_and_the_timers_of_cases_do_not_wait_for_each_other(crisis):
    """The timers of the version before are in hand, and a clock beside them looks at the calendar."""
    case = await a_warning_soon(crisis)
    await published(crisis, **CLOSED)
    while not await crisis.value("select count(*) from timer where kind = 'rederive'"):
        await crisis.service.timers.turn()
    crisis.clock.move(DECEMBER + timedelta(days=1))

    async with crisis.service.base.uow() as held:
        await held.raw.execute("lock table customer in access exclusive mode")
        firing = asyncio.create_task(crisis.service.timers.turn())
        await somebody_waits(crisis)
        answer = await asyncio.wait_for(published(crisis, **SOON_CLOSED), timeout=30)
    await firing
    await crisis.after(seconds=0)

    assert answer.status_code == 200
    assert (await crisis.clocks(case["id"]))["resolution"]["calendar_version"] == 3
