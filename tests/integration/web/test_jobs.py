"""Jobs: asked for once, done in steps, resumed after a kill, cancelled between steps."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from shared.jobs.runner import _LOCK_CLASS, JobRunner, RunningJob
from shared.jobs.store import submit
from tests.support.web import a_service, keyed, running, until

ROOT = Path(__file__).parents[3]


async def ask_for(things, to):
    answer = await things.client.post("/v1/things/count", json={"to": to}, headers=keyed())
    assert answer.status_code == 202
    return answer


async def state_of(things, job):
    return (await things.client.get(f"/v1/jobs/{job}")).json()


async def test_a_job_is_accepted_with_its_address_and_ends_with_a_result(things):
    answer = await ask_for(things, 5)
    where = answer.headers["location"]

    async def ended():
        return (await things.client.get(where)).json()["state"] == "succeeded"

    await until(ended)
    job = (await things.client.get(where)).json()
    assert where == f"/v1/jobs/{answer.json()['id']}"
    assert (job["done"], job["total"], job["result"]) == (5, 5, {"counted": 5})


async def test_of_one_thing_only_one_job_is_open(things):
    first = (await ask_for(things, 100_000)).json()["id"]

    second = await things.client.post("/v1/things/count", json={"to": 1}, headers=keyed())

    assert (second.status_code, second.json()["type"]) == (409, "/problems/job-already-open")
    assert second.json()["job"] == first


async def test_a_running_job_stops_at_its_next_step_when_it_is_cancelled(things):
    job = (await ask_for(things, 100_000)).json()["id"]

    async def begun():
        return (await state_of(things, job))["done"] > 3

    await until(begun)
    await things.client.post(f"/v1/jobs/{job}/cancel")

    async def ended():
        return (await state_of(things, job))["state"] == "cancelled"

    await until(ended)
    done = (await state_of(things, job))["done"]
    assert [row.n for row in await things.rows("select n from counted order by seq")] == list(range(1, done + 1))
    again = await things.client.post(f"/v1/jobs/{job}/cancel")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/job-ended")


async def test_a_job_that_fails_says_why(things):
    answer = await things.client.post("/v1/things/count", json={"to": "many"}, headers=keyed())
    assert answer.status_code == 422
    async with things.service.base.uow() as work:
        job = (await submit(work, "count", {"to": "many"}, by="test")).id

    async def ended():
        return (await state_of(things, job))["state"] == "failed"

    await until(ended)
    assert (await state_of(things, job))["problem"]["type"] == "/problems/internal"


@contextlib.asynccontextmanager
async def another_process(database_url, bus_url):
    """The service of things in a process of its own, up and running."""
    program = (
        "import asyncio, sys\n"
        "from tests.support.web import a_service, running\n"
        "async def main():\n"
        "    async with running(a_service(sys.argv[1], sys.argv[2])):\n"
        "        print('up', flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, database_url, bus_url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        while (line := await process.stdout.readline()).strip() != b"up":
            assert line, "the process did not come up"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_job_is_resumed_after_kill_minus_nine_and_no_step_is_done_twice(crisis_database, bus_url):
    service = a_service(crisis_database, bus_url)

    async def counted():
        async with service.base.database.read() as connection:
            return [r.n for r in await connection.exec_driver_sql("select n from counted order by seq")]

    async def some():
        return len(await counted()) >= 20

    async with another_process(crisis_database, bus_url) as process:
        async with service.base.uow() as work:
            job = (await submit(work, "count", {"to": 400}, by="test")).id
        await until(some)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert len(await counted()) < 400
    async with running(service) as things:

        async def ended():
            return (await state_of(things, job))["state"] == "succeeded"

        await until(ended)
        assert [row.n for row in await things.rows("select n from counted order by seq")] == list(range(1, 401))


async def test_a_runner_that_lost_its_job_and_wakes_up_saves_nothing_more(things):
    base = things.service.base
    async with base.uow() as work:
        job = (await submit(work, "held", {}, by="test")).id
    asleep, go_on, steps = asyncio.Event(), asyncio.Event(), []

    async def handler(running_job: RunningJob) -> str:
        who = len(steps)
        steps.append(who)
        if who == 0:
            asleep.set()
            await go_on.wait()
        async with running_job.step() as work:
            await work.raw.execute("insert into counted (n) values ($1)", who)
        return f"runner {who}"

    slow, quick = (JobRunner(base.database, base.uow, {"held": handler}) for _ in range(2))
    sleeper = asyncio.create_task(slow.turn())
    await asleep.wait()
    async with base.database.begin() as connection:  # as if the server had lost the sleeper's connection
        await connection.exec_driver_sql(
            "select pg_terminate_backend(pid, 60000) from pg_locks where locktype = 'advisory' and classid ="
            f" {_LOCK_CLASS} and pid <> pg_backend_pid()"
        )
    assert await quick.turn()
    go_on.set()
    with contextlib.suppress(Exception):
        await sleeper

    assert [row.n for row in await things.rows("select n from counted")] == [1]
    assert (await state_of(things, job))["result"] == "runner 1"


@pytest.mark.parametrize("query", ["state=succeeded", "kind=count"])
async def test_jobs_are_listed_and_filtered(things, query):
    await ask_for(things, 1)

    async def ended():
        return len((await things.client.get(f"/v1/jobs?{query}&state=succeeded")).json()["items"]) == 1

    await until(ended)
    assert (await things.client.get("/v1/jobs?kind=other")).json()["items"] == []
