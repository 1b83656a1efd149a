"""Simulating over HTTP: what is wrong with a request is a problem that says where and why."""

OPENED = "2026-11-02T01:00:00Z"
RARE = {"key": "rare", "zone": "UTC", "exceptions": [{"date": "2026-11-03", "windows": ["09:00-17:00"]}]}


def request(target):
    return {
        "policy": {"key": "p", "targets": {"t": target}},
        "calendars": [RARE],
        "events": [{"at": OPENED, "type": "start"}],
        "until": OPENED,
    }


async def test_a_target_that_is_never_reached_is_a_problem_of_its_own(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"business": "PT9H", "calendar": "rare"}))

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreachable-target")
    assert answer.json()["errors"][0]["pointer"] == "/policy/targets/t"


async def test_a_request_that_breaks_a_rule_is_refused_with_its_place(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"elapsed": "P1D"}))

    assert answer.status_code == 422
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [
        ("/policy/targets/t/elapsed", "time-units")
    ]


async def test_a_simulation_answers_with_every_clock(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"business": "PT8H", "calendar": "rare"}))

    assert [clock["due_at"] for clock in answer.json()["clocks"]] == ["2026-11-03T17:00:00Z"]
