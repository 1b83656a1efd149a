"""A new version of a calendar: what it would move is said before; what was provisional follows it, the rest seldom."""

from datetime import UTC, datetime

import pytest

from services.crisis.usecases.rederive_timers import PROVISIONAL
from shared.ids import new_id
from tests.integration.crisis.test_documents import body_of
from tests.support.crisis import a_complaint, a_snapshot, activate, kinds

DECEMBER = datetime(2026, 12, 21, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in Shanghai; the make-up days of 2027 are not published."""


async def a_late_case(crisis):
    crisis.clock.move(DECEMBER)
    await crisis.deliver(a_snapshot("C-1", "basic", at=DECEMBER))
    await crisis.deliver(a_complaint("C-1", at=DECEMBER, regulated="cn-market-regulation"))
    return await crisis.case_of("C-1")


async def drafted(crisis, **changes):
    """A new draft of the office calendar; answers the address of the version and its ETag."""
    body = {**(await body_of(crisis, "calendars", "cn-office")), **changes}
    made = await crisis.client.post(
        "/v1/calendars/cn-office/versions", json=body, headers={"Idempotency-Key": new_id()}
    )
    return f"/v1/calendars/cn-office/versions/{made.json()['version']}", made.headers["ETag"]


async def activated(crisis, url, tag):
    (await crisis.client.post(f"{url}/activate", headers={"If-Match": tag})).raise_for_status()
    while (await crisis.service.timers.turn())[1]:
        pass


CLOSED = {"exceptions": [{"from": "2027-01-04", "to": "2027-01-08", "windows": [], "note": "moving office"}]}


async def test_what_a_version_would_move_is_said_before_and_changes_nothing(crisis):
    case = await a_late_case(crisis)
    url, _ = await drafted(crisis, **CLOSED)
    effect = (await crisis.client.get(f"{url}/effect")).raise_for_status().json()
    clocks = await crisis.clocks(case["id"])

    moved = {item["target"]: item for item in effect["items"]}
    assert moved.keys() == {"final_answer", "resolution"}
    assert {target: item["derived_again"] for target, item in moved.items()} == {
        "final_answer": True,
        "resolution": True,
    }
    assert (effect["would_move"], effect["derived_again"]) == (2, 2)
    assert effect["running"] == effect["examined"] == sum(1 for c in clocks.values() if c["calendar"] == "cn-office")
    assert (
        moved["final_answer"]["due_at"] == clocks["final_answer"]["due_at"] < moved["final_answer"]["would_be_due_at"]
    )
    assert clocks["final_answer"]["provisional"] is True
    assert await crisis.events("clock.due_changed") == []


async def test_activation_derives_what_was_provisional_again_and_tells_it(crisis):
    case = await a_late_case(crisis)
    before = await crisis.clocks(case["id"])
    url, tag = await drafted(crisis, **CLOSED)
    effect = (await crisis.client.get(f"{url}/effect")).json()["items"]
    wanted = {item["target"]: item["would_be_due_at"] for item in effect}
    assert wanted.keys() == {"final_answer", "resolution"} == {t for t, c in before.items() if c["provisional"]}

    await activated(crisis, url, tag)
    after = await crisis.clocks(case["id"])

    for target, clock in before.items():
        due, version = (wanted[target], 2) if target in wanted else (clock["due_at"], clock["calendar_version"])
        assert (after[target]["due_at"], after[target]["calendar_version"]) == (due, version)
        assert after[target]["policy_version"] == 1
    told = {event["target"]: event for event in await crisis.events("clock.due_changed")}
    assert {target: (e["cause"], e["previous_due_at"], e["due_at"]) for target, e in told.items()} == {
        target: ("calendar_published", before[target]["due_at"], due) for target, due in wanted.items()
    }
    assert kinds(await crisis.timeline(case["id"])).count("clock.due_changed") == 2
    stored = await crisis.value("select due_at from clock where target = 'final_answer'")
    assert stored == datetime.fromisoformat(wanted["final_answer"])


async def test_a_promise_that_a_better_tier_tightened_follows_the_calendar_with_all_its_versions(crisis):
    week = {"mon": ["09:00-12:00", "13:00-18:00"]} | {day: ["09:00-18:00"] for day in ("tue", "wed", "thu", "fri")}
    for key, service_class, days in (("slow", "basic", 40), ("quick", "standard", 20)):
        resolution = {"business_days": days, "calendar": "cn-office"}
        body = {"order": 1, "applies": {"service_class": service_class}, "targets": {"resolution": resolution}}
        await activate(crisis, "sla-policies", key, body)
    case = await a_late_case(crisis)
    await crisis.deliver(a_snapshot("C-1", "standard", version=2, at=DECEMBER))
    before = (await crisis.clocks(case["id"]))["resolution"]

    await activated(crisis, *(await drafted(crisis, **CLOSED, weekly=week)))

    after = (await crisis.clocks(case["id"]))["resolution"]
    assert before["policy"] == after["policy"] == "quick"
    assert before["due_at"] == "2027-01-19T10:00:00Z"
    assert after["due_at"] == "2027-01-26T10:00:00Z"
    explained = (await crisis.client.get(f"/v1/cases/{case['id']}/sla/explain", params={"target": "resolution"})).json()
    assert {line["calendar_version"] for line in explained["clocks"][0]["lines"]} == {2}


@pytest.mark.parametrize(
    ("behaviour", "due_at"),
    [
        ("keep", "2026-12-28T10:00:00Z"),
        ("retarget_from_start", "2026-12-30T10:00:00Z"),
        ("tighten_only", "2026-12-28T10:00:00Z"),
    ],
)
async def test_what_is_certain_changes_as_its_policy_says_of_a_calendar(crisis, behaviour, due_at):
    policy = await body_of(crisis, "sla-policies", "basic")
    policy["targets"]["resolution"] = {"business_days": 5, "calendar": "cn-office"}
    await activate(crisis, "sla-policies", "basic", {**policy, "on_calendar_change": behaviour})
    case = await a_late_case(crisis)
    before = (await crisis.clocks(case["id"]))["resolution"]
    url, tag = await drafted(crisis, exceptions=[{"from": "2026-12-24", "to": "2026-12-25", "windows": []}])

    await activated(crisis, url, tag)
    after = (await crisis.clocks(case["id"]))["resolution"]

    assert (before["provisional"], before["due_at"], after["due_at"]) == (False, "2026-12-28T10:00:00Z", due_at)
    told = [one for one in await crisis.events("clock.retargeted") if one["target"] == "resolution"]
    expected = [] if behaviour == "keep" else [(behaviour, "calendar_published", before["due_at"], due_at)]
    assert [(one["behaviour"], one["cause"], one["previous_due_at"], one["due_at"]) for one in told] == expected


async def test_a_version_that_is_planned_moves_what_is_provisional_when_its_time_has_come(crisis):
    case = await a_late_case(crisis)
    before = (await crisis.clocks(case["id"]))["final_answer"]["due_at"]
    url, tag = await drafted(crisis, **CLOSED)
    planned = await crisis.client.post(
        f"{url}/activate", json={"effective_from": "2026-12-22T00:00:00+08:00"}, headers={"If-Match": tag}
    )

    await crisis.step(datetime(2026, 12, 21, 15, 59, tzinfo=UTC))
    still = (await crisis.clocks(case["id"]))["final_answer"]["due_at"]
    await crisis.step(datetime(2026, 12, 21, 16, 1, tzinfo=UTC))
    after = (await crisis.clocks(case["id"]))["final_answer"]["due_at"]

    assert (planned.json()["state"], planned.json()["effective_from"]) == ("draft", "2026-12-21T16:00:00Z")
    assert before == still < after
    assert {one["at"] for one in await crisis.events("clock.due_changed")} == {"2026-12-21T16:00:00Z"}


async def test_a_version_that_moves_nothing_tells_nothing(crisis):
    case = await a_late_case(crisis)
    before = (await crisis.clocks(case["id"]))["final_answer"]["due_at"]
    url, tag = await drafted(crisis, exceptions=[{"date": "2026-03-02", "windows": []}])
    effect = (await crisis.client.get(f"{url}/effect")).json()

    await activated(crisis, url, tag)

    assert (effect["would_move"], effect["items"]) == (0, [])
    assert (await crisis.clocks(case["id"]))["final_answer"]["due_at"] == before
    assert await crisis.events("clock.due_changed") == []


async def test_provisional_limits_are_found_by_index_among_many_clocks(crisis):
    await crisis.execute(
        """
        insert into clock
        select 'clock-' || n, 'case-' || n, null, 'C-' || n, 'final_answer', pin, pin, 1, '[]', 1, 'in_progress',
               'open', false, null, at, at, at, n % 5000 = 0, null, null, 1, 1, 1, 'cn-office@1', n % 10 = 0, 0, at
        from generate_series(1, 20000) n,
             lateral (select timestamptz '2026-12-21Z' at, 'statutory:cn-market-regulation@1;cn-office@1' pin) fixed
        """
    )
    await crisis.execute("analyze clock")

    found = await crisis.rows(PROVISIONAL, ";cn-office@")
    plan = "\n".join(row[0] for row in await crisis.rows(f"explain {PROVISIONAL}", ";cn-office@"))

    assert [row["case_id"] for row in found] == ["case-10000", "case-15000", "case-20000", "case-5000"]
    assert "clock_provisional" in plan
    assert "Seq Scan" not in plan
