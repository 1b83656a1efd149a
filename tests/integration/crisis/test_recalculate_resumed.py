"""A recalculation that is cut off goes on where it stopped, and tells everything once."""

import asyncio
import contextlib
from collections import Counter

from services.crisis.usecases import case_batches as module
from shared.db.subjects import lock_subjects
from tests.integration.crisis.test_recalculate import a_case, another_version, approve, approved, dry_run, run_jobs


async def done_so_far(crisis, job_id):
    return await crisis.value("select coalesce((progress ->> 'done')::int, 0) from job where id = $1", job_id)


async def test_a_run_that_was_cut_off_goes_on_at_the_case_where_it_stopped(crisis, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    cases = [await a_case(crisis, f"C-{number}") for number in range(4)]
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    looked = await dry_run(crisis)
    asked = (await approve(crisis, looked["id"])).json()["id"]

    async with crisis.service.base.uow() as held:
        await lock_subjects(held.raw, ["C-2"])
        running = asyncio.create_task(crisis.service.jobs.turn())
        async with asyncio.timeout(60):
            while await done_so_far(crisis, asked) < 2:
                await asyncio.sleep(0.02)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    told = len(await crisis.events("clock.corrected"))
    await run_jobs(crisis)

    job = (await crisis.client.get(f"/v1/jobs/{asked}")).json()
    assert (told, job["state"], job["done"], job["total"]) == (2, "succeeded", 4, 4)
    assert (job["result"]["applied"], job["result"]["clocks"]) == (4, 20)
    assert Counter(event["case_id"] for event in await crisis.events("clock.corrected")) == dict.fromkeys(cases, 1)
    assert await crisis.value("select count(*) from clock_event where type = 'repin'") == 20


async def test_a_run_that_was_cancelled_half_way_can_be_approved_again(crisis, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    for number in range(3):
        await a_case(crisis, f"C-{number}")
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    looked = await dry_run(crisis)
    asked = (await approve(crisis, looked["id"])).json()["id"]
    async with crisis.service.base.uow() as held:
        await lock_subjects(held.raw, ["C-1"])
        running = asyncio.create_task(crisis.service.jobs.turn())
        async with asyncio.timeout(60):
            while await done_so_far(crisis, asked) < 1:
                await asyncio.sleep(0.02)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    (await crisis.client.post(f"/v1/jobs/{asked}/cancel")).raise_for_status()
    await run_jobs(crisis)

    job = await approved(crisis, looked)

    assert (job["result"]["applied"], job["result"]["no_change"]) == (2, 1)
    assert len(await crisis.events("clock.corrected")) == 3
