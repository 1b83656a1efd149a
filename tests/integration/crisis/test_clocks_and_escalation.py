"""Clocks fired by the stepped clock, escalation that follows, and what notify says of messages."""

from datetime import timedelta

from tests.support.crisis import MONDAY, a_complaint, a_message_event, a_snapshot, a_tier_change


async def a_case(crisis, service_class="key", **fields):
    await crisis.deliver(a_snapshot("C-1", service_class))
    await crisis.deliver(a_complaint("C-1", **fields))
    return await crisis.case_of("C-1")


def by_link(case, at):
    return a_message_event("acknowledged", case, at=at, delivery_id=None, person="E-1042", means="link")


async def test_a_key_customers_24_hours_are_warned_of_broken_and_escalated_to_the_next_level(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=10)
    for action in ("acknowledge", "respond"):
        assert (await crisis.act(case["id"], action)).status_code == 200

    await crisis.step(MONDAY + timedelta(hours=24))

    about = [e for e in await crisis.events("clock.warned", "clock.breached") if e["target"] == "initial_resolution"]
    assert [(e["event"], e.get("threshold"), e["at"]) for e in about] == [
        ("clock.warned", "50%", "2026-03-02T14:00:00Z"),
        ("clock.warned", "75%", "2026-03-02T20:00:00Z"),
        ("clock.warned", "PT3H", "2026-03-02T23:00:00Z"),
        ("clock.warned", "90%", "2026-03-02T23:36:00Z"),
        ("clock.warned", "PT2H", "2026-03-03T00:00:00Z"),
        ("clock.warned", "PT1H", "2026-03-03T01:00:00Z"),
        ("clock.breached", None, "2026-03-03T02:00:00Z"),
    ]
    assert all(e["at"] == e["fired_at"] for e in about)
    calls = await crisis.events("escalation.raised")
    led = [e for e in calls if e["target"] == "initial_resolution"]
    assert [(e["level"], e["role"], e["reason"]) for e in led] == [(2, "team_lead", "breach")]


async def test_each_warning_and_breach_is_told_once_however_often_time_is_asked(crisis):
    case = await a_case(crisis)
    await crisis.step(MONDAY + timedelta(days=10))

    events = await crisis.events("clock.warned", "clock.breached")
    marks = [(e["clock_id"], e["cycle"], e["event"], e.get("threshold")) for e in events]
    assert len(marks) == len(set(marks))
    clocks = await crisis.clocks(case["id"])
    assert all(clock["has_breached"] for clock in clocks.values())
    assert await crisis.value("select count(*) from timer") == 0


async def test_29_late_firing_after_a_downtime_carries_both_instants_and_suppresses_nothing(crisis):
    await a_case(crisis)
    crisis.clock.move(MONDAY + timedelta(hours=30))

    while (await crisis.service.timers.turn())[1]:
        pass

    breached = [e for e in await crisis.events("clock.breached") if e["target"] == "initial_resolution"]
    assert [(e["at"], e["fired_at"]) for e in breached] == [("2026-03-03T02:00:00Z", "2026-03-03T08:00:00Z")]
    warned = [e["threshold"] for e in await crisis.events("clock.warned") if e["target"] == "initial_resolution"]
    assert len(warned) == 6


async def test_nobody_takes_notice_and_the_levels_are_called_one_after_the_other(crisis):
    await a_case(crisis)

    await crisis.after(hours=6)

    calls = await crisis.events("escalation.raised")
    climbed = [(e["level"], e["role"]) for e in calls if e["reason"] == "not_acknowledged"]
    assert climbed[0] == (2, "team_lead")
    assert climbed[-1] == (4, "executive_sponsor")
    assert [e["step"] for e in calls] == list(range(1, len(calls) + 1))


async def test_notice_taken_by_link_stops_the_clock_and_the_escalation_and_nothing_else(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=20)
    clicked = crisis.clock.now()

    await crisis.deliver(
        a_message_event("acknowledged", case, at=clicked, delivery_id=None, person="E-1042", means="link")
    )
    await crisis.after(minutes=39)

    clocks = await crisis.clocks(case["id"])
    assert (clocks["acknowledge"]["result"], clocks["acknowledge"]["stopped_at"]) == ("met", "2026-03-02T02:20:00Z")
    assert clocks["first_response"]["stage"] == "in_progress"
    assert await crisis.events("escalation.raised") == []
    (told,) = await crisis.events("case.acknowledged")
    assert (told["means"], told["by"]) == ("link", "E-1042")


async def test_notice_given_in_time_but_heard_late_takes_the_breach_back(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=31)

    in_time = MONDAY + timedelta(minutes=29)
    await crisis.deliver(
        a_message_event("acknowledged", case, at=in_time, delivery_id=None, person="E-1", means="link")
    )

    (corrected,) = [e for e in await crisis.events("clock.corrected") if e["had_breached"]]
    assert (corrected["target"], corrected["corrects"]) == ("acknowledge", "crisis.clock.breached.v1")
    assert (await crisis.clocks(case["id"]))["acknowledge"]["result"] == "met"


async def test_a_message_that_reaches_nobody_calls_the_next_level_at_once_and_only_once(crisis):
    case = await a_case(crisis)

    for _ in range(3):
        await crisis.deliver(a_message_event("undeliverable", case, at=MONDAY, reason="all_failed", routes=[]))
    calls = await crisis.events("escalation.raised")

    assert [(e["level"], e["role"], e["reason"]) for e in calls] == [(2, "team_lead", "undeliverable")]


async def test_waiting_stops_the_clocks_and_ends_by_itself(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "acknowledge")
    until = "2026-03-04T02:00:00Z"

    answer = await crisis.act(case["id"], "wait", waiting_for="waiting_for_customer", until=until)
    paused = await crisis.clocks(case["id"])
    await crisis.step(MONDAY + timedelta(days=2))
    running = await crisis.clocks(case["id"])

    assert answer.status_code == 200, answer.text
    assert paused["initial_resolution"]["stage"] == "paused"
    assert paused["initial_resolution"]["due_at"] is None
    assert paused["initial_resolution"]["due_if_resumed_now"] == "2026-03-03T02:00:00Z"
    assert running["initial_resolution"]["stage"] == "in_progress"
    assert running["initial_resolution"]["due_at"] == "2026-03-05T02:00:00Z"
    assert not [e for e in await crisis.events("clock.warned") if e["target"] == "initial_resolution"]


async def test_a_downgrade_is_acknowledged_by_link_answered_and_resolved(crisis):
    await crisis.deliver(a_snapshot("C-1", "strategic", version=1))
    await crisis.deliver(a_tier_change("C-1", "strategic", "basic", version=2))
    case = await crisis.case_of("C-1")
    await crisis.after(minutes=5)
    await crisis.deliver(by_link(case, crisis.clock.now()))

    await crisis.act(case["id"], "respond", means="call")
    answer = await crisis.act(case["id"], "resolve", resolution="explained")

    assert answer.json()["resolved_at"] == "2026-03-02T02:05:00Z"
    results = {target: clock["result"] for target, clock in (await crisis.clocks(case["id"])).items()}
    assert {results[t] for t in ("acknowledge", "first_response", "initial_resolution", "resolution")} == {"met"}
    await crisis.after(days=3)
    assert await crisis.events("clock.breached", "escalation.raised") == []


async def test_the_rows_of_a_clock_fold_to_what_the_api_says(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "wait")
    await crisis.after(hours=1)
    await crisis.act(case["id"], "continue")
    clocks = await crisis.clocks(case["id"])
    events = await crisis.rows(
        "select type, at, detail from clock_event where clock_id = $1 order by seq", clocks["initial_resolution"]["id"]
    )
    policy = (await crisis.client.get("/v1/sla-policies/key")).json()

    told = [{"at": row["at"].isoformat(), "type": row["type"], **(row["detail"] or {})} for row in events]
    body = {"policy": policy["body"], "events": told, "until": crisis.clock.now().isoformat()}
    simulated = (await crisis.client.post("/v1/sla/simulate", json=body)).json()["clocks"]

    (same,) = [clock for clock in simulated if clock["target"] == "initial_resolution"]
    assert same == {name: clocks["initial_resolution"][name] for name in same}
