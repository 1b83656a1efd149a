"""Recalculation: a dry run says what would change, its approval makes it so, and nothing that was said is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.auth.keys import create_key, revoke_key, rotate_key
from shared.db.database import raw_connection
from shared.ids import new_id
from tests.integration.crisis.test_documents import activate, body_of
from tests.integration.crisis.test_reports import group, report, states
from tests.support.crisis import MONDAY, a_complaint, a_snapshot, kinds


async def a_case(crisis, customer="C-1", **fields):
    await crisis.deliver(a_snapshot(customer, "key"), a_complaint(customer, at=crisis.clock.now(), **fields))
    return (await crisis.case_of(customer))["id"]


async def another_version(crisis, **targets):
    """Version 2 of the policy of key customers, with other targets."""
    policy = await body_of(crisis, "sla-policies", "key")
    policy["targets"] |= targets
    await activate(crisis, "sla-policies", "key", policy)


async def run_jobs(crisis):
    while await crisis.service.jobs.turn():
        pass


async def post(crisis, path, *, by=None, **body):
    headers = {"Idempotency-Key": new_id(), **(by or {})}
    return await crisis.client.post(f"/v1/sla/{path}", json=body, headers=headers)


async def approve(crisis, job_id, **body):
    """Somebody else than who asked for the dry run."""
    return await post(crisis, f"recalculations/{job_id}/approve", by=crisis.colleague, **body)


async def ended(crisis, answer):
    """The job that was asked for, when it has run."""
    assert answer.status_code == 202, answer.text
    await run_jobs(crisis)
    return (await crisis.client.get(answer.headers["location"])).json()


async def dry_run(crisis, **body):
    to = {"policies": {"key": None}}
    return await ended(crisis, await post(crisis, "recalculate", **{"to": to, "reason": "a mistake", **body}))


async def approved(crisis, job):
    return await ended(crisis, await approve(crisis, job["id"], reason="the board said so"))


async def changes(crisis, job, **params):
    answer = await crisis.client.get(f"/v1/sla/recalculations/{job['id']}/changes", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_dry_run_lists_what_would_change_and_changes_nothing(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=90)
    await another_version(crisis, first_response={"elapsed": "PT2H"}, acknowledge={"elapsed": "PT20M"})
    before, told = await crisis.clocks(case), len(await crisis.events())

    job = await dry_run(crisis)

    found = {item["target"]: item for item in await changes(crisis, job)}
    assert found.keys() == {"first_response", "acknowledge"}
    first = found["first_response"]
    assert (first["outcome"], first["case_id"], first["cycle"]) == ("would_change", case, 1)
    assert (first["before"]["due_at"], first["before"]["breached_at"], first["before"]["policy_version"]) == (
        "2026-03-02T03:00:00Z",
        "2026-03-02T03:00:00Z",
        1,
    )
    assert (first["after"]["due_at"], first["after"]["breached_at"], first["after"]["policy_version"]) == (
        "2026-03-02T04:00:00Z",
        None,
        2,
    )
    assert first["after"]["calendars"] == {"cn-office": 1}
    counts = job["result"]
    assert (counts["cases"], counts["clocks"], counts["changed_cases"], counts["changed_clocks"]) == (1, 5, 1, 2)
    assert (counts["due_later"], counts["due_earlier"], counts["breaches_fewer"]) == (1, 1, 1)
    assert (counts["breaches_more"], counts["would_go_over"]) == (0, 3)
    assert (await crisis.clocks(case), len(await crisis.events())) == (before, told)


async def test_an_approved_run_corrects_what_was_said_and_reports_count_the_new_result(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=90)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    records = await crisis.rows("select * from clock_event order by clock_id, seq")
    assert states(group(await report(crisis, by="target"), target="first_response")) == {"breached_open": 1}

    job = await approved(crisis, await dry_run(crisis))

    assert (job["result"]["applied"], job["result"]["repinned"]) == (1, 5)
    clock = (await crisis.clocks(case))["first_response"]
    assert (clock["due_at"], clock["has_breached"], clock["policy_version"]) == ("2026-03-02T04:00:00Z", False, 2)
    told = {event["corrects"]: event for event in await crisis.events("clock.corrected") if event["had_breached"]}
    assert told.keys() == {"crisis.clock.breached.v1", "crisis.clock.started.v1"}
    said = told["crisis.clock.started.v1"]
    assert (said["previous_due_at"], said["due_at"], said["has_breached"], said["reason"]) == (
        "2026-03-02T03:00:00Z", "2026-03-02T04:00:00Z", False, "recalculated: the board said so",
    )  # fmt: skip
    assert states(group(await report(crisis, by="target"), target="first_response")) == {"running": 1}
    kept = await crisis.rows("select * from clock_event where type <> 'repin' order by clock_id, seq")
    assert [tuple(row) for row in kept] == [tuple(row) for row in records]
    await crisis.after(minutes=31)
    again = [event for event in await crisis.events("clock.breached") if event["target"] == "first_response"]
    assert [event["at"] for event in again] == ["2026-03-02T03:00:00Z", "2026-03-02T04:00:00Z"]


async def test_what_was_superseded_stays_readable_and_the_timeline_says_by_what(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=90)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    job = await approved(crisis, await dry_run(crisis))

    (old,) = (await crisis.client.get(f"/v1/cases/{case}/sla/superseded")).json()["items"]
    assert (old["target"], old["policy_version"], old["breached_at"], old["superseded_by"]) == (
        "first_response",
        1,
        "2026-03-02T03:00:00Z",
        job["id"],
    )
    (entry,) = [entry for entry in await crisis.timeline(case) if entry["kind"] == "sla.recalculated"]
    assert entry["data"]["recalculation"] == job["id"]
    assert [one["was"]["breached_at"] for one in entry["data"]["superseded"]] == ["2026-03-02T03:00:00Z"]
    assert (await crisis.client.get(f"/v1/cases/{case}/timeline/verification")).json()["valid"]
    text = (await crisis.client.get(f"/v1/cases/{case}/sla/explain", params={"format": "text"})).text
    assert "repin" in text and "key v1, cn-office v1 → key v2, cn-office v1" in text


async def test_a_breach_that_comes_to_exist_is_told_and_calls_the_next_level(crisis):
    case = await a_case(crisis)
    await crisis.act(case, "acknowledge")
    await crisis.after(minutes=30)
    await another_version(crisis, first_response={"elapsed": "PT10M"})

    await approved(crisis, await dry_run(crisis))

    (breach,) = await crisis.events("clock.breached")
    assert (breach["target"], breach["at"], breach["fired_at"]) == (
        "first_response",
        "2026-03-02T02:10:00Z",
        "2026-03-02T02:30:00Z",
    )
    assert any(event["reason"] == "breach" for event in await crisis.events("escalation.raised"))


async def test_closed_cases_of_a_period_are_recalculated_when_asked_for(crisis):
    case = await a_case(crisis)
    await crisis.after(minutes=50)
    for action in ("acknowledge", "respond", "propose-resolution", "resolve", "close"):
        await crisis.act(case, action)
    await another_version(crisis, first_response={"elapsed": "PT30M"})
    assert states(group(await report(crisis, by="target"), target="first_response")) == {"met": 1}
    period = {"opened_from": "2026-03-01T00:00:00Z", "include_closed": True}

    unbound = await post(crisis, "recalculate", reason="r", select={"include_closed": True})
    nothing = await dry_run(crisis)
    job = await approved(crisis, await dry_run(crisis, select=period))

    assert (unbound.status_code, unbound.json()["errors"][0]["pointer"]) == (422, "/select/include_closed")
    assert (nothing["result"]["cases"], job["result"]["applied"]) == (0, 1)
    assert states(group(await report(crisis, by="target"), target="first_response")) == {"breached_closed": 1}
    corrected = {event["corrects"]: event for event in await crisis.events("clock.corrected")}
    assert corrected.keys() == {"crisis.clock.met.v1", "crisis.clock.warned.v1"}
    said = corrected["crisis.clock.met.v1"]
    assert (said["target"], said["had_breached"], said["has_breached"]) == ("first_response", False, True)
    assert await crisis.value("select count(*) from timer") == 0


async def test_what_moved_on_since_the_dry_run_is_reported_and_left_alone(crisis):
    moved, still = await a_case(crisis, "C-1"), await a_case(crisis, "C-2")
    await crisis.after(minutes=90)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    looked = await dry_run(crisis)
    await crisis.act(moved, "respond")
    late = await a_case(crisis, "C-3")
    await crisis.execute("update clock set pin = replace(pin, 'key@2', 'key@1') where case_id = $1", late)

    job = await approved(crisis, looked)

    outcomes = {(item["case_id"], item["target"]): item["outcome"] for item in await changes(crisis, job)}
    assert outcomes[moved, "first_response"] == "moved_on"
    assert outcomes[still, "first_response"] == "applied"
    clock = (await crisis.clocks(moved))["first_response"]
    assert (clock["policy_version"], clock["due_at"], clock["result"]) == (1, "2026-03-02T03:00:00Z", "missed")
    again = await approved(crisis, await dry_run(crisis, select={"case_ids": [moved]}))
    assert again["result"]["applied"] == 1
    assert (await crisis.clocks(moved))["first_response"]["result"] == "met"


async def test_an_approval_is_refused_until_there_is_something_to_approve_and_after_it_was_applied(crisis):
    await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    asked = await post(crisis, "recalculate", to={"policies": {"key": 2}}, reason="r")
    queued = await approve(crisis, asked.json()["id"])
    job = await ended(crisis, asked)
    done = await approved(crisis, job)

    twice, of_approved = await approve(crisis, job["id"]), await approve(crisis, done["id"])
    unknown = await post(crisis, "recalculate", to={"policies": {"key": 9}, "calendars": {"no": None}}, reason="r")

    assert (queued.status_code, queued.json()["current"]["state"]) == (409, "queued")
    assert (twice.status_code, of_approved.status_code) == (409, 404)
    assert [error["pointer"] for error in unknown.json()["errors"]] == ["/to/policies/key"]
    await crisis.client.post("/v1/calendars/cn-office/retire")
    homeless = await post(crisis, "recalculate", to={"policies": {"key": 2}}, reason="r")
    assert [error["pointer"] for error in homeless.json()["errors"]] == ["/to/calendars/cn-office"]


async def test_whoever_asked_for_a_dry_run_cannot_approve_it(crisis):
    await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    job = await dry_run(crisis)

    own = await post(crisis, f"recalculations/{job['id']}/approve", reason="looks right to me")
    other = await approve(crisis, job["id"])

    assert (own.status_code, own.json()["type"]) == (403, "/problems/four-eyes")
    assert "somebody else" in own.json()["detail"]
    assert other.status_code == 202
    assert await crisis.value("select count(*) from job where kind = 'recalculation-approved'") == 1


async def rotated(raw, now):
    return await rotate_key(raw, "test", now=now, overlap=timedelta(hours=1))


async def made_anew(raw, now):
    await revoke_key(raw, "test", now=now)
    return await create_key(raw, name="test", scopes=("crisis:read", "crisis:approve"), now=now)


async def made_besides(raw, now):
    return await create_key(raw, name="test", scopes=("crisis:read", "crisis:approve"), now=now)


@pytest.mark.parametrize("another", [rotated, made_anew, made_besides])
async def test_another_key_of_whoever_asked_does_not_make_somebody_else_of_him(crisis, another):
    await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    job = await dry_run(crisis)
    async with crisis.service.base.database.begin() as connection:
        key = await another(await raw_connection(connection), datetime.now(UTC))

    own = await post(crisis, f"recalculations/{job['id']}/approve", by={"Authorization": f"Bearer {key.plain}"})

    assert (own.status_code, own.json()["type"]) == (403, "/problems/four-eyes")
    assert (await approve(crisis, job["id"])).status_code == 202


async def test_what_was_applied_differs_no_more(crisis):
    await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    await approved(crisis, await dry_run(crisis))

    assert (await dry_run(crisis))["result"]["changed_clocks"] == 0


async def test_the_list_of_changes_is_paged_and_is_a_table_too(crisis):
    for number in range(3):
        await a_case(crisis, f"C-{number}")
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    job = await dry_run(crisis)
    url = f"/v1/sla/recalculations/{job['id']}/changes"

    first = (await crisis.client.get(url, params={"page_size": 2})).json()
    rest = (await crisis.client.get(url, params={"page_size": 2, "page_token": first["next_page_token"]})).json()
    table = await crisis.client.get(url, params={"format": "csv", "page_size": 2})

    assert (len(first["items"]), len(rest["items"]), rest["next_page_token"]) == (2, 1, None)
    assert len({item["case_id"] for item in first["items"] + rest["items"]}) == 3
    header, *lines = table.text.splitlines()
    assert header.startswith("case_id,number,clock_id,matter_id,target,cycle,outcome,policy_before")
    assert all(",key,2,cn-office@1,2026-03-02T04:00:00Z," in line for line in lines)
    assert [line.split(",")[0] for line in lines] == [item["case_id"] for item in first["items"]]
    assert "x-next-page-token" in table.headers


async def test_limits_by_law_are_left_alone_but_for_provisional_ones_on_another_calendar(crisis):
    crisis.clock.move(datetime(2026, 12, 10, 2, 0, tzinfo=UTC))
    sure = await a_case(crisis, "C-1", regulated="cn-bank-insurance")
    unsure = await a_case(crisis, "C-2", regulated="cn-market-regulation")
    calendar = await body_of(crisis, "calendars", "cn-office")
    calendar["exceptions"] = [{"from": "2026-12-11", "to": "2026-12-18", "windows": [], "note": "moving office"}]
    await activate(crisis, "calendars", "cn-office", calendar)

    job = await approved(crisis, await dry_run(crisis, to={"calendars": {"cn-office": 2}}))

    assert job["result"]["left_statutory"] > 0
    clocks = await crisis.clocks(sure)
    assert clocks["final_answer"]["calendar_version"] == 1
    assert (clocks["resolution"]["calendar_version"], clocks["resolution"]["due_at"]) == (2, "2026-12-25T10:00:00Z")
    assert (await crisis.clocks(unsure))["final_answer"]["calendar_version"] == 2
    assert [event["target"] for event in await crisis.events("clock.due_changed")] == ["final_answer"]
    assert "sla.recalculated" in kinds(await crisis.timeline(unsure))


async def test_what_starts_later_in_a_recalculated_case_starts_with_the_new_version(crisis):
    case = await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT2H"})
    await approved(crisis, await dry_run(crisis))

    await crisis.deliver(a_complaint("C-1", at=MONDAY + timedelta(minutes=1)))

    versions = await crisis.rows("select distinct pin from clock where case_id = $1", case)
    assert [row["pin"] for row in versions] == ["key@2;cn-office@1"]


async def test_by_the_same_versions_what_is_stored_is_held_against_the_fold(crisis):
    case = await a_case(crisis)
    nothing = await dry_run(crisis, to={})
    # As the rules of the calendar's time zone said when the clock was folded last.
    await crisis.execute(
        "update clock set due_at = due_at - interval '1 hour' where case_id = $1 and target = 'resolution'", case
    )

    job = await approved(crisis, await dry_run(crisis, to={}))

    assert (nothing["result"]["clocks"], nothing["result"]["changed_clocks"]) == (5, 0)
    assert (job["result"]["applied"], job["result"]["due_later"], job["result"]["repinned"]) == (1, 1, 1)
    (said,) = await crisis.events("clock.corrected")
    assert (said["target"], said["previous_due_at"], said["due_at"]) == (
        "resolution",
        "2026-03-09T09:00:00Z",
        "2026-03-09T10:00:00Z",
    )
    stored = await crisis.value("select due_at from clock where case_id = $1 and target = 'resolution'", case)
    assert stored == datetime(2026, 3, 9, 10, 0, tzinfo=UTC)


async def test_results_of_earlier_cycles_are_recalculated_and_counted_anew(crisis):
    case = await a_case(crisis)
    await crisis.after(hours=10)
    await crisis.act(case, "update")
    await crisis.after(hours=2)
    await another_version(crisis, update_cadence={"elapsed": "PT8H"})

    job = await approved(crisis, await dry_run(crisis))

    found = {item["cycle"]: item for item in await changes(crisis, job) if item["target"] == "update_cadence"}
    assert {cycle: (item["before"]["result"], item["after"]["result"]) for cycle, item in found.items()} == {
        1: ("met", "missed"),
        2: ("open", "open"),
    }
    assert states(group(await report(crisis, by="target"), target="update_cadence")) == {
        "breached_closed": 1,
        "running": 1,
    }
    kept = (await crisis.client.get(f"/v1/cases/{case}/sla/superseded")).json()["items"]
    assert {(one["cycle"], one["result"]) for one in kept} == {(1, "met"), (2, "open")}
    breaches = [event for event in await crisis.events("clock.breached") if event["target"] == "update_cadence"]
    assert [(event["cycle"], event["at"]) for event in breaches] == [(1, "2026-03-02T10:00:00Z")]
