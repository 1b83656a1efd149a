"""Activations that are planned: refused at their time, tried again, taken back, superseded by a newer decision."""

from datetime import timedelta

import pytest

from shared.contracts import format_instant
from shared.ids import new_id
from tests.support.crisis import MONDAY, activate

LATE = {"key": "late-shift", "zone": "UTC", "weekly": {"mon": ["09:00-17:00"]}}
NOON, EVENING = MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=8)


def a_policy(calendar="cn-office"):
    promise = {"business": "PT8H", "calendar": calendar}
    return {"key": "vip", "order": 5, "applies": {}, "targets": {"resolution": promise}}


async def drafted(crisis, body):
    made = await crisis.client.post("/v1/sla-policies/vip/versions", json=body, headers={"Idempotency-Key": new_id()})
    return made.raise_for_status().json()["version"]


async def planned(crisis, body, at=None):
    """A draft that becomes active then, or at once."""
    version = await drafted(crisis, body)
    wish = {} if at is None else {"effective_from": format_instant(at)}
    url = f"/v1/sla-policies/vip/versions/{version}/activate"
    answer = await crisis.client.post(url, json=wish, headers={"If-Match": f'"{version}.1"'})
    return answer.raise_for_status().json()


async def moved(crisis, to):
    """Unlike `step`, this goes on beside a timer that waits."""
    crisis.clock.move(to)
    while (await crisis.service.timers.turn())[0]:
        pass


async def shown(crisis, *fields):
    """Fields of every version, the oldest first."""
    found = (await crisis.client.get("/v1/sla-policies/vip/versions")).raise_for_status().json()["items"]
    return [tuple(one[field] for field in fields) for one in reversed(found)]


@pytest.fixture
async def waiting(crisis):
    """A plan whose calendar was retired before its time came."""
    await activate(crisis, "calendars", "late-shift", LATE)
    await planned(crisis, a_policy("late-shift"), NOON)
    (await crisis.client.post("/v1/calendars/late-shift/retire")).raise_for_status()
    await moved(crisis, NOON)
    return crisis


async def test_an_activation_that_is_refused_at_its_time_says_why_and_happens_once_it_can(waiting):
    reason = "/targets/resolution/calendar: there is no active calendar 'late-shift' (unknown-calendar)"
    assert await shown(waiting, "state", "effective_from", "refused") == [("draft", "2026-03-02T04:00:00Z", reason)]

    await activate(waiting, "calendars", "late-shift", LATE)
    await moved(waiting, NOON + timedelta(minutes=1))

    assert await shown(waiting, "state", "effective_from", "refused") == [("active", "2026-03-02T04:01:00Z", None)]


async def test_what_waits_is_tried_again_though_nothing_was_activated(waiting):
    await waiting.execute("update document set state = 'active', retired_at = null where key = 'late-shift'")
    await waiting.execute("update timer set retry_at = now() where retry_at is not null")  # the pause is over

    await moved(waiting, NOON + timedelta(minutes=1))

    assert await shown(waiting, "state") == [("active",)]


async def test_a_plan_can_be_taken_back_before_its_time_and_while_it_waits(waiting):
    await planned(waiting, a_policy(), EVENING)

    for version in (1, 2):
        answer = await waiting.client.post(f"/v1/sla-policies/vip/versions/{version}/withdraw")
        assert (answer.status_code, answer.json()["effective_from"], answer.json()["refused"]) == (200, None, None)
    await activate(waiting, "calendars", "late-shift", LATE)
    await moved(waiting, EVENING)

    assert await shown(waiting, "state", "effective_from") == [("draft", None)] * 2


async def test_what_is_active_has_no_plan_to_take_back(crisis):
    await planned(crisis, a_policy())

    answer = await crisis.client.post("/v1/sla-policies/vip/versions/1/withdraw")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-a-draft")


async def test_a_newer_version_activated_by_hand_supersedes_the_plan_of_an_older_one(crisis):
    await planned(crisis, a_policy(), NOON)
    newer = await planned(crisis, a_policy())

    await moved(crisis, EVENING)

    assert newer["state"] == "active"
    assert await shown(crisis, "state", "effective_from", "superseded_by") == [
        ("draft", None, 2),
        ("active", "2026-03-02T02:00:00Z", None),
    ]


async def test_an_older_version_activated_by_hand_leaves_the_plan_of_a_newer_one(crisis):
    await drafted(crisis, a_policy())
    await planned(crisis, a_policy(), NOON)
    await crisis.client.post("/v1/sla-policies/vip/versions/1/activate", headers={"If-Match": '"1.1"'})

    await moved(crisis, NOON)

    assert await shown(crisis, "state", "superseded_by") == [("retired", None), ("active", None)]


@pytest.mark.parametrize(("first", "then"), [(NOON, EVENING), (EVENING, NOON)])
async def test_plans_for_different_instants_both_stand(crisis, first, then):
    await planned(crisis, a_policy(), first)
    await planned(crisis, a_policy(), then)

    await moved(crisis, NOON)
    at_noon = await shown(crisis, "state", "effective_from")
    await moved(crisis, EVENING)

    assert ("active", "2026-03-02T04:00:00Z") in at_noon
    assert ("draft", "2026-03-02T10:00:00Z") in at_noon
    assert [state for (state,) in await shown(crisis, "state")] == [
        "active" if at == EVENING else "retired" for at in (first, then)
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_plans_for_one_instant_the_newer_version_stays(crisis, order):
    versions = [await drafted(crisis, a_policy()) for _ in order]
    for place in order:
        await crisis.client.post(
            f"/v1/sla-policies/vip/versions/{versions[place]}/activate",
            json={"effective_from": format_instant(NOON)},
            headers={"If-Match": f'"{versions[place]}.1"'},
        )

    await moved(crisis, EVENING)

    assert await shown(crisis, "state") == [("retired",), ("active",)]


async def test_a_plan_that_still_waits_is_superseded_by_one_that_came_after_it(waiting):
    await planned(waiting, a_policy(), EVENING)

    await moved(waiting, EVENING)
    await activate(waiting, "calendars", "late-shift", LATE)
    await moved(waiting, EVENING + timedelta(minutes=1))

    assert await shown(waiting, "state", "superseded_by") == [("draft", 2), ("active", None)]
