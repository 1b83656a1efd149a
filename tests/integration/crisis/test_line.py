"""The thinnest whole line: a complaint becomes a case with clocks, people work on it over HTTP, and it is told."""

from tests.support.crisis import MONDAY, a_complaint, a_snapshot, kinds


async def test_a_complaint_becomes_a_case_with_clocks_timers_timeline_and_events(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1", impact="high", complaint_id="CMP-1"))

    case = await crisis.case_of("C-1")
    clocks = await crisis.clocks(case["id"])
    assert (case["service_class"], case["severity"], case["stage"], case["status"]) == ("key", "S2", "warning", "open")
    assert [matter["reference"] for matter in case["matters"]] == ["CMP-1"]
    assert clocks["initial_resolution"]["due_at"] == "2026-03-03T02:00:00Z"
    assert clocks["acknowledge"]["due_at"] == "2026-03-02T02:30:00Z"
    assert await crisis.value("select count(*) from timer where kind = 'clocks'") == 1
    told = [event["event"] for event in await crisis.events()]
    assert told[:2] == ["case.opened", "matter.opened"]
    assert set(told[2:]) == {"clock.started"}
    assert len(told[2:]) == len(clocks)
    assert kinds(await crisis.timeline(case["id"])) == ["case.opened"]


async def test_a_case_is_acknowledged_answered_resolved_and_closed_over_http(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1"))
    case = await crisis.case_of("C-1")

    for action in ("acknowledge", "respond", "propose-resolution", "resolve", "close"):
        answer = await crisis.act(case["id"], action)
        assert answer.status_code == 200, answer.text

    closed = answer.json()
    clocks = await crisis.clocks(case["id"])
    assert (closed["status"], closed["stage"]) == ("closed", "closed")
    assert {clocks[t]["result"] for t in ("acknowledge", "first_response", "initial_resolution", "resolution")} == {
        "met"
    }
    assert await crisis.value("select count(*) from timer") == 0
    verification = await crisis.client.get(f"/v1/cases/{case['id']}/timeline/verification")
    assert verification.json()["valid"] is True
    assert crisis.clock.now() == MONDAY
