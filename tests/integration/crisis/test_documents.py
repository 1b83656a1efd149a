"""Documents decide: a new rule, policy or calendar takes effect for what starts, and leaves what runs alone."""

from datetime import timedelta

from shared.ids import new_id
from tests.support.crisis import MONDAY, a_complaint, a_mention, a_snapshot, a_tier_change, activate, an_event
from tests.unit.clocks.stories import long_story


async def body_of(crisis, path, key):
    return (await crisis.client.get(f"/v1/{path}/{key}")).raise_for_status().json()["body"]


async def test_seven_kinds_of_documents_are_shipped_and_listed(crisis):
    counts = {}
    kinds = ("sla-policies", "calendars", "trigger-rules", "severity-matrix", "escalation-policies", "statutory-packs")
    kinds += ("wait-reasons",)
    for path in kinds:
        counts[path] = len((await crisis.client.get(f"/v1/{path}")).raise_for_status().json()["items"])

    assert counts["sla-policies"] == 4
    assert all(counts.values())


async def test_04_a_policy_activated_later_holds_for_new_cases_and_not_for_running_ones(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_snapshot("C-2", "key"))
    await crisis.deliver(a_complaint("C-1"))
    policy = await body_of(crisis, "sla-policies", "key")
    policy["targets"]["first_response"] = {"elapsed": "PT10M"}

    await activate(crisis, "sla-policies", "key", policy)
    await crisis.deliver(a_complaint("C-1"), a_complaint("C-2"))

    running, fresh = await crisis.case_of("C-1"), await crisis.case_of("C-2")
    versions = await crisis.rows("select distinct pin from clock where case_id = $1", running["id"])
    assert [row["pin"] for row in versions] == ["key@1;cn-office@1"]
    assert (await crisis.clocks(running["id"]))["first_response"]["due_at"] == "2026-03-02T03:00:00Z"
    clock = (await crisis.clocks(fresh["id"]))["first_response"]
    assert (clock["due_at"], clock["policy_version"]) == ("2026-03-02T02:10:00Z", 2)


async def test_a_stage_with_a_promise_of_its_own_runs_from_entering_to_leaving_it(crisis):
    policy = await body_of(crisis, "sla-policies", "key")
    policy["targets"] |= {"stage_warning": {"elapsed": "PT1H"}, "stage_assessment": {"elapsed": "PT2H"}}
    await activate(crisis, "sla-policies", "key", policy)
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1"))
    case = await crisis.case_of("C-1")
    await crisis.after(minutes=10)

    await crisis.act(case["id"], "assess", cause="c", impact="i", customer_wants="w")
    clocks = await crisis.clocks(case["id"])

    assert (clocks["stage_warning"]["result"], clocks["stage_warning"]["matter_id"]) == ("met", None)
    assert clocks["stage_assessment"]["due_at"] == "2026-03-02T04:10:00Z"


async def test_a_calendar_activated_later_leaves_pinned_clocks_where_they_are(crisis):
    await crisis.deliver(a_snapshot("C-1", "standard"), a_snapshot("C-2", "standard"))
    await crisis.deliver(a_complaint("C-1"))
    calendar = await body_of(crisis, "calendars", "cn-office")
    calendar["exceptions"] = [{"date": "2026-03-02", "windows": [], "note": "closed for moving"}]

    await activate(crisis, "calendars", "cn-office", calendar)
    await crisis.deliver(a_complaint("C-2"))

    old = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["first_response"]
    new = (await crisis.clocks((await crisis.case_of("C-2"))["id"]))["first_response"]
    assert (old["due_at"], old["calendar_version"]) == ("2026-03-02T07:00:00Z", 1)
    assert (new["due_at"], new["calendar_version"]) == ("2026-03-03T06:00:00Z", 2)


async def test_documents_that_cannot_work_are_refused_with_place_and_rule(crisis):
    cases = (
        ("calendars", "never", {"key": "never", "zone": "UTC", "weekly": {}}, "no-open-time"),
        ("sla-policies", "lost", {"targets": {"x": {"business": "PT1H", "calendar": "nowhere"}}}, "unknown-calendar"),
        (
            "sla-policies",
            "odd",
            {"applies": {"planet": "Mars"}, "targets": {"x": {"elapsed": "PT1H"}}},
            "unknown-field",
        ),
    )
    for path, key, body, rule in cases:
        made = await crisis.client.post(f"/v1/{path}/{key}/versions", json=body, headers={"Idempotency-Key": new_id()})
        url = f"/v1/{path}/{key}/versions/1/activate"
        answer = await crisis.client.post(url, headers={"If-Match": made.headers["ETag"]})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["rule"] == rule


async def test_a_new_trigger_rule_turns_other_events_into_candidates_that_a_person_decides(crisis):
    rule = {
        "key": "negative-opinion",
        "order": 5,
        "match": {"type": "customer.opinion.mentioned.v1", "where": {"sentiment": {"lt": 0}}},
        "then": {"action": "candidate", "type": "opinion", "title": "{topic}", "dedup": "mention:{mention_id}"},
    }
    await activate(crisis, "trigger-rules", "negative-opinion", rule)
    await crisis.deliver(a_mention("C-1", topic="late"), a_mention("C-2", topic="rude"))

    waiting = (await crisis.client.get("/v1/candidates")).json()["items"]
    first, second = waiting
    opened = await crisis.client.post(f"/v1/candidates/{first['id']}/confirm", json={"by": "E-7"})
    rejected = await crisis.client.post(f"/v1/candidates/{second['id']}/reject", json={"reason": "not about us"})
    again = await crisis.client.post(f"/v1/candidates/{second['id']}/confirm", json={})

    assert opened.json()["title"] in {"late", "rude"}
    assert (rejected.status_code, again.status_code) == (204, 409)
    assert [m["reason"] for m in (await crisis.client.get("/v1/mutes")).json()["items"]] == ["rejected"]
    assert (await crisis.client.get("/v1/candidates")).json()["items"] == []


async def test_a_breaker_keeps_the_rest_as_candidates_and_tells_once(crisis):
    rule = await body_of(crisis, "trigger-rules", "tier-drop")
    rule["breaker"] = {"cases": 3, "within": "PT1H"}
    await activate(crisis, "trigger-rules", "tier-drop", rule)
    drops = [a_tier_change(f"C-{number}", "key", "standard") for number in range(8)]

    await crisis.deliver(*drops[:5])
    await crisis.deliver(*drops[5:])

    assert await crisis.value("select count(*) from crisis_case") == 3
    assert await crisis.value("select count(*) from candidate") == 5
    (told,) = await crisis.events("rule.tripped")
    assert (told["rule"], told["cases"], told["role"]) == ("tier-drop", 3, "team_lead")
    crisis.clock.move(MONDAY + timedelta(hours=2))
    await crisis.deliver(a_tier_change("C-99", "key", "standard"))
    assert await crisis.value("select count(*) from crisis_case") == 4


async def test_simulate_knows_the_active_documents_and_says_what_is_wrong_with_others(crisis):
    policy = {"key": "p", "targets": {"r": {"business": "PT4H", "calendar": "cn-office"}}}
    events = [{"at": "2026-03-02T02:00:00Z", "type": "start"}]
    body = {"policy": policy, "calendars": [], "events": events, "until": "2026-03-02T03:00:00Z"}

    good = await crisis.client.post("/v1/sla/simulate", json=body)
    bad = await crisis.client.post(
        "/v1/sla/simulate", json={**body, "policy": {"key": "p", "targets": {"r": {"elapsed": "P1D"}}}}
    )

    assert good.json()["clocks"][0]["due_at"] == "2026-03-02T07:00:00Z"
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["pointer"] == "/policy/targets/r/elapsed"
    assert bad.headers["content-type"] == "application/problem+json"


async def test_ten_thousand_events_on_one_clock_are_simulated(crisis):
    told = long_story(10_000)

    answer = await crisis.client.post("/v1/sla/simulate", json=told)

    (clock,) = answer.raise_for_status().json()["clocks"]
    assert sum(segment["seconds"] for segment in clock["segments"]) == 10_000 * 60
    assert (clock["segments"][0]["from"], clock["segments"][-1]["to"]) == (clock["started_at"], told["until"])


async def test_a_fact_of_another_type_becomes_a_case_once_a_rule_names_it_and_leaves_no_trace_before(crisis):
    rule = {
        "key": "contract-terminated",
        "match": {"type": "customer.contract.terminated.v1", "where": {"by": "customer"}},
        "then": {
            "action": "open",
            "type": "contract",
            "title": "{contract_id} terminated",
            "impact": {"default": "high"},
        },
    }
    fact = {"contract_id": "K-7", "at": "2026-03-02T01:00:00Z", "by": "customer"}
    await crisis.deliver(an_event("customer.contract.terminated.v1", "C-1", MONDAY, fact))
    before = await crisis.value("select count(*) from trigger_event")

    await activate(crisis, "trigger-rules", "contract-terminated", rule)
    await crisis.deliver(an_event("customer.contract.terminated.v1", "C-1", MONDAY, fact))

    case = await crisis.case_of("C-1")
    assert before == 0
    assert (case["title"], case["type"], case["impact"]) == ("K-7 terminated", "contract", "high")
    assert (await crisis.clocks(case["id"]))["acknowledge"]["started_at"] == "2026-03-02T01:00:00Z"
