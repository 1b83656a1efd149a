"""A new version of a policy changes nothing that runs until somebody asks for it and somebody else approves it."""

import asyncio
import contextlib
from collections import Counter

from services.crisis.usecases import case_batches
from shared.db.subjects import lock_subjects
from shared.ids import new_id
from tests.integration.crisis.test_change_behaviours import FOUR_HOURS, TEN_HOURS, a_case, promise
from tests.integration.crisis.test_recalculate import approved, changes, ended, run_jobs
from tests.integration.crisis.test_recalculate_resumed import done_so_far
from tests.support.crisis import a_complaint, kinds

AT_NOON = "2026-03-02T12:00:00Z"


async def ask(crisis, version=2, key="standard", **body):
    path = f"/v1/sla-policies/{key}/versions/{version}/apply"
    said = {"reason": "shorter for everybody", **body}
    return await crisis.client.post(path, json=said, headers={"Idempotency-Key": new_id()})


async def dry_run(crisis, behaviour=None, **body):
    return await ended(crisis, await ask(crisis, **({"behaviour": behaviour} if behaviour else {}), **body))


async def newer(crisis, resolution=FOUR_HOURS, **rules):
    """Another version of the policy that standard customers are promised a resolution by."""
    await promise(crisis, "standard", resolution, **rules)


async def resolution_of(crisis, case):
    return (await crisis.clocks(case))["resolution"]


async def version_of(crisis, resolution=TEN_HOURS, **rules):
    """The version of a policy that promises a resolution and nothing else."""
    await promise(crisis, "standard", resolution, **rules)
    return (await crisis.client.get("/v1/sla-policies/standard")).json()["version"]


async def test_what_runs_keeps_its_version_until_the_new_one_is_applied_as_a_behaviour_says(crisis):
    before = await version_of(crisis)
    expected = {
        "keep": (1, AT_NOON),
        "retarget_from_start": (1, "2026-03-02T06:00:00Z"),
        "restart_now": (2, "2026-03-02T08:00:00Z"),
        "prorate": (1, "2026-03-02T07:12:00Z"),
        "tighten_only": (1, "2026-03-02T06:00:00Z"),
    }
    cases = {behaviour: await a_case(crisis, customer=behaviour) for behaviour in expected}
    await crisis.after(hours=2)
    await newer(crisis)
    kept = {(await resolution_of(crisis, case))["due_at"] for case in cases.values()}

    jobs = {}
    for behaviour, case in cases.items():
        looked = await dry_run(crisis, behaviour, version=before + 1, select={"case_ids": [case]})
        jobs[behaviour] = (looked, await approved(crisis, looked))

    assert kept == {AT_NOON}
    told = {event["customer_id"]: event for event in await crisis.events("clock.retargeted")}
    assert told.keys() == expected.keys() - {"keep"}
    for behaviour, (cycle, due) in expected.items():
        clock = await resolution_of(crisis, cases[behaviour])
        assert (behaviour, clock["cycle"], clock["due_at"]) == (behaviour, cycle, due)
        assert clock["policy_version"] == (before if behaviour == "keep" else before + 1)
        looked, done = jobs[behaviour]
        last = [] if behaviour == "keep" else [due]
        assert [item["after"]["due_at"] for item in await changes(crisis, looked)][-1:] == last
        assert [item["outcome"] for item in await changes(crisis, done)][-1:] == ["applied"] * len(last)
    for behaviour, event in told.items():
        said = (event["behaviour"], event["cause"], event["cycle"], event["due_at"], event["policy_version"])
        assert said == (behaviour, "policy_changed", *expected[behaviour], before + 1)
    assert jobs["keep"][1]["result"]["left_kept"] == 1


async def test_a_dry_run_changes_nothing_and_counts_what_would(crisis):
    before = await version_of(crisis)
    case = await a_case(crisis)
    await newer(crisis)
    told = len(await crisis.events())

    job = await dry_run(crisis, version=before + 1)

    counts = job["result"]
    assert (counts["cases"], counts["changed_cases"], counts["changed_clocks"], counts["due_earlier"]) == (1, 1, 1, 1)
    (change,) = await changes(crisis, job)
    assert (change["before"]["due_at"], change["after"]["due_at"]) == (AT_NOON, "2026-03-02T06:00:00Z")
    assert ((await resolution_of(crisis, case))["due_at"], len(await crisis.events())) == (AT_NOON, told)


async def test_without_a_behaviour_the_policy_that_the_clock_stands_under_says(crisis):
    before = await version_of(crisis, on_policy_change="restart_now")
    case = await a_case(crisis)
    await crisis.after(hours=2)
    await newer(crisis, {"elapsed": "PT20H"}, on_policy_change="keep")

    await approved(crisis, await dry_run(crisis, version=before + 1))

    clock = await resolution_of(crisis, case)
    assert (clock["cycle"], clock["due_at"]) == (2, "2026-03-03T00:00:00Z")
    (entry,) = [e for e in await crisis.timeline(case) if e["kind"] == "sla.policy_applied"]
    assert (entry["data"]["version"], entry["data"]["reason"]) == (before + 1, "the board said so")


async def test_what_starts_later_in_the_case_starts_with_the_version_that_was_applied(crisis):
    before = await version_of(crisis)
    case = await a_case(crisis)
    await newer(crisis)
    await approved(crisis, await dry_run(crisis, "keep", version=before + 1))

    await crisis.deliver(a_complaint("C-1", at=crisis.clock.now()))

    versions = await crisis.rows("select pin from clock where case_id = $1 order by id", case)
    assert [row["pin"] for row in versions] == [f"standard@{before}", f"standard@{before + 1}"]


async def test_a_promise_that_is_used_up_by_the_new_version_is_broken_when_it_is_applied(crisis):
    before = await version_of(crisis)
    case = await a_case(crisis)
    await crisis.after(hours=5)
    await newer(crisis)

    await approved(crisis, await dry_run(crisis, version=before + 1))

    (breach,) = await crisis.events("clock.breached")
    assert (breach["at"], breach["breach_cause"]) == ("2026-03-02T07:00:00Z", "retarget")
    assert {"sla.policy_applied", "clock.breached"} <= set(kinds(await crisis.timeline(case)))


async def test_only_the_active_version_is_applied_and_only_to_open_cases_and_by_somebody_else(crisis):
    before = await version_of(crisis)
    await a_case(crisis)
    await newer(crisis)

    old, unknown = await ask(crisis, before), await ask(crisis, 99)
    closed = await ask(crisis, before + 1, select={"include_closed": True, "opened_from": "2026-01-01T00:00:00Z"})
    looked = await dry_run(crisis, version=before + 1)
    path = f"/v1/sla/recalculations/{looked['id']}/approve"
    own = await crisis.client.post(path, json={}, headers={"Idempotency-Key": new_id()})
    await newer(crisis, {"elapsed": "PT3H"})
    late = await crisis.client.post(path, json={}, headers={"Idempotency-Key": new_id(), **crisis.colleague})

    assert (old.status_code, old.json()["type"], unknown.status_code) == (409, "/problems/policy-not-in-force", 404)
    assert [error["pointer"] for error in closed.json()["errors"]] == ["/select/include_closed"]
    assert (own.status_code, own.json()["type"]) == (403, "/problems/four-eyes")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/recalculation-not-approvable")


async def test_a_run_that_was_cut_off_goes_on_and_changes_each_case_once(crisis, monkeypatch):
    monkeypatch.setattr(case_batches, "BATCH", 1)
    before = await version_of(crisis)
    cases = [await a_case(crisis, customer=f"C-{number}") for number in range(4)]
    await crisis.after(hours=2)
    await newer(crisis)
    looked = await dry_run(crisis, "prorate", version=before + 1)
    path = f"/v1/sla/recalculations/{looked['id']}/approve"
    asked = await crisis.client.post(path, json={}, headers={"Idempotency-Key": new_id(), **crisis.colleague})

    async with crisis.service.base.uow() as held:
        await lock_subjects(held.raw, ["C-2"])
        running = asyncio.create_task(crisis.service.jobs.turn())
        async with asyncio.timeout(60):
            while await done_so_far(crisis, asked.json()["id"]) < 2:
                await asyncio.sleep(0.02)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await run_jobs(crisis)
    await approved(crisis, await dry_run(crisis, "prorate", version=before + 1))

    assert Counter(e["case_id"] for e in await crisis.events("clock.retargeted")) == dict.fromkeys(cases, 1)
    assert {(await resolution_of(crisis, case))["due_at"] for case in cases} == {"2026-03-02T07:12:00Z"}
