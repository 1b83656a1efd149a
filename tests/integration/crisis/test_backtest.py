"""A policy is tried on past cases before it counts: what was kept, what would have been, and nothing is written."""

from shared.ids import new_id
from tests.integration.crisis.test_documents import body_of
from tests.integration.crisis.test_recalculate import a_case


async def a_draft(crisis, key="key", **targets):
    policy = await body_of(crisis, "sla-policies", "key")
    body = {**policy, "key": key, "targets": policy["targets"] | targets}
    made = await crisis.client.post(
        f"/v1/sla-policies/{key}/versions", json=body, headers={"Idempotency-Key": new_id()}
    )
    return f"/v1/sla-policies/{key}/versions/{made.json()['version']}/test"


async def tried(crisis, url, **body):
    answer = await crisis.client.post(url, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def three_cases(crisis):
    """Answered after 20 and 80 minutes of a promised hour, and not at all in two hours."""
    cases = [await a_case(crisis, f"C-{number}") for number in range(3)]
    await crisis.after(minutes=20)
    await crisis.act(cases[0], "respond")
    await crisis.after(minutes=60)
    await crisis.act(cases[1], "respond")
    await crisis.after(minutes=40)
    return cases


def target(answer, name):
    (found,) = [one for one in answer["targets"] if one["target"] == name]
    return found


async def test_a_draft_is_held_against_what_was_recorded_of_past_cases(crisis):
    cases = await three_cases(crisis)
    url = await a_draft(crisis, first_response={"elapsed": "PT90M"})

    answer = await tried(crisis, url)

    found = target(answer, "first_response")
    assert found["before"] == {"met": 1, "breached": 2, "running": 0, "not_counted": 0}
    assert found["after"] == {"met": 2, "breached": 1, "running": 0, "not_counted": 0}
    assert (found["better"], found["worse"], found["due_later"], found["due_earlier"]) == (1, 0, 3, 0)
    unchanged = target(answer, "acknowledge")
    assert (unchanged["before"], unchanged["due_later"]) == (unchanged["after"], 0)
    assert (answer["cases"], answer["there_are_more"], answer["clocks"], answer["left_out"]) == (3, False, 15, {})
    first, *others = answer["examples"]
    assert (first["case_id"], first["before"]["verdict"], first["after"]["verdict"]) == (cases[1], "breached", "met")
    assert first["after"] == {"verdict": "met", "due_at": "2026-03-02T03:30:00Z", "breached_at": None}
    assert {one["before"]["verdict"] == one["after"]["verdict"] for one in others} == {True}


async def test_a_trial_writes_nothing_and_a_draft_may_change_between_two_of_them(crisis):
    await three_cases(crisis)
    url = await a_draft(crisis, first_response={"elapsed": "PT90M"})
    before = await crisis.rows("select * from clock order by id")
    told = len(await crisis.events())
    await tried(crisis, url)

    changed = await body_of(crisis, "sla-policies", "key")
    changed["targets"]["first_response"] = {"elapsed": "PT10M"}
    version = url.removesuffix("/test")
    tag = (await crisis.client.get(version)).headers["ETag"]
    (await crisis.client.put(version, json=changed, headers={"If-Match": tag})).raise_for_status()

    assert target(await tried(crisis, url), "first_response")["after"]["breached"] == 3
    after = await crisis.rows("select * from clock order by id")
    assert [tuple(row) for row in after] == [tuple(row) for row in before]
    assert len(await crisis.events()) == told


async def test_cases_are_bounded_by_period_class_and_number_the_last_ones_first(crisis):
    cases = await three_cases(crisis)
    late = await a_case(crisis, "C-9")
    url = await a_draft(crisis, first_response={"elapsed": "PT90M"})

    newest = await tried(crisis, url, most_cases=1)
    early = await tried(crisis, url, opened_to="2026-03-02T02:30:00Z", examples=2)
    none = await tried(crisis, url, service_class=["basic"])

    assert (newest["cases"], newest["there_are_more"]) == (1, True)
    assert {one["case_id"] for one in newest["examples"]} == {late}
    assert (early["cases"], len(early["examples"])) == (3, 2)
    assert {one["case_id"] for one in early["examples"]} <= set(cases)
    assert (none["cases"], none["targets"], none["untested"][0]) == (0, [], "acknowledge")


async def test_limits_by_law_and_targets_that_the_policy_lacks_are_left_out(crisis):
    await a_case(crisis, "C-1", regulated="cn-bank-insurance")
    url = await a_draft(crisis, "other", plan={"elapsed": "PT90M"})
    policy = (await crisis.client.get(url.removesuffix("/test"))).json()["body"]
    del policy["targets"]["update_cadence"]
    tag = (await crisis.client.get(url.removesuffix("/test"))).headers["ETag"]
    (await crisis.client.put(url.removesuffix("/test"), json=policy, headers={"If-Match": tag})).raise_for_status()

    answer = await tried(crisis, url)

    law = await crisis.value("select count(*) from clock where statutory")
    assert law > 0
    assert answer["left_out"] == {"statutory": law, "not_in_policy": 1}
    assert [name for name in answer["untested"] if not name.startswith("task:")] == ["plan"]


async def test_a_draft_that_is_not_valid_is_refused_with_its_problems(crisis):
    url = await a_draft(crisis, first_response={"elapsed": "P1D"})
    unknown = await a_draft(crisis, resolution={"business": "PT4H", "calendar": "mars"})

    wrong, lost = [await crisis.client.post(where, json={}) for where in (url, unknown)]

    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (409, "/targets/first_response/elapsed")
    assert (lost.status_code, lost.json()["errors"][0]["rule"]) == (409, "unknown-calendar")
    assert (await crisis.client.post("/v1/sla-policies/key/versions/99/test", json={})).status_code == 404
