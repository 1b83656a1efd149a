"""A new version of a calendar: what it would move is said before; provisional limits by law follow it, nothing else."""

from datetime import UTC, datetime

from services.crisis.usecases.calendar_published import PROVISIONAL
from shared.ids import new_id
from tests.integration.crisis.test_documents import body_of
from tests.support.crisis import a_complaint, a_snapshot, kinds

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
        "resolution": False,
    }
    assert (effect["would_move"], effect["derived_again"]) == (2, 1)
    assert effect["running"] == effect["examined"] == sum(1 for c in clocks.values() if c["calendar"] == "cn-office")
    assert (
        moved["final_answer"]["due_at"] == clocks["final_answer"]["due_at"] < moved["final_answer"]["would_be_due_at"]
    )
    assert clocks["final_answer"]["provisional"] is True
    assert await crisis.events("clock.due_changed") == []


async def test_activation_derives_provisional_limits_again_and_tells_it(crisis):
    case = await a_late_case(crisis)
    before = await crisis.clocks(case["id"])
    url, tag = await drafted(crisis, **CLOSED)
    (wanted,) = [
        item for item in (await crisis.client.get(f"{url}/effect")).json()["items"] if item["target"] == "final_answer"
    ]

    await activated(crisis, url, tag)
    after = await crisis.clocks(case["id"])

    assert after["final_answer"]["due_at"] == wanted["would_be_due_at"]
    assert (after["final_answer"]["policy_version"], after["final_answer"]["calendar_version"]) == (1, 2)
    for target in before.keys() - {"final_answer"}:
        assert (after[target]["due_at"], after[target]["calendar_version"]) == (
            before[target]["due_at"],
            before[target]["calendar_version"],
        )
    (told,) = await crisis.events("clock.due_changed")
    assert (told["target"], told["cause"], told["previous_due_at"], told["due_at"]) == (
        "final_answer",
        "calendar_published",
        before["final_answer"]["due_at"],
        wanted["would_be_due_at"],
    )
    assert "clock.due_changed" in kinds(await crisis.timeline(case["id"]))
    stored = await crisis.value("select due_at from clock where target = 'final_answer'")
    assert stored == datetime.fromisoformat(wanted["would_be_due_at"])


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
    assert "clock_provisional_by_law" in plan
    assert "Seq Scan" not in plan
