"""Replicas whose clocks are apart: for one case time never runs back."""

from datetime import timedelta

from tests.support.crisis import MONDAY, a_complaint, a_crisis, a_snapshot


async def test_a_replica_whose_clock_is_behind_takes_back_nothing_that_another_has_told(crisis_database):
    broken_at = MONDAY + timedelta(hours=1)
    async with (
        a_crisis(crisis_database, now=MONDAY) as ahead,
        a_crisis(crisis_database, now=broken_at - timedelta(seconds=2)) as behind,
    ):
        await ahead.deliver(a_snapshot("C-1", "key"), a_complaint("C-1"))
        await ahead.step(broken_at)
        case = await ahead.case_of("C-1")
        assert (await ahead.clocks(case["id"]))["first_response"]["has_breached"]

        await behind.deliver(a_snapshot("C-1", "strategic", version=2))
        await behind.act(case["id"], "acknowledge")

        assert await ahead.events("clock.corrected") == []
        assert len([e for e in await ahead.events("clock.breached") if e["target"] == "first_response"]) == 1
        recorded = [entry["recorded_at"] for entry in await ahead.timeline(case["id"])]
        assert recorded == sorted(recorded)
