"""Cases over HTTP: versions, states, scopes, pages, and input that is not right."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.support.crisis import MONDAY, a_complaint, a_snapshot


async def a_case(crisis, customer="C-1", **fields):
    await crisis.deliver(a_snapshot(customer, "key"), a_complaint(customer, **fields))
    return await crisis.case_of(customer)


def keyed(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"test-{name}"}


async def test_an_action_without_if_match_is_428_and_a_stale_one_412_and_neither_changes_anything(crisis):
    case = await a_case(crisis)
    url = f"/v1/cases/{case['id']}/acknowledge"

    missing = await crisis.client.post(url, json={})
    stale = await crisis.client.post(url, json={}, headers={"If-Match": '"99"'})

    assert (missing.status_code, stale.status_code) == (428, 412)
    assert stale.json()["current"] == {"version": 1}
    assert (await crisis.case_of("C-1"))["acknowledged_at"] is None


async def test_an_action_answers_the_case_with_its_new_version_as_etag(crisis):
    case = await a_case(crisis)
    read = await crisis.client.get(f"/v1/cases/{case['id']}")

    answer = await crisis.client.post(
        f"/v1/cases/{case['id']}/acknowledge", json={"by": "E-1042"}, headers={"If-Match": read.headers["ETag"]}
    )

    assert answer.headers["ETag"] == '"2"'
    assert (answer.json()["version"], answer.json()["acknowledged_at"]) == (2, "2026-03-02T02:00:00Z")


async def test_a_timer_that_fires_does_not_change_the_version(crisis):
    case = await a_case(crisis)

    await crisis.after(hours=30)

    assert (await crisis.case_of("C-1"))["version"] == case["version"]


async def test_a_wrong_state_is_409_with_the_present_state_and_version(crisis):
    case = await a_case(crisis)

    answer = await crisis.act(case["id"], "start-intervention")

    assert answer.status_code == 409
    assert answer.json()["current"] == {"state": "warning", "version": 1}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_case_is_404(crisis):
    for answer in (
        await crisis.client.get("/v1/cases/none"),
        await crisis.client.get("/v1/cases/none/timeline"),
        await crisis.client.get("/v1/cases/none/clocks"),
        await crisis.act("none", "acknowledge", version=1),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("change-severity", {"severity": "S9"}, "/severity"),
        ("change-severity", {}, "/severity"),
        ("respond", {"at": "2030-01-01T00:00:00Z"}, "/at"),
        ("respond", {"at": "yesterday"}, "/at"),
        ("respond", {"textt": "?"}, "/textt"),
        ("wait", {"waiting_for": "Waiting For"}, "/waiting_for"),
        ("wait", {"until": "2020-01-01T00:00:00Z"}, "/until"),
        ("reopen", {"mode": "somehow"}, "/mode"),
        ("acknowledge", {"by": ""}, "/by"),
        ("acknowledge", {"reason": "x" * 20_001}, "/reason"),
    ],
)
async def test_a_body_that_is_not_right_is_422_and_names_the_field(crisis, action, body, pointer):
    case = await a_case(crisis)

    answer = await crisis.act(case["id"], action, **body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_text_with_nul_is_refused_before_the_database(crisis):
    case = await a_case(crisis)

    answer = await crisis.act(case["id"], "respond", text="a\x00b")

    assert answer.status_code in {400, 422}


async def test_the_person_complained_about_cannot_become_the_owner(crisis):
    case = await a_case(crisis, complained_about="E-2077")

    answer = await crisis.act(case["id"], "assign", owner="E-2077")

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/conflict-of-interest")


async def test_an_action_repeated_under_one_key_has_one_effect_and_the_same_answer(crisis):
    case = await a_case(crisis)
    headers = {"If-Match": '"1"', **keyed("acknowledge")}

    first = await crisis.client.post(f"/v1/cases/{case['id']}/acknowledge", json={}, headers=headers)
    second = await crisis.client.post(f"/v1/cases/{case['id']}/acknowledge", json={}, headers=headers)
    other = await crisis.client.post(f"/v1/cases/{case['id']}/acknowledge", json={"reason": "x"}, headers=headers)

    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


async def test_a_case_opened_by_hand_is_created_once_and_joined_by_the_next(crisis):
    body = {"customer_id": "C-9", "title": "The plant manager called", "impact": "high", "by": "E-7"}

    first = await crisis.client.post("/v1/cases", json=body, headers=keyed("first"))
    second = await crisis.client.post("/v1/cases", json=body, headers=keyed("second"))
    missing = await crisis.client.post("/v1/cases", json=body)

    assert (first.status_code, second.status_code, missing.status_code) == (201, 200, 400)
    assert first.headers["Location"] == f"/v1/cases/{first.json()['id']}"
    assert second.json()["id"] == first.json()["id"]
    assert len(second.json()["matters"]) == 2
    assert (first.json()["type"], first.json()["provisional"]) == ("manual", True)


async def test_a_closed_case_is_not_reopened_beside_another_open_one(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "resolve")
    await crisis.act(case["id"], "close")
    await crisis.deliver(a_complaint("C-1"))
    newer = await crisis.case_of("C-1")

    answer = await crisis.act(case["id"], "reopen", reason="late again")

    assert newer["previous_case_id"] == case["id"]
    assert answer.status_code == 409
    assert answer.json()["case_id"] == newer["id"]


async def test_cases_are_found_by_what_they_are_and_paged_newest_first(crisis):
    for number in range(7):
        crisis.clock.move(MONDAY + timedelta(minutes=number))
        impact = "critical" if number % 2 else "low"
        complaint = a_complaint(f"C-{number}", at=crisis.clock.now(), impact=impact)
        await crisis.deliver(a_snapshot(f"C-{number}", "key"), complaint)

    found, token = [], None
    while True:
        params = {"severity": "S1", "page_size": 2, **({"page_token": token} if token else {})}
        page = (await crisis.client.get("/v1/cases", params=params)).json()
        found += [item["customer_id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break

    assert found == ["C-5", "C-3", "C-1"]
    by_number = (await crisis.client.get("/v1/cases", params={"number": "CR-2026-000001"})).json()["items"]
    assert [item["customer_id"] for item in by_number] == ["C-0"]
    assert (await crisis.client.get("/v1/cases", params={"stage": "nowhere"})).status_code == 422


async def test_a_note_stands_on_the_timeline_and_changes_neither_clocks_nor_version(crisis):
    case = await a_case(crisis)

    made = await crisis.client.post(f"/v1/cases/{case['id']}/notes", json={"text": "calls back"}, headers=keyed("note"))

    notes = (await crisis.client.get(f"/v1/cases/{case['id']}/notes")).json()["items"]
    assert made.status_code == 201
    assert [note["data"]["text"] for note in notes] == ["calls back"]
    assert (await crisis.case_of("C-1"))["version"] == case["version"]


async def test_a_timeline_that_somebody_changed_in_the_database_does_not_verify(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "acknowledge")
    await crisis.act(case["id"], "resolve")
    address = f"/v1/cases/{case['id']}/timeline/verification"
    before = (await crisis.client.get(address)).json()

    await crisis.execute("update timeline set actor = 'E-0001' where case_id = $1 and seq = 2", case["id"])

    assert before["valid"] is True
    assert (await crisis.client.get(address)).json() == {"valid": False, "entries": before["entries"], "broken_at": 2}


async def test_a_timeline_is_paged_and_every_entry_names_the_hash_before(crisis):
    case = await a_case(crisis)
    await crisis.act(case["id"], "acknowledge")
    await crisis.act(case["id"], "respond")

    address = f"/v1/cases/{case['id']}/timeline"
    first = (await crisis.client.get(address, params={"page_size": 2})).json()
    token = first["next_page_token"]
    rest = (await crisis.client.get(address, params={"page_size": 2, "page_token": token})).json()

    entries = first["items"] + rest["items"]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert entries[0]["previous_hash"] == "0" * 64
    assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))


async def test_the_severity_is_explained_and_a_person_who_lowers_it_says_why(crisis):
    case = await a_case(crisis, impact="high", public=True)

    silent = await crisis.act(case["id"], "change-severity", severity="S4")
    said = await crisis.act(case["id"], "change-severity", severity="S4", reason="a single pallet")

    assert [step["factor"] for step in case["severity_explanation"]["steps"]] == ["class_and_impact", "public"]
    assert (silent.status_code, said.status_code, said.json()["severity"]) == (409, 200, "S4")


async def test_a_caller_without_the_scope_of_a_commander_cannot_dismiss(crisis):
    from datetime import UTC, datetime

    from shared.auth.keys import create_key
    from shared.db.database import raw_connection

    case = await a_case(crisis)
    async with crisis.service.base.database.begin() as connection:
        raw = await raw_connection(connection)
        key = await create_key(raw, name="agent", scopes=("crisis:read", "crisis:write"), now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {key.plain}", "If-Match": '"1"'}

    answer = await crisis.client.post(f"/v1/cases/{case['id']}/dismiss", json={"reason": "no"}, headers=headers)

    assert answer.status_code == 403
    assert "crisis:command" in answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/cases?customer_id=%00", 400),
        ("/v1/cases/%00", 400),
        ("/v1/cases?opened_from=9999-12-31T23:59:59-14:00", 422),
        ("/v1/cases?opened_before=2026-01-01T00:00:00", 422),
        ("/v1/reports/attainment?from=9999-12-31T23:59:59-14:00", 422),
        ("/v1/reports/attainment?from=2026-01-01T00:00:00", 422),
    ],
)
async def test_what_no_database_can_hold_is_refused_at_the_door(crisis, address, status):
    answer = await crisis.client.get(address)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
