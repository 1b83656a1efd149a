"""A clock that has taken as many events as it may: it can be ended, and nothing else stops at it."""

import json
from datetime import timedelta

import pytest

from services.crisis.domain.sla import clock as module
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, kinds

FEW = 60


@pytest.fixture(autouse=True)
def a_clock_takes_few_events(monkeypatch):
    monkeypatch.setattr(module, "MOST_RECORDS", FEW)


async def a_case(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1"))
    return (await crisis.case_of("C-1"))["id"]


async def filled(crisis, case, count, *, target="resolution"):
    """Let a clock have that many events: pauses and resumes, the last of them a resume."""
    clock = await crisis.value("select id from clock where case_id = $1 and target = $2", case, target)
    await crisis.execute(
        """
        insert into clock_event (clock_id, seq, type, at, recorded_at, actor, detail)
        select $1, n, case when n % 2 = 0 then 'pause' else 'resume' end, $2::timestamptz + n * interval '1 ms',
               $2, 'test', $3::jsonb from generate_series(2, $4::int) as n
        """,
        clock,
        MONDAY,
        json.dumps({"reason": "waiting_for_customer"}),
        count,
    )
    await crisis.execute("update clock set recorded = $2 where id = $1", clock, count)
    return clock


async def test_a_full_clock_refuses_what_would_go_on_for_ever_and_takes_its_end(crisis):
    case = await a_case(crisis)
    await filled(crisis, case, FEW + 1)
    crisis.clock.move(MONDAY + timedelta(hours=1))

    waited = await crisis.act(case, "wait")
    resolved = await crisis.act(case, "resolve")

    assert (waited.status_code, waited.json()["type"]) == (409, "/problems/clock-full")
    assert "resolution has taken 61 events" in waited.json()["detail"]
    assert resolved.status_code == 200
    assert (await crisis.clocks(case))["resolution"]["result"] == "met"


async def test_a_wait_that_began_before_a_clock_was_full_still_ends(crisis):
    case = await a_case(crisis)
    await filled(crisis, case, FEW - 1)
    crisis.clock.move(MONDAY + timedelta(hours=1))
    assert (await crisis.act(case, "wait", until="2026-03-02T04:00:00Z")).status_code == 200

    await crisis.step(MONDAY + timedelta(hours=3))

    assert (await crisis.clocks(case))["resolution"]["stage"] == "in_progress"


async def test_another_tier_passes_by_a_full_clock_and_changes_the_others_and_other_cases(crisis):
    case = await a_case(crisis)
    await crisis.deliver(a_snapshot("C-2", "key"), a_complaint("C-2"))
    full = await filled(crisis, case, FEW + 1)
    before = (await crisis.clocks(case))["resolution"]["due_at"]
    crisis.clock.move(MONDAY + timedelta(minutes=1))

    at = crisis.clock.now()
    await crisis.deliver(*(a_snapshot(id_, "strategic", version=2, at=at) for id_ in ("C-1", "C-2")))

    told = {(event["customer_id"], event["target"]) for event in await crisis.events("clock.retargeted")}
    assert ("C-1", "initial_resolution") in told and ("C-2", "resolution") in told
    assert ("C-1", "resolution") not in told
    assert (await crisis.clocks(case))["resolution"]["due_at"] == before
    (entry,) = [e for e in await crisis.timeline(case) if e["kind"] == "clock.full"]
    assert (entry["data"]["clock_id"], entry["data"]["cause"]) == (full, "tier_raised")
    assert "case.class_raised" in kinds(await crisis.timeline(case))


async def test_only_the_cycles_that_an_action_touches_are_written_again(crisis):
    case = await a_case(crisis)
    for _ in range(3):
        await crisis.after(hours=1)
        assert (await crisis.act(case, "update")).status_code == 200
    await crisis.execute("update past_cycle set policy = 'untouched'")

    await crisis.after(hours=1)
    await crisis.act(case, "update")

    rows = await crisis.rows("select p.cycle, p.policy from past_cycle p order by cycle")
    assert [(row["cycle"], row["policy"] == "untouched") for row in rows] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
