"""Regulated complaints: the law's clocks beside the contract's, never paused, extended only with approval."""

from datetime import timedelta

from shared.contracts import format_instant
from shared.ids import new_id
from tests.integration.crisis.test_documents import activate, body_of
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, an_event, kinds


async def a_regulated_case(crisis, regime="cn-bank-insurance", service_class="key"):
    await crisis.deliver(a_snapshot("C-1", service_class))
    await crisis.deliver(a_complaint("C-1", complaint_id="CMP-1", regulated=regime))
    return await crisis.case_of("C-1")


async def test_the_regimes_limits_start_with_the_matter_and_pauses_do_not_move_them(crisis):
    case = await a_regulated_case(crisis)
    await crisis.act(case["id"], "wait", waiting_for="waiting_for_customer")
    await crisis.after(hours=5)
    clock = (await crisis.clocks(case["id"]))["final_answer"]

    assert (clock["due_at"], clock["stage"], clock["statutory"]) == ("2026-03-17T16:00:00Z", "in_progress", True)
    assert (clock["policy"], clock["policy_version"], clock["calendar"]) == ("cn-bank-insurance", 1, "cn-office")
    assert clock["regime"] == "银行业保险业消费投诉处理管理办法"
    assert "gov.cn, 2020-01-17" in clock["source"]
    (started,) = [event for event in await crisis.events("clock.started") if event["target"] == "final_answer"]
    assert (started["statutory"], started["policy"], started["matter_id"]) == (
        True,
        "cn-bank-insurance",
        case["matters"][0]["id"],
    )
    assert "statutory.started" in kinds(await crisis.timeline(case["id"]))


async def test_what_is_due_is_the_stricter_of_contract_and_statute_with_both(crisis):
    case = await a_regulated_case(crisis)
    clocks = await crisis.clocks(case["id"])
    (owed,) = case["obligations"]

    assert clocks["resolution"]["obligation"] == clocks["final_answer"]["obligation"]
    shown = clocks["resolution"]["obligation"]
    assert (shown["stricter"], shown["due_at"]) == ("contract", "2026-03-09T10:00:00Z")
    assert (shown["contract"]["due_at"], shown["statute"]["due_at"]) == (
        "2026-03-09T10:00:00Z",
        "2026-03-17T16:00:00Z",
    )
    assert (owed["stricter"], owed["due_at"], owed["statute"]["due_at"]) == (
        "contract",
        "2026-03-09T10:00:00Z",
        "2026-03-17T16:00:00Z",
    )
    assert clocks["first_response"]["obligation"] is None


async def test_the_statute_is_the_stricter_where_the_class_was_promised_less(crisis):
    case = await a_regulated_case(crisis, service_class="basic")

    (owed,) = case["obligations"]
    assert (owed["stricter"], owed["due_at"]) == ("statute", "2026-03-17T16:00:00Z")


async def test_a_better_class_and_a_new_policy_leave_the_law_alone(crisis):
    case = await a_regulated_case(crisis, service_class="standard")
    await crisis.deliver(a_snapshot("C-1", "strategic", version=2))

    clock = (await crisis.clocks(case["id"]))["final_answer"]
    assert (clock["due_at"], clock["policy"]) == ("2026-03-17T16:00:00Z", "cn-bank-insurance")


async def test_an_extension_is_approved_reaches_as_far_as_the_regime_allows_and_owes_a_notice(crisis):
    case = await a_regulated_case(crisis)

    complex_ = await crisis.act(case["id"], "extend", reason="several parties")
    first = await crisis.clocks(case["id"])
    approved = await crisis.act(case["id"], "extend", reason="expert opinion outstanding")
    second = await crisis.clocks(case["id"])
    third = await crisis.act(case["id"], "extend", reason="once more")

    assert (complex_.status_code, approved.status_code, third.status_code) == (200, 200, 409)
    assert (first["final_answer"]["due_at"], "extension_notice" in first) == ("2026-04-01T16:00:00Z", False)
    assert second["final_answer"]["due_at"] == "2026-05-01T16:00:00Z"
    assert second["extension_notice"]["due_at"] == "2026-04-01T16:00:00Z"
    told = await crisis.events("clock.extended")
    assert [(e["previous_due_at"], e["due_at"], e["by"], e["reason"]) for e in told] == [
        ("2026-03-17T16:00:00Z", "2026-04-01T16:00:00Z", "E-1042", "several parties"),
        ("2026-04-01T16:00:00Z", "2026-05-01T16:00:00Z", "E-1042", "expert opinion outstanding"),
    ]
    assert kinds(await crisis.timeline(case["id"])).count("statutory.extended") == 2
    await crisis.act(case["id"], "update", text="we need until 1 May")
    assert (await crisis.clocks(case["id"]))["extension_notice"]["result"] == "met"


async def test_an_extension_without_reason_or_beyond_the_limit_or_of_nothing_is_refused(crisis):
    case = await a_regulated_case(crisis)
    await crisis.deliver(a_complaint("C-2"))
    other = await crisis.case_of("C-2")

    silent = await crisis.act(case["id"], "extend")
    too_far = await crisis.act(case["id"], "extend", reason="r", until="2026-06-01T00:00:00Z")
    nothing = await crisis.act(other["id"], "extend", reason="r")

    assert [answer.status_code for answer in (silent, too_far, nothing)] == [409, 409, 409]
    assert "2026-04-01T16:00:00Z" in too_far.json()["detail"]
    assert (await crisis.clocks(case["id"]))["final_answer"]["due_at"] == "2026-03-17T16:00:00Z"


async def test_resolving_leaves_the_final_answer_owed_and_the_case_open_until_it_is_sent(crisis):
    case = await a_regulated_case(crisis, "au-asic-rg271")
    await crisis.act(case["id"], "resolve", resolution="credited")
    resolved = await crisis.clocks(case["id"])
    early = await crisis.act(case["id"], "close", outcome="retained")
    answered = await crisis.act(case["id"], "final-answer", text="We uphold the complaint")
    closed = await crisis.act(case["id"], "close", outcome="retained")
    clocks = await crisis.clocks(case["id"])

    assert (resolved["statutory_acknowledge"]["result"], resolved["final_answer"]["result"]) == ("met", "open")
    assert (early.status_code, answered.status_code, closed.status_code) == (409, 200, 200)
    assert "final answer is still owed by statute" in early.json()["detail"]
    assert (clocks["final_answer"]["result"], clocks["resolution"]["result"]) == ("met", "met")


async def test_a_limit_of_the_law_that_is_missed_is_told_and_escalated_like_any_other(crisis):
    case = await a_regulated_case(crisis, "cn-public-opinion-other", service_class="basic")
    await crisis.step(MONDAY + timedelta(hours=49))

    (breach,) = [e for e in await crisis.events("clock.breached") if e["target"] == "statutory_response"]
    assert (breach["at"], breach["statutory"]) == ("2026-03-04T02:00:00Z", True)
    assert "escalation.raised" in kinds(await crisis.timeline(case["id"]))


async def test_a_complaint_that_turns_out_to_be_regulated_gets_its_clocks_from_the_receipt_once(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1", complaint_id="CMP-1"))
    await crisis.after(hours=3)
    for _ in range(2):
        fact = {"complaint_id": "CMP-1", "regulated": "us-cfpb"}
        await crisis.deliver(an_event("customer.complaint.updated.v1", "C-1", crisis.clock.now(), fact))

    clock = (await crisis.clocks((await crisis.case_of("C-1"))["id"]))["final_answer"]
    assert (clock["started_at"], clock["due_at"]) == (format_instant(MONDAY), "2026-05-01T04:00:00Z")


async def test_an_unknown_regime_is_written_down_and_starts_nothing(crisis):
    case = await a_regulated_case(crisis, "mars-law")

    assert "statutory.unknown_regime" in kinds(await crisis.timeline(case["id"]))
    assert case["obligations"] == []
    assert not [clock for clock in (await crisis.clocks(case["id"])).values() if clock["statutory"]]


async def test_running_clocks_keep_their_version_of_a_pack_and_its_extensions(crisis):
    case = await a_regulated_case(crisis)
    pack = await body_of(crisis, "statutory-packs", "cn-bank-insurance")
    pack["steps"][0]["promise"] = {"period": "P10D", "calendar": "cn-office"}
    await activate(crisis, "statutory-packs", "cn-bank-insurance", {**pack, "extensions": []})
    await crisis.deliver(a_complaint("C-1", complaint_id="CMP-2", regulated="cn-bank-insurance"))

    dues = await crisis.rows("select due_at, pin from clock where target = 'final_answer' order by id")
    assert [row["due_at"].day for row in dues] == [17, 12]
    matter = case["matters"][0]["id"]
    assert (await crisis.act(case["id"], "extend", matter_id=matter, reason="r")).status_code == 200


async def test_a_case_that_a_person_opens_may_be_regulated_too(crisis):
    body = {"customer_id": "C-9", "title": "Storm on Weibo", "regulated": "cn-public-opinion-major"}
    answer = await crisis.client.post("/v1/cases", json=body, headers={"Idempotency-Key": new_id()})

    clocks = await crisis.clocks(answer.json()["id"])
    assert clocks["statutory_response"]["due_at"] == "2026-03-02T07:00:00Z"
