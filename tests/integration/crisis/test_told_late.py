"""What is heard late is told late and once, with when it was due and told; what no longer holds is corrected."""

from collections import Counter
from datetime import timedelta

from shared.contracts import format_instant, registry
from shared.contracts.json_schemas import published_schema
from shared.ids import new_id
from tests.support.crisis import MONDAY, a_complaint, a_snapshot

TARGET = "initial_resolution"


async def a_case(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1"))
    case = await crisis.case_of("C-1")
    for action in ("acknowledge", "respond"):
        await crisis.act(case["id"], action)
    return case


async def told(crisis, *types):
    return [event for event in await crisis.events(*types) if event["target"] == TARGET]


def after(**span):
    return format_instant(MONDAY + timedelta(**span))


async def test_a_wait_written_down_late_takes_back_a_breach_by_one_correction_and_flags_it(crisis):
    case = await a_case(crisis)
    await crisis.step(MONDAY + timedelta(hours=25))

    answer = await crisis.act(case["id"], "wait", at=after(hours=2), until=after(hours=10), reason="he was away")
    entries = await crisis.timeline(case["id"])
    await crisis.step(MONDAY + timedelta(hours=34))

    assert answer.status_code == 200, answer.text
    (corrected,) = await told(crisis, "clock.corrected")
    assert (corrected["corrects"], corrected["had_breached"]) == ("crisis.clock.breached.v1", True)
    assert corrected["thresholds"] == ["75%", "90%", "PT1H", "PT2H", "PT3H"]
    assert (corrected["previous_due_at"], corrected["due_at"]) == (after(hours=24), after(hours=32))
    assert (corrected["has_breached"], corrected["breached_at"]) == (False, None)
    (note,) = [e for e in entries if e["kind"] == "clock.corrected" and e["data"]["target"] == TARGET]
    warned = [e for e in entries if e["kind"] == "clock.warned" and e["data"]["target"] == TARGET]
    flagged = {e["data"]["threshold"]: e["corrected_by"] for e in warned}
    assert flagged == {"50%": None} | dict.fromkeys(corrected["thresholds"], note["seq"])
    (breach,) = [e for e in entries if e["kind"] == "clock.breached" and e["data"]["target"] == TARGET]
    assert (breach["at"], breach["corrected_by"]) == (after(hours=24), note["seq"])
    assert [e["at"] for e in await told(crisis, "clock.breached")] == [after(hours=24), after(hours=32)]
    moved = {e["target"]: e["cause"] for e in await crisis.events("clock.due_changed")}
    assert moved[TARGET] == "wait_recorded_late"
    assert "resolution" not in moved  # promised in business days, which no pause moves


async def test_a_breach_that_lies_elsewhere_now_is_corrected_and_not_told_again(crisis):
    case = await a_case(crisis)
    await crisis.step(MONDAY + timedelta(hours=30))

    await crisis.act(case["id"], "wait", at=after(hours=2), until=after(hours=4))

    (corrected,) = await told(crisis, "clock.corrected")
    assert (corrected["has_breached"], corrected["breached_at"]) == (True, after(hours=26))
    assert corrected["thresholds"] == []
    (breached,) = await told(crisis, "clock.breached")
    assert breached["at"] == after(hours=24)
    assert (await crisis.clocks(case["id"]))[TARGET]["breached_at"] == after(hours=26)


async def test_a_wait_that_turns_out_to_have_ended_earlier_may_have_broken_a_promise(crisis):
    case = await a_case(crisis)
    await crisis.after(hours=1)
    await crisis.act(case["id"], "wait")
    await crisis.step(MONDAY + timedelta(hours=40))

    await crisis.act(case["id"], "continue", at=after(hours=2))

    (breached,) = await told(crisis, "clock.breached")
    instants = (breached["at"], breached["due_at"], breached["fired_at"])
    assert instants == (after(hours=25), after(hours=25), after(hours=40))
    (resumed,) = await told(crisis, "clock.resumed")
    assert (resumed["at"], resumed["fired_at"], resumed["paused_seconds"]) == (after(hours=2), after(hours=40), 3600)
    assert await told(crisis, "clock.corrected") == []
    await crisis.after(days=2)
    assert len(await told(crisis, "clock.breached")) == 1


async def test_a_warning_found_after_a_pause_says_when_the_promise_was_due(crisis):
    case = await a_case(crisis)
    crisis.clock.move(MONDAY + timedelta(hours=13))

    await crisis.act(case["id"], "wait")  # before the timers, which were away, have fired

    (warned,) = await told(crisis, "clock.warned")
    instants = (warned["at"], warned["due_at"], warned["fired_at"])
    assert instants == (after(hours=12), after(hours=24), after(hours=13))
    (paused,) = await told(crisis, "clock.paused")
    assert paused["due_at"] is None


async def test_a_complaint_that_comes_late_tells_one_event_for_each_clock_and_calls_for_help_once(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"))

    await crisis.deliver(a_complaint("C-1", at=MONDAY - timedelta(hours=22)))
    body = {"customer_id": "C-2", "title": "By post", "received_at": after(hours=-22)}
    await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": new_id()})

    for customer in ("C-1", "C-2"):
        events = [e for e in await crisis.events("clock.warned", "clock.breached") if e["customer_id"] == customer]
        assert all(e["at_attach"] for e in events)
        assert max(Counter(e["clock_id"] for e in events).values()) == 1
        found = {e["target"]: (e["event"], e.get("threshold"), e["at"], e["due_at"], e["fired_at"]) for e in events}
        assert found["acknowledge"] == ("clock.breached", None, after(hours=-21.5), after(hours=-21.5), after())
        assert found[TARGET] == ("clock.warned", "PT2H", after(), after(hours=2), after())
        calls = [e for e in await crisis.events("escalation.raised") if e["customer_id"] == customer]
        assert [(e["reason"], e["target"]) for e in calls] == [("not_acknowledged", "acknowledge")]
    await crisis.after(hours=2)
    later = [e for e in await told(crisis, "clock.warned", "clock.breached") if e["customer_id"] == "C-1"]
    assert [(e["event"], e.get("threshold"), e["at_attach"]) for e in later] == [
        ("clock.warned", "PT2H", True),
        ("clock.warned", "PT1H", False),
        ("clock.breached", None, False),
    ]


async def test_every_event_of_a_clock_says_when_it_took_effect_when_it_was_told_and_by_when_it_was_due(crisis):
    for entry in registry.values():
        if entry.type.startswith("crisis.clock."):
            assert {"at", "fired_at", "due_at"} <= set(published_schema(entry)["required"])
    case = await a_case(crisis)
    crisis.clock.move(MONDAY + timedelta(days=3))
    while (await crisis.service.timers.turn())[1]:
        pass
    await crisis.act(case["id"], "resolve")

    events = [event for event in await crisis.events() if event["event"].startswith("clock.")]

    assert {"clock.warned", "clock.breached", "clock.met"} <= {event["event"] for event in events}
    assert all(event["at"] <= event["fired_at"] and event["due_at"] is not None for event in events)
    late = [event for event in events if event["event"] in {"clock.warned", "clock.breached"}]
    assert {event["fired_at"] for event in late} == {after(days=3)}
    keys = Counter((e["clock_id"], e["cycle"], e["event"], e.get("threshold")) for e in late)
    assert set(keys.values()) == {1}
