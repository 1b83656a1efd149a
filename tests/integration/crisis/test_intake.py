"""Intake under concurrency and redelivery: one open case per customer, every event in exactly one place."""

import asyncio
from datetime import timedelta

from tests.support.crisis import MONDAY, a_complaint, a_mention, a_snapshot, a_tier_change, an_event


async def test_many_triggers_and_a_person_at_once_make_one_case_and_all_join(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    complaints = [a_complaint("C-1") for _ in range(12)]
    mentions = [a_mention("C-1") for _ in range(4)]

    async def by_hand(number):
        body = {"customer_id": "C-1", "title": f"call {number}"}
        headers = {"Idempotency-Key": f"by-hand-{number:08d}"}
        return (await crisis.client.post("/v1/cases", json=body, headers=headers)).status_code

    results = await asyncio.gather(
        *(crisis.deliver(event) for event in [*complaints, *mentions]), *(by_hand(number) for number in range(4))
    )

    assert await crisis.value("select count(*) from crisis_case") == 1
    assert await crisis.value("select count(*) from matter") == 20
    outcomes = await crisis.rows("select outcome, count(*) as n from trigger_event group by 1 order by 1")
    opened_by_event = {row["outcome"]: row["n"] for row in outcomes}.get("opened", 0)
    assert opened_by_event + results[-4:].count(201) == 1
    assert results[-4:].count(200) + results[-4:].count(201) == 4
    assert await crisis.value("select count(distinct case_id) from trigger_event") == 1
    verification = await crisis.client.get(f"/v1/cases/{(await crisis.case_of('C-1'))['id']}/timeline/verification")
    assert verification.json()["valid"] is True


async def test_events_delivered_again_have_no_second_effect(crisis):
    events = [a_complaint("C-1"), a_complaint("C-2"), a_mention("C-1"), a_mention("C-3", reach=5)]
    await crisis.deliver(*events)
    tables = ("crisis_case", "matter", "clock", "clock_event", "timeline", "trigger_event", "outbox", "timer")
    before = [await crisis.value(f"select count(*) from {table}") for table in tables]

    await crisis.deliver(*events, *events)

    assert [await crisis.value(f"select count(*) from {table}") for table in tables] == before


async def test_every_trigger_event_ends_in_exactly_one_case_or_one_mute_record(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "basic"))
    await crisis.deliver(
        a_complaint("C-1"),
        a_mention("C-2", sentiment=0.7),
        a_mention("C-2", reach=3),
        a_tier_change("C-1", "key", "standard"),
        a_tier_change("C-2", "basic", "standard", direction="upgrade"),
    )

    rows = await crisis.rows("select outcome, case_id, reason from trigger_event")
    assert len(rows) == 5
    assert all((row["case_id"] is None) == (row["outcome"] == "muted") == (row["reason"] is not None) for row in rows)
    muted = (await crisis.client.get("/v1/mutes", params={"customer_id": "C-2"})).json()["items"]
    assert sorted(item["reason"] for item in muted) == ["no_open_case", "no_rule", "no_rule"]


async def test_a_downgrade_opens_a_case_served_at_the_class_before(crisis):
    await crisis.deliver(a_snapshot("C-1", "strategic", version=1))

    await crisis.deliver(a_tier_change("C-1", "strategic", "standard", version=2))

    case = await crisis.case_of("C-1")
    assert (case["type"], case["service_class"], case["rule"]) == ("tier_drop", "strategic", "tier-drop")
    assert (await crisis.clocks(case["id"]))["acknowledge"]["due_at"] == "2026-03-02T02:15:00Z"


async def test_a_complaint_before_the_tier_is_known_is_tightened_when_it_comes_and_never_loosened(crisis):
    await crisis.deliver(a_complaint("C-1"), a_complaint("C-2"))
    before = await crisis.clocks((await crisis.case_of("C-1"))["id"])
    crisis.clock.move(MONDAY + timedelta(minutes=5))

    await crisis.deliver(a_snapshot("C-1", "strategic"), a_snapshot("C-2", "basic"))

    risen, kept = await crisis.case_of("C-1"), await crisis.case_of("C-2")
    clocks = await crisis.clocks(risen["id"])
    assert (risen["service_class"], risen["provisional"]) == ("strategic", False)
    assert (kept["service_class"], kept["provisional"]) == ("standard", False)
    assert clocks["first_response"]["due_at"] == "2026-03-02T02:15:00Z" < before["first_response"]["due_at"]
    assert clocks["first_response"]["policy"] == "strategic"
    retargeted = await crisis.events("clock.retargeted")
    assert {event["cause"] for event in retargeted} == {"late_tier"}
    assert {event["behaviour"] for event in retargeted} == {"tighten_only"}
    assert {event["previous_policy"] for event in retargeted} == {"standard"}


async def test_a_class_that_rises_tightens_running_clocks_and_one_that_falls_loosens_nothing(crisis):
    await crisis.deliver(a_snapshot("C-1", "key", version=1))
    await crisis.deliver(a_complaint("C-1"))
    case = await crisis.case_of("C-1")
    before = await crisis.clocks(case["id"])

    await crisis.deliver(a_snapshot("C-1", "basic", version=2))
    fallen = await crisis.clocks(case["id"])
    await crisis.deliver(a_snapshot("C-1", "strategic", version=3))
    risen = await crisis.clocks(case["id"])

    assert {t: c["due_at"] for t, c in fallen.items()} == {t: c["due_at"] for t, c in before.items()}
    assert risen["initial_resolution"]["due_at"] == "2026-03-02T10:00:00Z"
    assert (await crisis.case_of("C-1"))["service_class"] == "strategic"


async def test_a_class_that_rises_after_the_time_is_used_up_breaches_at_the_change(crisis):
    await crisis.deliver(a_snapshot("C-1", "key", version=1))
    await crisis.deliver(a_complaint("C-1"))
    await crisis.after(hours=9)

    await crisis.deliver(a_snapshot("C-1", "strategic", version=2, at=crisis.clock.now()))

    clock = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["initial_resolution"]
    assert (clock["has_breached"], clock["breach_cause"]) == (True, "retarget")
    assert clock["breached_at"] == "2026-03-02T11:00:00Z"


async def test_an_older_version_of_a_customer_changes_nothing(crisis):
    await crisis.deliver(a_snapshot("C-1", "strategic", version=7))

    await crisis.deliver(a_snapshot("C-1", "basic", version=6), a_tier_change("C-1", "key", "standard", version=5))

    row = (await crisis.rows("select version, service_class from customer"))[0]
    assert (row["version"], row["service_class"]) == (7, "strategic")


async def test_what_becomes_known_of_a_complaint_raises_the_severity_and_a_withdrawal_ends_its_matter(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1", complaint_id="CMP-1"), a_complaint("C-1", complaint_id="CMP-2"))
    update = {"complaint_id": "CMP-1", "impact": "critical", "public": True}
    withdrawal = {"complaint_id": "CMP-2", "reason": "solved between the warehouses"}

    await crisis.deliver(
        an_event("customer.complaint.updated.v1", "C-1", MONDAY, update),
        an_event("customer.complaint.withdrawn.v1", "C-1", MONDAY, withdrawal),
        an_event("customer.complaint.updated.v1", "C-1", MONDAY, {"complaint_id": "CMP-unknown"}),
    )

    case = await crisis.case_of("C-1")
    matters = {matter["reference"]: matter for matter in case["matters"]}
    assert case["severity"] == "S1"
    assert (matters["CMP-1"]["impact"], matters["CMP-1"]["public"]) == ("critical", True)
    assert matters["CMP-2"]["status"] == "withdrawn"
    stages = await crisis.rows("select distinct stage from clock where matter_id = $1", matters["CMP-2"]["id"])
    assert [row["stage"] for row in stages] == ["cancelled"]
    assert (await crisis.client.get("/v1/mutes")).json()["items"][0]["reason"] == "complaint_unknown"


async def test_a_batch_of_many_customers_is_written_whole(crisis):
    events = [a_complaint(f"C-{number % 40}") for number in range(120)]

    await crisis.deliver(*events)

    assert await crisis.value("select count(*) from crisis_case") == 40
    assert await crisis.value("select count(*) from matter") == 120
    assert await crisis.value("select count(*) from timer where kind = 'clocks'") == 40
    assert await crisis.value("select count(distinct number) from crisis_case") == 40
    starts = await crisis.value("select count(*) from clock_event where type = 'start'")
    assert starts == await crisis.value("select count(*) from clock")


async def test_30_time_runs_from_the_events_own_instant_and_never_from_one_that_has_not_come(crisis):
    """Heard late, or from a system whose clock goes ahead by less than what is tolerated."""
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"))
    await crisis.deliver(a_complaint("C-1", at=MONDAY - timedelta(minutes=10)))
    await crisis.deliver(a_complaint("C-2", at=MONDAY + timedelta(minutes=3)))

    started = {}
    for customer in ("C-1", "C-2"):
        clocks = await crisis.clocks((await crisis.case_of(customer))["id"])
        started[customer] = (clocks["first_response"]["started_at"], clocks["first_response"]["due_at"])

    assert started == {
        "C-1": ("2026-03-02T01:50:00Z", "2026-03-02T02:50:00Z"),
        "C-2": ("2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z"),
    }
