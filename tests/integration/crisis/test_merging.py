"""Two cases of a customer become one: the earliest start, the strictest promise, no pause of the one that goes."""

import asyncio
from datetime import timedelta

from services.crisis.usecases.merging import take_merged
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, activate, an_event, kinds

OLD, NEW = "C-OLD", "C-NEW"


async def two_cases(crisis, *, old="key", new="key", known=True, **fields):
    """A complaint of each at ten and at half past ten; the two customers turn out to be one."""
    await crisis.deliver(a_snapshot(OLD, old), a_snapshot(NEW, new))
    await crisis.deliver(a_complaint(OLD, **{"complaint_id": "CMP-1", **fields}))
    await crisis.after(minutes=30)
    await crisis.deliver(a_complaint(NEW, at=crisis.clock.now(), complaint_id="CMP-2"))
    if known:
        await one_customer(crisis)
    return (await crisis.case_of(OLD))["id"], (await crisis.case_of(NEW))["id"]


async def one_customer(crisis, old=OLD, new=NEW):
    await crisis.deliver(an_event("customer.merged.v1", old, crisis.clock.now(), {"into_customer_id": new}))


async def merge(crisis, case, into, **body):
    return await crisis.act(case, "merge", into_case_id=into, **{"reason": "one company", **body})


async def case_with(crisis, id_):
    return (await crisis.client.get(f"/v1/cases/{id_}")).raise_for_status().json()


async def clocks_about(crisis, case, reference):
    matters = {m["id"] for m in (await case_with(crisis, case))["matters"] if m["reference"] == reference}
    items = (await crisis.client.get(f"/v1/cases/{case}/clocks")).json()["items"]
    return {item["target"]: item for item in items if item["matter_id"] in matters}


async def test_25_merged_cases_keep_the_earliest_start_the_strictest_target_and_no_pause_of_the_one_that_goes(crisis):
    old, new = await two_cases(crisis, old="strategic")
    await crisis.deliver(a_complaint(NEW, at=crisis.clock.now(), complaint_id="CMP-1"))
    await crisis.act(old, "wait")
    await crisis.after(hours=2)

    answer = await merge(crisis, old, new)

    assert answer.status_code == 200, answer.text
    both = await clocks_about(crisis, new, "CMP-1")
    assert both["initial_resolution"]["started_at"] == "2026-03-02T02:00:00Z"
    assert both["initial_resolution"]["due_at"] == "2026-03-02T10:00:00Z"
    assert both["resolution"]["due_at"] == "2026-03-05T02:00:00Z"
    assert both["first_response"]["has_breached"]
    own = await clocks_about(crisis, new, "CMP-2")
    assert own["initial_resolution"]["started_at"] == "2026-03-02T02:30:00Z"
    assert own["initial_resolution"]["due_at"] == "2026-03-02T10:30:00Z"
    kept = await case_with(crisis, new)
    assert (kept["service_class"], len(kept["matters"])) == ("strategic", 2)
    left = {clock["result"] for clock in (await crisis.clocks(old)).values()}
    assert left == {"cancelled"}


async def test_a_matter_that_only_one_case_had_moves_with_its_clocks_and_without_their_pauses(crisis):
    old, new = await two_cases(crisis)
    before = await clocks_about(crisis, old, "CMP-1")
    await crisis.act(old, "acknowledge")
    await crisis.act(old, "wait")
    await crisis.after(hours=2)

    await merge(crisis, old, new)

    moved = await clocks_about(crisis, new, "CMP-1")
    assert {name: clock["id"] for name, clock in moved.items()} == {n: c["id"] for n, c in before.items()}
    assert moved["acknowledge"]["result"] == "met"
    assert (moved["resolution"]["due_at"], moved["resolution"]["stage"]) == ("2026-03-09T10:00:00Z", "in_progress")
    assert moved["initial_resolution"]["due_at"] == "2026-03-03T02:00:00Z"
    assert moved["initial_resolution"]["paused_seconds"] == 0
    events = await crisis.rows(
        "select type from clock_event where clock_id = $1 order by seq", moved["resolution"]["id"]
    )
    assert [row["type"] for row in events] == ["start", "pause", "resume", "resume"]
    await crisis.after(days=9)
    assert {e["case_id"] for e in await crisis.events("clock.breached") if e["target"] == "resolution"} == {new}


async def test_a_case_in_repair_that_takes_over_open_matters_is_worked_on_again(crisis):
    old, new = await two_cases(crisis)
    await crisis.act(new, "resolve")
    assert (await crisis.act(new, "start-repair")).status_code == 200
    before = (await crisis.clocks(new))["update_cadence"]
    await crisis.after(hours=1)

    assert (await merge(crisis, old, new)).status_code == 200

    after = (await crisis.clocks(new))["update_cadence"]
    assert (before["stage"], after["stage"], after["cycle"]) == ("completed", "in_progress", 2)
    case = await case_with(crisis, new)
    assert (case["stage"], case["resolved_at"]) == ("assessment", None)
    assert (await crisis.act(new, "resolve")).status_code == 200


async def test_the_case_that_went_says_where_and_nothing_of_it_goes_on(crisis):
    old, new = await two_cases(crisis)
    gone = await case_with(crisis, old)
    await crisis.after(hours=1)

    answer = (await merge(crisis, old, new)).json()

    number = (await case_with(crisis, new))["number"]
    assert (answer["status"], answer["stage"]) == ("merged", "merged")
    assert answer["merged_into"] == {"id": new, "number": number, "customer_id": NEW}
    found = (await crisis.client.get("/v1/cases", params={"number": gone["number"]})).json()["items"]
    assert found[0]["merged_into"]["number"] == number
    here = {"id": old, "number": gone["number"], "customer_id": OLD}
    assert (await case_with(crisis, new))["merged_cases"] == [here]
    assert await crisis.value("select count(*) from timer where subject = $1", OLD) == 0
    assert (await crisis.rows("select state, next_at from escalation_run where case_id = $1", old))[0][
        "next_at"
    ] is None
    assert kinds(await crisis.timeline(old))[-1] == "case.merged"
    assert "case.took_over" in kinds(await crisis.timeline(new))
    for case in (old, new):
        assert (await crisis.client.get(f"/v1/cases/{case}/timeline/verification")).json()["valid"]
    (told,) = await crisis.events("case.merged")
    matter = next(m["id"] for m in (await case_with(crisis, new))["matters"] if m["reference"] == "CMP-1")
    assert (told["case_id"], told["into_case_id"], told["into_number"], told["into_customer_id"]) == (
        old,
        new,
        number,
        NEW,
    )
    assert (told["matter_ids"], told["by"], told["reason"]) == ([matter], "E-1042", "one company")
    late = await crisis.act(old, "acknowledge")
    assert (late.status_code, late.json()["current"]["state"]) == (409, "merged")


async def test_the_same_merge_again_changes_nothing(crisis):
    old, new = await two_cases(crisis)
    first = await merge(crisis, old, new, version=1)

    again = await merge(crisis, old, new, version=1)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert len(await crisis.events("case.merged")) == 1


async def test_what_cannot_become_one_is_refused_and_says_why(crisis):
    old, new = await two_cases(crisis, known=False)
    drill = await crisis.client.post(
        "/v1/cases",
        json={"customer_id": "C-DRILL", "title": "Fire drill", "drill": True},
        headers={"Idempotency-Key": "drill"},
    )

    itself, unknown = await merge(crisis, old, old), await merge(crisis, old, "none")
    strangers = await merge(crisis, old, new)
    silent = await crisis.act(old, "merge", into_case_id=new)
    stale = await merge(crisis, old, new, version=7)
    await one_customer(crisis)
    await one_customer(crisis, "C-DRILL", NEW)
    played = await merge(crisis, drill.json()["id"], new)
    await crisis.act(new, "resolve")
    await crisis.act(new, "close")
    closed = await merge(crisis, old, new)

    assert [itself.json()["errors"][0]["rule"], unknown.json()["errors"][0]["rule"]] == ["itself", "unknown-case"]
    assert (strangers.status_code, strangers.json()["type"]) == (409, "/problems/another-customer")
    assert (silent.status_code, stale.status_code) == (422, 412)
    assert (played.status_code, played.json()["type"]) == (409, "/problems/drill-and-real")
    assert (closed.status_code, closed.json()["current"]["state"]) == (409, "closed")
    assert (await case_with(crisis, old))["status"] == "open"


async def test_two_people_who_merge_both_ways_at_once_make_one_case(crisis):
    old, new = await two_cases(crisis)

    answers = await asyncio.gather(merge(crisis, old, new, version=1), merge(crisis, new, old, version=1))

    assert sorted(answer.status_code for answer in answers) == [200, 412]
    open_ones = await crisis.rows("select id from crisis_case where status = 'open'")
    assert len(open_ones) == 1
    assert await crisis.value("select count(*) from matter where case_id = $1", open_ones[0]["id"]) == 2


async def test_what_the_law_owes_moves_as_it_is_and_keeps_a_matter_of_its_own(crisis):
    old, new = await two_cases(crisis, regulated="uk-fca-disp")
    await crisis.deliver(a_complaint(NEW, at=crisis.clock.now(), complaint_id="CMP-1"))
    before = (await clocks_about(crisis, old, "CMP-1"))["final_answer"]

    await merge(crisis, old, new)

    after = await crisis.rows("select case_id, recorded, due_at, policy from clock where id = $1", before["id"])
    assert (after[0]["case_id"], after[0]["recorded"]) == (new, 1)
    assert after[0]["due_at"].isoformat().replace("+00:00", "Z") == before["due_at"]
    assert len((await case_with(crisis, new))["matters"]) == 3


async def test_late_facts_and_calls_about_the_old_customer_join_the_case_that_goes_on(crisis):
    old, new = await two_cases(crisis)
    await merge(crisis, old, new)

    await crisis.deliver(a_complaint(OLD, at=crisis.clock.now(), complaint_id="CMP-3"))
    body = {"customer_id": OLD, "title": "The plant manager called", "reference": "CALL-1"}
    called = await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": "call"})

    assert (called.status_code, called.json()["id"]) == (200, new)
    assert {"CMP-3", "CALL-1"} < {matter["reference"] for matter in called.json()["matters"]}
    assert await crisis.value("select count(*) from crisis_case where status = 'open'") == 1


async def test_while_only_the_old_customer_has_an_open_case_late_facts_join_that_one(crisis):
    old, new = await two_cases(crisis)
    for action in ("resolve", "close"):
        assert (await crisis.act(new, action)).status_code == 200

    await crisis.deliver(a_complaint(OLD, at=crisis.clock.now(), complaint_id="CMP-3"))

    assert "CMP-3" in {matter["reference"] for matter in (await case_with(crisis, old))["matters"]}


async def test_a_case_may_go_up_in_the_one_of_the_old_customer_and_facts_of_both_join_it(crisis):
    old, new = await two_cases(crisis)
    assert (await merge(crisis, new, old)).status_code == 200

    await crisis.deliver(a_complaint(OLD, at=crisis.clock.now(), complaint_id="CMP-3"))
    await crisis.deliver(a_complaint(NEW, at=crisis.clock.now(), complaint_id="CMP-4"))

    assert {"CMP-1", "CMP-2", "CMP-3", "CMP-4"} == {m["reference"] for m in (await case_with(crisis, old))["matters"]}


async def test_a_candidate_about_the_old_customer_is_confirmed_into_the_case_that_goes_on(crisis):
    await crisis.deliver(a_snapshot(OLD), a_snapshot(NEW), a_complaint(NEW))
    new = (await crisis.case_of(NEW))["id"]
    rule = (await crisis.client.get("/v1/trigger-rules/complaint-received")).json()["body"]
    rule["then"]["action"] = "candidate"
    await activate(crisis, "trigger-rules", "complaint-received", rule)
    await crisis.deliver(a_complaint(OLD))
    (candidate,) = (await crisis.client.get("/v1/candidates")).json()["items"]
    await one_customer(crisis)

    confirmed = await crisis.client.post(f"/v1/candidates/{candidate['id']}/confirm", json={"by": "E-7"})

    assert (confirmed.status_code, confirmed.json()["id"]) == (200, new), confirmed.text
    assert len(confirmed.json()["matters"]) == 2


async def test_a_case_opened_by_hand_while_its_customer_is_merged_is_asked_for_again_and_joins(crisis):
    """Whose case it has to join was not known when the customer was about to be locked."""
    await crisis.deliver(a_snapshot(OLD), a_snapshot(NEW), a_complaint(NEW))
    body = {"customer_id": OLD, "type": "complaint", "impact": "high", "title": "By phone", "by": "E-7"}

    async def by_hand():
        return await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": "by-hand"})

    async with crisis.service.base.uow() as work:
        await work.lock([OLD, NEW])
        asking = asyncio.create_task(by_hand())
        while not await crisis.value("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
        await take_merged(work, [(OLD, NEW, MONDAY)])

    assert (await asking).status_code == 503
    joined = await by_hand()
    assert (joined.json()["customer_id"], len(joined.json()["matters"])) == (NEW, 2), joined.text


async def test_whoever_is_merged_twice_stands_for_the_last_and_the_last_word_holds(crisis):
    await one_customer(crisis, "C-A", "C-B")
    await one_customer(crisis, "C-B", "C-C")
    await one_customer(crisis, "C-D", "C-A")
    chain = await crisis.rows("select id, into_id from customer_alias order by id")
    crisis.clock.move(MONDAY + timedelta(hours=1))
    await one_customer(crisis, "C-C", "C-A")

    assert [tuple(row) for row in chain] == [("C-A", "C-C"), ("C-B", "C-C"), ("C-D", "C-C")]
    turned = await crisis.rows("select id, into_id from customer_alias order by id")
    assert [tuple(row) for row in turned] == [("C-B", "C-A"), ("C-C", "C-A"), ("C-D", "C-A")]
