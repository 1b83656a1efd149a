"""What of a merged case lives on elsewhere: links that were sent, timers, calls, recalculations: each goes on."""

from datetime import timedelta

from tests.integration.crisis.test_calendar_published import CLOSED, DECEMBER, activated, drafted
from tests.integration.crisis.test_merging import NEW, OLD, case_with, clocks_about, merge, one_customer, two_cases
from tests.integration.crisis.test_recalculate import another_version, approved, dry_run
from tests.support.crisis import a_complaint, a_message_event, a_snapshot, kinds


async def took_notice(crisis, case, **fields):
    said = {"person": "E-7", "means": "link", "delivery_id": None, **fields}
    await crisis.deliver(a_message_event("acknowledged", case, at=crisis.clock.now(), **said))


async def notice_of(crisis, case):
    return {m["reference"]: m["acknowledged_at"] is not None for m in (await case_with(crisis, case))["matters"]}


async def test_a_link_of_the_case_that_went_takes_notice_of_what_came_from_there_and_of_nothing_else(crisis):
    old, new = await two_cases(crisis)
    sent = await case_with(crisis, old)
    await merge(crisis, old, new)
    await crisis.after(minutes=5)

    await took_notice(crisis, sent)
    await took_notice(crisis, sent)

    assert await notice_of(crisis, new) == {"CMP-1": True, "CMP-2": False}
    assert (await clocks_about(crisis, new, "CMP-1"))["acknowledge"]["stage"] == "completed"
    assert (await clocks_about(crisis, new, "CMP-2"))["acknowledge"]["stage"] == "in_progress"
    (told,) = await crisis.events("case.acknowledged")
    assert (told["case_id"], told["by"], told["means"]) == (new, "E-7", "link")
    assert sent["number"] in told["reason"]


async def test_a_link_about_a_matter_that_both_cases_had_takes_notice_of_the_one_that_goes_on(crisis):
    old, new = await two_cases(crisis)
    await crisis.deliver(a_complaint(NEW, at=crisis.clock.now(), complaint_id="CMP-1"))
    sent = await case_with(crisis, old)
    await merge(crisis, old, new)

    await took_notice(crisis, sent, matter_id=sent["matters"][0]["id"])

    assert await notice_of(crisis, new) == {"CMP-1": True, "CMP-2": False}


async def test_a_link_reaches_the_case_that_goes_on_by_way_of_another_that_was_merged_too(crisis):
    old, new = await two_cases(crisis)
    await crisis.deliver(a_snapshot("C-LAST"), a_complaint("C-LAST", at=crisis.clock.now(), complaint_id="CMP-3"))
    await crisis.deliver(a_complaint("C-LAST", at=crisis.clock.now(), complaint_id="CMP-1"))
    last, sent = (await crisis.case_of("C-LAST"))["id"], await case_with(crisis, old)
    await merge(crisis, old, new)
    await one_customer(crisis, NEW, "C-LAST")
    assert (await merge(crisis, new, last)).status_code == 200

    await took_notice(crisis, sent)

    assert await notice_of(crisis, last) == {"CMP-1": True, "CMP-2": False, "CMP-3": False}


async def test_a_message_that_reached_nobody_is_noted_where_the_case_went_and_calls_nobody_there(crisis):
    old, new = await two_cases(crisis)
    sent = await case_with(crisis, old)
    await merge(crisis, old, new)
    calls = len(await crisis.events("escalation.raised"))

    lost = a_message_event("undeliverable", sent, at=crisis.clock.now(), reason="all_failed", routes=[])
    await crisis.deliver(lost)

    (entry,) = [e for e in await crisis.timeline(new) if e["kind"] == "message.undeliverable"]
    assert entry["data"]["of_case"] == sent["number"]
    assert len(await crisis.events("escalation.raised")) == calls


async def test_whoever_acts_on_the_case_that_went_is_told_which_one_goes_on(crisis):
    old, new = await two_cases(crisis)
    await merge(crisis, old, new)

    answer = await crisis.act(old, "respond", version=1)

    number = (await case_with(crisis, new))["number"]
    assert answer.status_code == 409
    assert answer.json()["merged_into"] == {"id": new, "number": number, "customer_id": NEW}
    assert number in answer.json()["detail"]


async def test_limits_by_law_of_a_merged_case_follow_a_calendar_that_was_published_before(crisis):
    crisis.clock.move(DECEMBER)
    await crisis.deliver(a_snapshot(OLD, "basic", at=DECEMBER), a_snapshot(NEW, "basic", at=DECEMBER))
    regulated = {"at": DECEMBER, "regulated": "cn-market-regulation"}
    await crisis.deliver(a_complaint(OLD, complaint_id="CMP-1", **regulated))
    await crisis.deliver(a_complaint(NEW, complaint_id="CMP-2", at=DECEMBER))
    await one_customer(crisis)
    old, new = (await crisis.case_of(OLD))["id"], (await crisis.case_of(NEW))["id"]
    before = (await clocks_about(crisis, old, "CMP-1"))["final_answer"]
    url, tag = await drafted(crisis, **CLOSED)
    (await crisis.client.post(f"{url}/activate", headers={"If-Match": tag})).raise_for_status()

    await merge(crisis, old, new)
    await crisis.after(seconds=1)

    after = (await clocks_about(crisis, new, "CMP-1"))["final_answer"]
    assert (after["id"], after["calendar_version"]) == (before["id"], 2)
    (told,) = [event for event in await crisis.events("clock.due_changed") if event["target"] == "final_answer"]
    assert (told["case_id"], told["previous_due_at"], told["due_at"]) == (new, before["due_at"], after["due_at"])
    assert "clock.due_changed" in kinds(await crisis.timeline(new))
    assert await crisis.value("select count(*) from timer where kind = 'rederive'") == 0
    await activated(crisis, *(await drafted(crisis, **CLOSED)))
    assert (await clocks_about(crisis, new, "CMP-1"))["final_answer"]["calendar_version"] == 3


async def test_a_call_that_nobody_heard_is_not_silenced_by_a_merge(crisis):
    old, new = await two_cases(crisis)
    await crisis.act(new, "acknowledge")
    await crisis.act(old, "respond")
    await crisis.after(minutes=1)
    called = (await crisis.rows("select level, next_at from escalation_run where case_id = $1", old))[0]

    await merge(crisis, old, new)

    going_on = (await crisis.rows("select state, level, next_at from escalation_run where case_id = $1", new))[0]
    assert (going_on["state"], going_on["level"]) == ("waiting", called["level"])
    assert going_on["next_at"] == called["next_at"]
    await crisis.step(called["next_at"] + timedelta(seconds=1))
    calls = [(e["case_id"], e["level"], e["reason"]) for e in await crisis.events("escalation.raised")]
    assert calls[-1] == (new, called["level"] + 1, "not_acknowledged")
    (entry,) = [e for e in await crisis.timeline(new) if e["kind"] == "case.took_over"]
    assert entry["data"]["escalation"] == {"level": called["level"], "state": "waiting"}


async def test_what_was_found_and_superseded_of_a_moved_clock_goes_with_it(crisis):
    old, new = await two_cases(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    await approved(crisis, await dry_run(crisis))
    await another_version(crisis, first_response={"elapsed": "PT3H"})
    looked = await dry_run(crisis, select={"case_ids": [old]})

    await merge(crisis, old, new)
    job = await approved(crisis, looked)

    superseded = (await crisis.client.get(f"/v1/cases/{new}/sla/superseded")).json()["items"]
    moved = (await clocks_about(crisis, new, "CMP-1"))["first_response"]
    assert moved["id"] in {item["clock_id"] for item in superseded}
    answer = await crisis.client.get(f"/v1/sla/recalculations/{job['id']}/changes", params={"case_id": new})
    outcomes = {item["clock_id"]: item["outcome"] for item in answer.json()["items"]}
    assert outcomes.pop(moved["id"]) == "applied"
    assert set(outcomes.values()) == {"moved_on"}


async def test_what_the_case_that_went_said_names_its_correction_in_the_case_that_goes_on(crisis):
    old, new = await two_cases(crisis)
    await crisis.deliver(a_snapshot("C-LAST"), a_complaint("C-LAST", at=crisis.clock.now(), complaint_id="CMP-3"))
    last = (await crisis.case_of("C-LAST"))["id"]
    for case in (old, new, last):
        await crisis.act(case, "respond")
    await crisis.after(hours=30)
    await merge(crisis, old, new)
    late = {"at": "2026-03-02T04:00:00Z", "until": "2026-03-02T12:00:00Z", "reason": "he was away"}
    assert (await crisis.act(new, "wait", **late)).status_code == 200
    await one_customer(crisis, NEW, "C-LAST")
    assert (await merge(crisis, new, last)).status_code == 200

    said = {e["data"]["target"]: e for e in await crisis.timeline(old) if e["kind"] == "clock.breached"}
    breach = said["initial_resolution"]

    entries = {e["seq"]: e for e in await crisis.timeline(new)}
    assert breach["corrected_in"] == new
    note = entries[breach["corrected_by"]]
    assert (note["kind"], note["data"]["clock_id"]) == ("clock.corrected", breach["data"]["clock_id"])
    assert (said["acknowledge"]["corrected_by"], said["acknowledge"]["corrected_in"]) == (None, None)
